#include "schema/pod_resources.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace mainstay {
namespace {

constexpr std::array<std::string_view, 2> kQosResources = {"cpu", "memory"};

void add_to(ResourceList& sum, const ResourceList& more) {
  for (const auto& [name, quantity] : more) {
    Quantity& slot = map_slot(sum, name);
    slot = slot + quantity;
  }
}

void raise_to(ResourceList& highest, const ResourceList& other) {
  for (const auto& [name, quantity] : other) {
    Quantity& slot = map_slot(highest, name);
    if (quantity > slot) slot = quantity;
  }
}

ResourceList overhead(const PodSpec& spec) {
  ResourceList out;
  const Value* declared = spec.carried ? spec.carried->find("overhead") : nullptr;
  if (declared == nullptr || !declared->is_map()) return out;
  for (const Member& member : declared->as_map()) {
    std::string text = member.value.is_string() ? member.value.as_string()
                       : member.value.is_int()  ? std::to_string(member.value.as_int())
                                                : std::string();
    if (std::optional<Quantity> quantity = Quantity::parse(text)) map_slot(out, member.name) = *quantity;
  }
  return out;
}

using Pick = const ResourceList& (*)(const Container&);

// The rule of effective_requests for whichever list `pick` chooses, without the overhead.
ResourceList combine(const PodSpec& spec, Pick pick) {
  ResourceList running, starting, sidecars;
  for (const Container& container : spec.containers) add_to(running, pick(container));
  for (const Container& container : spec.init_containers) {
    ResourceList here = sidecars;
    add_to(here, pick(container));
    if (is_sidecar(container)) sidecars = here;
    raise_to(starting, here);
  }
  add_to(running, sidecars);
  raise_to(running, starting);
  return running;
}

bool sets_none(const Container& container) {
  return std::all_of(kQosResources.begin(), kQosResources.end(), [&](std::string_view name) {
    const Quantity* request = map_find(container.resources.requests, name);
    const Quantity* limit = map_find(container.resources.limits, name);
    return (request == nullptr || request->is_zero()) && (limit == nullptr || limit->is_zero());
  });
}

bool is_guaranteed(const Container& container) {
  return std::all_of(kQosResources.begin(), kQosResources.end(), [&](std::string_view name) {
    const Quantity* request = map_find(container.resources.requests, name);
    const Quantity* limit = map_find(container.resources.limits, name);
    return limit != nullptr && !limit->is_zero() && request != nullptr && *request == *limit;
  });
}

}  // namespace

ResourceList effective_requests(const PodSpec& spec) {
  ResourceList out = combine(
      spec, [](const Container& container) -> const ResourceList& { return container.resources.requests; });
  add_to(out, overhead(spec));
  return out;
}

ResourceList effective_limits(const PodSpec& spec) {
  ResourceList out = combine(
      spec, [](const Container& container) -> const ResourceList& { return container.resources.limits; });
  auto unlimited = [&](const std::string& name) {
    auto lacks = [&](const Container& container) {
      return map_find(container.resources.limits, name) == nullptr;
    };
    return std::any_of(spec.containers.begin(), spec.containers.end(), lacks) ||
           std::any_of(spec.init_containers.begin(), spec.init_containers.end(), lacks);
  };
  std::erase_if(out, [&](const auto& entry) { return unlimited(entry.first); });
  ResourceList extra = overhead(spec);
  std::erase_if(extra, [&](const auto& entry) { return map_find(out, entry.first) == nullptr; });
  add_to(out, extra);
  return out;
}

std::string_view qos_class(const PodSpec& spec) {
  auto all = [&](bool (*holds)(const Container&)) {
    return std::all_of(spec.containers.begin(), spec.containers.end(), holds) &&
           std::all_of(spec.init_containers.begin(), spec.init_containers.end(), holds);
  };
  if (all(&sets_none)) return "BestEffort";
  return all(&is_guaranteed) ? "Guaranteed" : "Burstable";
}

}  // namespace mainstay
