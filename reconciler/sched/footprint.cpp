#include "reconciler/sched/footprint.h"

#include <algorithm>

#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr int64_t kMostOfOne = int64_t{1} << 52;
constexpr int64_t kMissingCpuMilli = 100;
constexpr int64_t kMissingMemory = int64_t{200} << 20;

int64_t bounded(int64_t amount) { return std::clamp<int64_t>(amount, 0, kMostOfOne); }

using Amount = int64_t (*)(const Container&);

int64_t score_cpu(const Container& container) {
  const Quantity* asked = map_find(container.resources.requests, "cpu");
  return asked != nullptr ? bounded(asked->milli()) : kMissingCpuMilli;
}

int64_t score_memory(const Container& container) {
  const Quantity* asked = map_find(container.resources.requests, "memory");
  return asked != nullptr ? bounded(asked->units()) : kMissingMemory;
}

// The rule of effective_requests() for one resource.
int64_t over_containers(const PodSpec& spec, Amount amount) {
  int64_t running = 0, sidecars = 0, starting = 0;
  for (const Container& container : spec.containers) running += amount(container);
  for (const Container& container : spec.init_containers) {
    starting = std::max(starting, sidecars + amount(container));
    if (is_sidecar(container)) sidecars += amount(container);
  }
  return bounded(std::max(running + sidecars, starting));
}

void add_ports(std::vector<HostPort>& out, const Container& container) {
  for (const ContainerPort& port : container.ports) {
    if (port.host_port <= 0) continue;
    HostPort wanted{port.host_ip == "0.0.0.0" || port.host_ip == "::" ? "" : port.host_ip,
                    port.protocol.empty() ? "TCP" : port.protocol, port.host_port};
    out.push_back(std::move(wanted));
  }
}

bool is_finished(const Pod& pod) { return pod.status.phase == "Succeeded" || pod.status.phase == "Failed"; }

}  // namespace

Amounts amounts_of(const ResourceList& list) {
  Amounts out;
  for (const auto& [name, quantity] : list) {
    int64_t units = bounded(quantity.units());
    if (name == "cpu") out.cpu_milli = bounded(quantity.milli());
    else if (name == "memory") out.memory = units;
    else if (name == "ephemeral-storage") out.ephemeral_storage = units;
    else if (name != "pods" && units > 0) out.extended.emplace_back(name, units);
  }
  return out;
}

void add(Amounts& sum, const Amounts& more) {
  sum.cpu_milli += more.cpu_milli;
  sum.memory += more.memory;
  sum.ephemeral_storage += more.ephemeral_storage;
  for (const auto& [name, amount] : more.extended) map_slot(sum.extended, name) += amount;
}

void subtract(Amounts& sum, const Amounts& less) {
  sum.cpu_milli -= less.cpu_milli;
  sum.memory -= less.memory;
  sum.ephemeral_storage -= less.ephemeral_storage;
  for (const auto& [name, amount] : less.extended) {
    int64_t& slot = map_slot(sum.extended, name);
    slot -= amount;
    if (slot == 0) map_erase(sum.extended, name);
  }
}

bool ports_clash(const HostPort& a, const HostPort& b) {
  return a.port == b.port && a.protocol == b.protocol && (a.ip.empty() || b.ip.empty() || a.ip == b.ip);
}

Footprint footprint_of(const Object& object) {
  const Pod& pod = as<Pod>(object);
  Footprint out;
  out.requests = amounts_of(effective_requests(pod.spec));
  out.score_cpu_milli = over_containers(pod.spec, score_cpu);
  out.score_memory = over_containers(pod.spec, score_memory);
  for (const Container& container : pod.spec.containers) add_ports(out.ports, container);
  for (const Container& container : pod.spec.init_containers) {
    if (is_sidecar(container)) add_ports(out.ports, container);
  }
  if (object.meta.deletion_timestamp != WallTime{}) return out;
  for (const OwnerReference& owner : object.meta.owner_references) {
    if (owner.controller.value_or(false)) out.owner = owner.uid;
  }
  return out;
}

bool takes_room(const Object& object) {
  const Pod& pod = as<Pod>(object);
  return !pod.spec.node_name.empty() && !is_finished(pod);
}

bool needs_placement(const Object& object) {
  const Pod& pod = as<Pod>(object);
  return pod.spec.node_name.empty() && !is_finished(pod) && object.meta.deletion_timestamp == WallTime{} &&
         (pod.spec.scheduler_name.empty() || pod.spec.scheduler_name == "default-scheduler");
}

}  // namespace mainstay
