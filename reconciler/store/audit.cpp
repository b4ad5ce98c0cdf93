#include "reconciler/store/audit.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "reconciler/store/find_owner.h"
#include "reconciler/store/object_parts.h"
#include "reconciler/store/snapshot_parts.h"
#include "schema/pod_resources.h"
#include "schema/selector.h"

namespace mainstay {
namespace {

bool is_finished(const Pod& pod) { return pod.status.phase == "Succeeded" || pod.status.phase == "Failed"; }

class Auditor {
 public:
  Auditor(const Snapshot& view, AuditMoment moment)
      : view_(view), settled_(moment == AuditMoment::kSettled) {}

  std::vector<std::string> run() {
    for (const KindInfo& info : all_kinds()) {
      for (const auto& row : view_.table(info.id)) check_row(info, row.key(), row.value());
    }
    check_index_sizes();
    for (const ObjectPtr& node : view_.list(Kind::kNode)) check_node(*node);
    check_addresses();
    return std::move(findings_);
  }

 private:
  void find(std::string sentence) {
    if (findings_.size() < kAuditFindings) findings_.push_back(std::move(sentence));
  }
  void find(const Object& object, const std::string& what) { find(object.key().text() + " " + what + "."); }

  void check_row(const KindInfo& info, const ObjectName& name, const ObjectPtr& object);
  void check_identity(const Object& object);
  void check_indexes(const ObjectPtr& object);
  void check_owners(const Object& object);
  void check_deletion(const Object& object);
  void check_pod(const Object& object);
  void check_workload(const Object& object);
  void check_namespace(const Object& object);
  void check_index_sizes();
  void check_node(const Object& object);
  void check_addresses();
  void claim_address(const std::string& what, const std::string& address, const Object& object);

