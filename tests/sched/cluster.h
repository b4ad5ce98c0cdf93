// Nodes and pods for the tests of the scheduler.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/sched/placement.h"
#include "tests/store/seeds.h"
#include "tests/store/store_fixture.h"

namespace mainstay {

inline Quantity amount(std::string_view text) { return Quantity::parse(text).value(); }

struct Room {
  std::string_view cpu = "4";
  std::string_view memory = "8Gi";
  std::string_view pods = "110";
};

inline Object ready_node(std::string_view name, const Room& room = {}) {
  Object object = make_object<Node>("", name);
  Node& node = as<Node>(object);
  node.status.allocatable = {{"cpu", amount(room.cpu)}, {"memory", amount(room.memory)},
                             {"pods", amount(room.pods)}};
  NodeCondition ready;
  ready.type = "Ready";
  ready.status = "True";
  node.status.conditions.push_back(ready);
  map_slot(object.meta.labels, "kubernetes.io/hostname") = name;
  return object;
}

inline Taint taint_of(std::string_view key, std::string_view value, std::string_view effect) {
  Taint taint;
  taint.key = key;
  taint.value = value;
  taint.effect = effect;
  return taint;
}

inline Toleration toleration_of(std::string_view key, std::string_view op, std::string_view value,
                                std::string_view effect) {
  Toleration toleration;
  toleration.key = key;
  toleration.op = op;
  toleration.value = value;
  toleration.effect = effect;
  return toleration;
}

inline NodeSelectorRequirement requirement_of(std::string_view key, std::string_view op,
                                              std::vector<std::string> values) {
  NodeSelectorRequirement out;
  out.key = key;
  out.op = op;
  out.values = std::move(values);
  return out;
}

inline Object waiting_pod(std::string_view name, std::string_view cpu = "", std::string_view memory = "") {
  Object object = pod("default", name);
  ResourceList& requests = as<Pod>(object).spec.containers[0].resources.requests;
  if (!cpu.empty()) map_slot(requests, "cpu") = amount(cpu);
  if (!memory.empty()) map_slot(requests, "memory") = amount(memory);
  return object;
}

inline void owned_by_uid(Object& object, std::string_view uid) {
  OwnerReference owner;
  owner.api_version = "apps/v1";
  owner.kind = "ReplicaSet";
  owner.name = "owner";
  owner.uid = uid;
  owner.controller = true;
  object.meta.owner_references = {owner};
}

inline ObjectPtr share(Object object) { return std::make_shared<const Object>(std::move(object)); }

// A change as the store would report it.
inline Change added(const ObjectPtr& object) { return {1, ChangeOp::kAdd, object->key(), nullptr, object}; }
inline Change removed(const ObjectPtr& object) { return {1, ChangeOp::kRemove, object->key(), object, nullptr}; }
inline Change updated(const ObjectPtr& before, const ObjectPtr& after) {
  return {1, ChangeOp::kUpdate, after->key(), before, after};
}

inline ClusterView view_of(const std::vector<Object>& objects) {
  ClusterView view;
  for (const Object& object : objects) view.apply(added(share(object)));
  return view;
}

// A random cluster: labels, taints, cordons, few resources, some nodes not ready.
Object random_node(Rng& rng, std::string_view name);
// A random wish: requests, selectors, affinity, tolerations, host ports, owner, priority.
Object random_pod(Rng& rng, std::string_view name);
// Labels, a namespace, and sometimes wishes about other pods: affinity, anti-affinity, topology spread.
void add_random_wishes(Rng& rng, Object& pod);

}  // namespace mainstay
