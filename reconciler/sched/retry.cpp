#include "reconciler/sched/retry.h"

#include <algorithm>

#include "schema/compare.h"

namespace mainstay {
namespace {

constexpr Duration kFirstBackoff = 1s;
constexpr Duration kLongestBackoff = 10s;
constexpr Duration kFlushAfter = 5min;

Duration backoff(uint32_t refusals) {
  Duration out = kFirstBackoff;
  for (uint32_t i = 1; i < refusals && out < kLongestBackoff; ++i) out *= 2;
  return std::min(out, kLongestBackoff);
}

bool same_taints(const std::vector<Taint>& a, const std::vector<Taint>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Taint& x, const Taint& y) {
    return x.key == y.key && x.value == y.value && x.effect == y.effect;
  });
}

std::string_view ready_status(const Node& node) {
  for (const NodeCondition& condition : node.status.conditions) {
    if (condition.type == "Ready") return condition.status;
  }
  return {};
}

uint8_t cures_of_node(const Object& before, const Object& after) {
  const Node &was = as<Node>(before), &is = as<Node>(after);
  uint8_t out = 0;
  if (was.status.allocatable != is.status.allocatable || was.status.capacity != is.status.capacity) {
    out |= kCureRoom;
  }
  if (before.meta.labels != after.meta.labels || was.spec.unschedulable != is.spec.unschedulable ||
      !same_taints(was.spec.taints, is.spec.taints) || ready_status(was) != ready_status(is)) {
    out |= kCureNode | kCureCompany;
  }
  return out;
}

bool same_node_affinity(const PodSpec& a, const PodSpec& b) {
  auto of = [](const PodSpec& spec) { return spec.affinity ? &spec.affinity->node_affinity : nullptr; };
  const Box<NodeAffinity>*x = of(a), *y = of(b);
  bool has_x = x != nullptr && *x, has_y = y != nullptr && *y;
  return has_x == has_y && (!has_x || equal(**x, **y));
}

// Where other pods want to stand may depend on it.
uint8_t cures_of_pod(const ObjectPtr& before, const ObjectPtr& after) {
  bool stood = before && takes_room(*before), stands = after && takes_room(*after);
  if (stood != stands) return stood ? kCureRoom | kCureCompany : kCureCompany;
  if (!stands) return 0;
  bool left = before->meta.deletion_timestamp != after->meta.deletion_timestamp;
  return left || before->meta.labels != after->meta.labels ? kCureCompany : 0;
}

// Something the filters look at was changed by a client: new tolerations, labels, gates taken away.
bool asks_differently(const Object& before, const Object& after) {
  const PodSpec &was = as<Pod>(before).spec, &is = as<Pod>(after).spec;
  return is_gated(was) != is_gated(is) || before.meta.labels != after.meta.labels ||
         was.tolerations.size() != is.tolerations.size() || was.node_selector != is.node_selector ||
         !same_node_affinity(was, is) ||
         footprint_of(before).requests != footprint_of(after).requests;
}

}  // namespace

uint8_t cures_of(const Change& change) {
  if (change.key.kind == Kind::kNode) {
    if (!change.after) return kCureCompany;  // its pods count no longer, nor its place
    // A new node may suit those that no other suits, and has room.
    return change.before ? cures_of_node(*change.before, *change.after) : kCureNode | kCureRoom | kCureCompany;
  }
  if (change.key.kind == Kind::kPod) return cures_of_pod(change.before, change.after);
  // Terms choose namespaces by their labels.
  bool relabelled = change.key.kind == Kind::kNamespace &&
                    (!change.before || !change.after || change.before->meta.labels != change.after->meta.labels);
  return relabelled ? kCureCompany : 0;
}

RetryQueue::RetryQueue(const Snapshot& snapshot) {
  for (const ObjectPtr& pod : snapshot.list(Kind::kPod)) {
    if (needs_placement(*pod)) activate(pod->key(), pods_[pod->key()]);
  }
}

void RetryQueue::apply(std::span<const Change> changes) {
  for (const Change& change : changes) apply(change);
}

void RetryQueue::apply(const Change& change) {
  happened_ |= cures_of(change);
  if (change.key.kind == Kind::kPod) follow_pod(change);
}

void RetryQueue::follow_pod(const Change& change) {
  if (!change.after || !needs_placement(*change.after)) return forget(change.key);
  auto known = pods_.find(change.key);
  if (known == pods_.end() || !change.before || change.before->meta.uid != change.after->meta.uid) {
    forget(change.key);
    activate(change.key, pods_[change.key]);
  } else if (!known->second.active && asks_differently(*change.before, *change.after)) {
    set_timer(change.key, known->second, known->second.not_before);
  }
}

void RetryQueue::forget(const Key& key) {
  auto found = pods_.find(key);
  if (found == pods_.end()) return;
  timers_.erase({found->second.try_at, key});
  active_.erase(key);
  pods_.erase(found);
}

void RetryQueue::activate(const Key& key, Waiting& pod) {
  timers_.erase({pod.try_at, key});
  pod.active = true;
  active_.insert(key);
}

void RetryQueue::set_timer(const Key& key, Waiting& pod, MonoTime at) {
  timers_.erase({pod.try_at, key});
  active_.erase(key);
  pod.active = false;
  pod.try_at = at;
  timers_.insert({at, key});
}

void RetryQueue::refused(const Unplaced& unplaced, MonoTime now) {
  Key key = unplaced.pod->key();
  auto found = pods_.find(key);
  if (found == pods_.end()) return;
  Waiting& pod = found->second;
  pod.cures = unplaced.cures;
  // Being held back by a gate is no failure: it goes as soon as the gate does.
  bool gated = unplaced.reason == "SchedulingGated";
  if (!gated) ++pod.refusals;
  pod.not_before = gated ? now : now + backoff(pod.refusals);
  set_timer(key, pod, now + kFlushAfter);
}

void RetryQueue::wake_cured() {
  if (happened_ == 0) return;
  for (auto& [key, pod] : pods_) {
    if (pod.active || (pod.cures & happened_) == 0) continue;
    set_timer(key, pod, std::min(pod.try_at, pod.not_before));
  }
  happened_ = 0;
}

std::vector<Key> RetryQueue::due(MonoTime now, size_t limit) {
  wake_cured();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Key key = timers_.begin()->second;
    activate(key, pods_.at(key));
  }
  std::vector<Key> out;
  for (auto key = active_.begin(); key != active_.end() && out.size() < limit; ++key) out.push_back(*key);
  return out;
}

std::optional<MonoTime> RetryQueue::next_wake() const {
  if (!active_.empty()) return MonoTime{};  // the clock starts there: it is past
  std::optional<MonoTime> out;
  if (!timers_.empty()) out = timers_.begin()->first;
  if (happened_ == 0) return out;
  // A change has happened that due() has not looked at yet.
  for (const auto& [key, pod] : pods_) {
    if ((pod.cures & happened_) != 0 && (!out || pod.not_before < *out)) out = pod.not_before;
  }
  return out;
}

}  // namespace mainstay