  const Snapshot& view_;
  const bool settled_;
  std::vector<std::string> findings_;
  std::unordered_map<uint64_t, Key> by_version_;
  std::map<std::pair<std::string, std::string>, Key> addresses_;
  size_t uids_ = 0, owner_entries_ = 0, node_entries_ = 0;
};

void Auditor::check_row(const KindInfo& info, const ObjectName& name, const ObjectPtr& object) {
  if (!object) {
    return find(std::string(info.kind) + " " + name.ns + "/" + name.name + " has a row without an object.");
  }
  if (object->kind != info.id || object->meta.ns != name.ns || object->meta.name != name.name) {
    find(*object, "stands in the row of " + Key{info.id, name.ns, name.name}.text());
    return;
  }
  check_identity(*object);
  check_indexes(object);
  check_owners(*object);
  check_deletion(*object);
  if (object->kind == Kind::kPod) check_pod(*object);
  if (object->kind == Kind::kNamespace) check_namespace(*object);
  if (object->kind == Kind::kReplicaSet || object->kind == Kind::kDeployment) check_workload(*object);
}

void Auditor::check_identity(const Object& object) {
  const ObjectMeta& meta = object.meta;
  if (object.info().namespaced == meta.ns.empty()) {
    find(object, meta.ns.empty() ? "has no namespace and needs one" : "has a namespace and must not");
  }
  if (!meta.ns.empty() && !view_.find(Kind::kNamespace, "", meta.ns)) {
    find(object, "is in namespace " + meta.ns + ", which does not exist");
  }
  if (meta.uid.empty()) find(object, "has no uid");
  if (meta.creation_timestamp == WallTime{}) find(object, "has no creationTimestamp");
  if (!meta.resource_version.empty()) find(object, "keeps a client's resourceVersion");
  if (object.version == 0 || object.version > view_.version()) {
    find(object, "has resource version " + std::to_string(object.version) + ", the store is at " +
                     std::to_string(view_.version()));
  }
  auto [other, fresh] = by_version_.emplace(object.version, object.key());
  if (!fresh) {
    find(object, "has resource version " + std::to_string(object.version) + " together with " + other->second.text());
  }
  if (has_generation(object) && meta.generation < 1) find(object, "has no generation");
}

void Auditor::check_indexes(const ObjectPtr& object) {
  ObjectName name{object->meta.ns, object->meta.name};
  if (has_uid_place(object->kind)) {
    ObjectPtr same_uid = view_.find_uid(object->meta.uid);
    if (same_uid != object) {
      find(*object, same_uid ? "shares its uid with " + same_uid->key().text() : "is not found by its uid");
    }
    ++uids_;
  }
  std::vector<std::string_view> owners;
  for (const OwnerReference& owner : object->meta.owner_references) {
    const ObjectPtr* entry = SnapshotParts::by_owner(view_).find(GroupedName{owner.uid, object->kind, name});
    if (entry == nullptr || *entry != object) find(*object, "is not found by its owner " + owner.name);
    if (std::find(owners.begin(), owners.end(), owner.uid) == owners.end()) owners.push_back(owner.uid);
  }
  owner_entries_ += owners.size();
  const Pod* pod = try_as<Pod>(*object);
  if (pod == nullptr || pod->spec.node_name.empty()) return;
  GroupedName place{pod->spec.node_name, object->kind, name};
  const ObjectPtr* entry = SnapshotParts::by_node(view_).find(place);
  if (entry == nullptr || *entry != object) find(*object, "is not found by its node " + pod->spec.node_name);
  ++node_entries_;
}

// Every object was found through each index; if an index has more entries, they are leftovers.
void Auditor::check_index_sizes() {
  auto check = [&](std::string_view index, size_t has, size_t should_have) {
    if (has == should_have) return;
    find("The index by " + std::string(index) + " has " + std::to_string(has) + " entries and should have " +
         std::to_string(should_have) + ".");
  };
  check("uid", SnapshotParts::by_uid(view_).size(), uids_);
  check("owner", SnapshotParts::by_owner(view_).size(), owner_entries_);
  check("node", SnapshotParts::by_node(view_).size(), node_entries_);
}

void Auditor::check_owners(const Object& object) {
  size_t controllers = 0;
  for (const OwnerReference& reference : object.meta.owner_references) {
    controllers += reference.controller.value_or(false) ? 1 : 0;
    ObjectPtr owner = find_owner(view_, reference, object.meta.ns);
    if (!owner) {
      if (settled_ && !is_deleting(object)) {
        find(object, "is owned by " + reference.kind + " " + reference.name +
                         ", which is gone, and is not being collected");
      }
      continue;
    }
    if (owner->info().kind != reference.kind || owner->meta.name != reference.name) {
      find(object, "calls its owner " + reference.kind + " " + reference.name + ", but that uid is " +
                       owner->key().text());
    }
    if (!owner->meta.ns.empty() && owner->meta.ns != object.meta.ns) {
      find(object, "is owned across namespaces by " + owner->key().text());
    }
  }
  if (controllers > 1) find(object, "has " + std::to_string(controllers) + " controllers");
}

void Auditor::check_deletion(const Object& object) {
  if (!is_deleting(object)) {
    if (object.meta.deletion_grace_period_seconds) find(object, "has a grace period and is not being deleted");
    return;
  }
  if (!object.meta.deletion_grace_period_seconds) find(object, "is being deleted and has no grace period");
  if (is_free_to_go(object)) find(object, "is being deleted, nothing holds it, and it is still there");
  if (object.meta.deletion_timestamp < object.meta.creation_timestamp) find(object, "was deleted before it was made");
}

void Auditor::check_namespace(const Object& object) {
  bool terminating = as<Namespace>(object).status.phase == "Terminating";
  if (terminating != is_deleting(object)) {
    find(object, terminating ? "is Terminating and is not being deleted" : "is being deleted and not Terminating");
  }
}

void Auditor::check_pod(const Object& object) {
  const Pod& pod = as<Pod>(object);
  const std::string& node = pod.spec.node_name;
  if (node.empty() && !pod.status.pod_ip.empty()) find(object, "has an address and no node");
  // The agent of a node that is gone may still run its pods: the pod stays until that is cleared up.
  bool should_run = !node.empty() && !is_finished(pod) && !is_deleting(object);
  if (settled_ && should_run && !view_.find(Kind::kNode, "", node)) {
    find(object, "is on node " + node + ", which does not exist");
  }
}

void Auditor::check_workload(const Object& object) {
  const ReplicaSet* set = try_as<ReplicaSet>(object);
  const Deployment* deployment = try_as<Deployment>(object);
  const Box<LabelSelector>& selector = set != nullptr ? set->spec.selector : deployment->spec.selector;
  const StringMap& labels = set != nullptr ? set->spec.pod_template.metadata.labels
                                           : deployment->spec.pod_template.metadata.labels;
  int64_t observed = set != nullptr ? set->status.observed_generation : deployment->status.observed_generation;
  if (observed > object.meta.generation) find(object, "has observed a generation that does not exist");
  if (selector && !matches(*selector, labels)) find(object, "does not select the pods of its own template");
  if (!settled_ || !selector) return;
  for (const ObjectPtr& child : view_.owned_by(object.meta.uid)) {
    for (const OwnerReference& owner : child->meta.owner_references) {
      bool controlled = owner.uid == object.meta.uid && owner.controller.value_or(false);
      if (controlled && !is_deleting(*child) && !matches(*selector, child->meta.labels)) {
        find(*child, "is controlled by " + object.key().text() + ", whose selector does not match it");
      }
    }
  }
}

// By requests, of all pods that are not finished: also of those on their way out, which still use the node.
void Auditor::check_node(const Object& object) {
  const Node& node = as<Node>(object);
  std::map<std::string, Quantity> used;
  int64_t pods = 0;
  for (const ObjectPtr& held : view_.pods_on(object.meta.name)) {
    const Pod& pod = as<Pod>(*held);
    if (is_finished(pod)) continue;
    ++pods;
    for (const auto& [resource, amount] : effective_requests(pod.spec)) {
      auto [entry, fresh] = used.emplace(resource, amount);
      if (!fresh) entry->second = entry->second + amount;
    }
  }
  used["pods"] = Quantity::of(pods);
  for (const auto& [resource, amount] : used) {
    const Quantity* room = map_find(node.status.allocatable, resource);
    if (room != nullptr && amount > *room) {
      find(object, "has " + room->text() + " of " + resource + ", and its pods ask for " + amount.text());
    }
  }
}

void Auditor::claim_address(const std::string& what, const std::string& address, const Object& object) {
  if (address.empty() || address == "None") return;
  auto [owner, fresh] = addresses_.emplace(std::pair(what, address), object.key());
  if (!fresh) find(object, "has the " + what + " " + address + " of " + owner->second.text());
}

void Auditor::check_addresses() {
  for (const ObjectPtr& object : view_.list(Kind::kService)) {
    const Service& service = as<Service>(*object);
    claim_address("cluster address", service.spec.cluster_ip, *object);
    for (const ServicePort& port : service.spec.ports) {
      if (port.node_port == 0) continue;
      claim_address("node port", port.protocol + " " + std::to_string(port.node_port), *object);
    }
  }
  for (const ObjectPtr& object : view_.list(Kind::kNode)) {
    claim_address("pod range", as<Node>(*object).spec.pod_cidr, *object);
  }
  if (!settled_) return;
  for (const ObjectPtr& object : view_.list(Kind::kPod)) {
    const Pod& pod = as<Pod>(*object);
    if (!is_finished(pod) && !pod.spec.host_network) claim_address("pod address", pod.status.pod_ip, *object);
  }
}

}  // namespace

std::vector<std::string> audit(const Snapshot& view, AuditMoment moment) { return Auditor(view, moment).run(); }

}  // namespace mainstay
