// What is decided for all nodes together: the range of pod addresses of each, and its taints (which depend on
// whether any node is heard of at all). Rules: k8s-semantics 12. Key: the sweep of all nodes.
#include <algorithm>
#include <set>

#include "reconciler/control/conditions.h"
#include "reconciler/control/controllers.h"
#include "reconciler/control/node_rules.h"
#include "schema/compare.h"
#include "schema/ipv4.h"

namespace mainstay {
namespace {

constexpr std::string_view kNoRange = "CIDRNotAvailable";

// Hands out the lowest free block of the cluster's range.
class NodeRanges {
 public:
  NodeRanges(const ControlSettings& settings, const std::vector<ObjectPtr>& nodes)
      : range_(parse_ipv4_range(settings.cluster_cidr)), bits_(settings.node_cidr_bits) {
    bool usable = range_ && bits_ >= range_->bits && bits_ <= 30;
    if (!usable) {
      range_.reset();
      return;
    }
    for (const ObjectPtr& node : nodes) {
      std::optional<Ipv4Block> held = parse_ipv4_range(as<Node>(*node).spec.pod_cidr);
      if (held && range_->contains(held->base)) take(*held);
    }
  }

  std::optional<Ipv4Block> next() {
    if (!range_) return std::nullopt;
    uint64_t blocks = uint64_t{1} << (bits_ - range_->bits);
    while (first_ < blocks && taken_.count(first_) != 0) ++first_;
    if (first_ == blocks) return std::nullopt;
    Ipv4Block block{static_cast<uint32_t>(range_->base + (first_ << (32 - bits_))), bits_};
    taken_.insert(first_);
    return block;
  }

 private:
  // A block of another size (settings changed) takes every block it touches.
  void take(const Ipv4Block& held) {
    uint64_t first = (held.base - range_->base) >> (32 - bits_);
    uint64_t last = (held.base - range_->base + std::min(held.size(), range_->size()) - 1) >> (32 - bits_);
    for (uint64_t block = first; block <= last; ++block) taken_.insert(block);
  }

  std::optional<Ipv4Block> range_;
  int bits_;
  uint64_t first_ = 0;  // no block below is free
  std::set<uint64_t> taken_;
};

// Without a range no pod can have an address there: the node says so and takes none.
void say_no_range(ControlContext& context, Object& node) {
  bool news = set_condition(as<Node>(node).status.conditions, "NetworkUnavailable",
                            {"True", kNoRange,
                             "no range of " + context.settings.cluster_cidr + " is free for the node's pods: "
                             "remove nodes, or configure a larger cluster CIDR"},
                            context.now().wall);
  if (!news) return;
  record_node_status(context.txn, node, kNoRange, "cidrAllocator", "");
}

void give_range(ControlContext& context, NodeRanges& ranges, Object& node) {
  Node& body = as<Node>(node);
  if (!body.spec.pod_cidr.empty()) return;
  std::optional<Ipv4Block> range = ranges.next();
  if (!range) {
    say_no_range(context, node);
    return;
  }
  body.spec.pod_cidr = range->text();
  body.spec.pod_cidrs = {body.spec.pod_cidr};
  const NodeCondition* before = find_condition(body.status.conditions, "NetworkUnavailable");
  if (before != nullptr && before->reason == kNoRange) {
    remove_condition(body.status.conditions, "NetworkUnavailable");
  }
}

bool same_taints(const std::vector<Taint>& a, const std::vector<Taint>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Taint& x, const Taint& y) { return equal(x, y); });
}

bool is_cordoned(const std::vector<Taint>& taints) {
  return std::any_of(taints.begin(), taints.end(), [](const Taint& one) { return one.key == kUnschedulableTaint; });
}

Outcome reconcile(ControlContext& context, const Key&) {
  std::vector<ObjectPtr> nodes;
  for (const ObjectPtr& node : context.view().list(Kind::kNode)) nodes.push_back(node);
  NodeRanges ranges(context.settings, nodes);
  bool any_heard = std::any_of(nodes.begin(), nodes.end(), [](const ObjectPtr& node) {
    return node_health(as<Node>(*node)) != NodeHealth::kUnknown;
  });
  for (const ObjectPtr& stored : nodes) {
    if (stored->meta.deletion_timestamp != WallTime{}) continue;
    // Nodes are large and mostly as they should be: only those that change are copied.
    const Node& body = as<Node>(*stored);
    std::vector<Taint> taints = wanted_taints(body, any_heard, context.now().wall);
    if (!body.spec.pod_cidr.empty() && same_taints(taints, body.spec.taints)) continue;
    Object node = *stored;
    give_range(context, ranges, node);
    as<Node>(node).spec.taints = wanted_taints(as<Node>(node), any_heard, context.now().wall);
    bool was_cordoned = is_cordoned(body.spec.taints);
    Result<ObjectPtr> written = context.txn.update(std::move(node));
    if (!written.ok() || is_cordoned(as<Node>(**written).spec.taints) == was_cordoned) continue;
    record_node_status(context.txn, **written, was_cordoned ? "NodeSchedulable" : "NodeNotSchedulable", "kubelet",
                       stored->meta.name);
  }
  return {};
}

bool same_statuses(const Node& a, const Node& b) {
  return std::equal(a.status.conditions.begin(), a.status.conditions.end(), b.status.conditions.begin(),
                    b.status.conditions.end(), [](const NodeCondition& x, const NodeCondition& y) {
                      return x.type == y.type && x.status == y.status;
                    });
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  if (change.key.kind != Kind::kNode) return;
  if (change.before && change.after) {
    const Node &a = as<Node>(*change.before), &b = as<Node>(*change.after);
    if (same_statuses(a, b) && equal(a.spec, b.spec)) return;
  }
  keys.push_back(sweep_key(Kind::kNode));
}

}  // namespace

Controller node_policy_controller() { return {"node-policy-controller", &reconcile, &wakes, Kind::kNode}; }

}  // namespace mainstay
