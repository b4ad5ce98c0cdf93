// ClusterView: what the scheduler knows of every node, kept in step with the store change by change, so that
// placing never walks all pods. Rebuilding it from a snapshot gives the same. Core thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reconciler/sched/footprint.h"
#include "reconciler/sched/neighbours.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

// One node, and what the pods on it take.
struct NodeState {
  std::string name;
  ObjectPtr node;  // null: only pods name it; it takes no new ones
  Amounts allocatable;
  int64_t pods_allowed = 0;
  // Of the spec, and those that its conditions imply until the node lifecycle controller has written them:
  // a node that was never Ready takes no pod even in the turn it appears.
  std::vector<Taint> taints;

  Amounts requested;
  int64_t score_cpu_milli = 0;
  int64_t score_memory = 0;
  int64_t pods = 0;
  std::vector<HostPort> ports;  // sorted; a port stands as often as it is held
};

// A waiting pod for which others were asked to leave: the room on its node is kept from pods of lower priority.
struct Nominated {
  std::string node;
  int32_t priority = 0;
  Footprint footprint;
};

class ClusterView {
 public:
  using Slot = uint32_t;  // an index into slots(); stays with a node as long as the node is known
  using OwnerCounts = std::unordered_map<Slot, uint32_t>;

  ClusterView() = default;
  explicit ClusterView(const Snapshot& snapshot);

  // Follows one change of the store; changes of other kinds than Node, Pod and Namespace do nothing.
  void apply(const Change& change);
  void apply(std::span<const Change> changes);

  // Some are free (no name) or nodes that only pods name (no node): skip where `node` is null.
  const std::vector<NodeState>& slots() const { return slots_; }
  size_t node_count() const { return nodes_; }
  // Null if there is no such node.
  const NodeState* find(std::string_view name) const;
  // How many of this owner's pods stand on each node; null if none anywhere.
  const OwnerCounts* owner_counts(const std::string& owner) const;
  // Nothing if the name is not in use.
  std::optional<Slot> slot_at(const std::string& name) const;
  // Empty for a namespace that is not there.
  const StringMap& namespace_labels(const std::string& ns) const;
  const Neighbours& neighbours() const { return neighbours_; }
  Neighbours& neighbours() { return neighbours_; }
  const std::map<Key, Nominated>& nominated() const { return nominated_; }
  // The lowest priority of the pods that stand somewhere; nothing if none does.
  std::optional<int32_t> lowest_priority() const;

  // A pod of this footprint goes to, or leaves, a node: placing tries out its own bindings by these and takes
  // them back before it returns.
  void add(Slot slot, const Footprint& footprint);
  void take(Slot slot, const Footprint& footprint);

  // Everything, by node name: for comparing two views in tests and audits.
  std::string text() const;

 private:
  Slot slot_of(const std::string& name);
  void set_node(const std::string& name, ObjectPtr node);
  void release_if_unused(Slot slot);
  void follow_standing(const ObjectPtr& before, const ObjectPtr& after);
  void follow_nominated(const Change& change);
  void enter(const Object& pod);
  void leave(const Object& pod);

  std::vector<NodeState> slots_;
  std::vector<Slot> free_;
  std::unordered_map<std::string, Slot> by_name_;
  std::unordered_map<std::string, OwnerCounts> owners_;
  Neighbours neighbours_;
  std::map<std::string, StringMap, std::less<>> namespaces_;
  std::map<int32_t, uint32_t> priorities_;  // of the pods that stand somewhere
  std::map<Key, Nominated> nominated_;
  size_t nodes_ = 0;
};

}  // namespace mainstay
