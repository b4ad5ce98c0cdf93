#include "nodeagent/housekeeping/reservation.h"

#include <algorithm>

namespace mainstay {
namespace {

constexpr std::string_view kResources[] = {"cpu", "memory", "ephemeral-storage", "pid"};

Quantity kept_of(std::string_view name, const Quantity& capacity, const NodeReservations& kept) {
  Quantity out;
  for (const ResourceList* list : {&kept.system, &kept.kube}) {
    if (const Quantity* found = map_find(*list, name)) out = out + *found;
  }
  if (name == "memory") {
    out = out + Quantity::of(kept_back(kept.eviction, EvictionSignal::kMemoryAvailable, capacity.units()));
  } else if (name == "ephemeral-storage") {
    out = out + Quantity::of(kept_back(kept.eviction, EvictionSignal::kNodefsAvailable, capacity.units()));
  }
  return out;
}

}  // namespace

Result<ResourceList> parse_reservation(std::string_view flag, std::string_view text) {
  ResourceList out;
  auto wrong = [&](const std::string& why) { return error(ErrorCode::kInvalid, std::string(flag) + ": " + why); };
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string item(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    size_t equals = item.find('=');
    std::string name = item.substr(0, equals);
    if (equals == std::string::npos) return wrong("'" + item + "' is not of the form resource=quantity");
    if (std::find(std::begin(kResources), std::end(kResources), name) == std::end(kResources))
      return wrong("cannot reserve \"" + name + "\" resource");
    std::optional<Quantity> quantity = Quantity::parse(item.substr(equals + 1));
    if (!quantity) return wrong("'" + item + "' holds no quantity");
    if (quantity->is_negative()) return wrong("resource quantity for \"" + name + "\" cannot be negative");
    map_slot(out, name) = *quantity;
  }
  return out;
}

ResourceList allocatable_of(const ResourceList& capacity, const NodeReservations& kept) {
  ResourceList out;
  for (const auto& [name, quantity] : capacity) {
    Quantity left = quantity - kept_of(name, quantity, kept);
    map_slot(out, name) = left.is_negative() ? Quantity::of(0, quantity.format()) : left;
  }
  return out;
}

Status check_reservations(const ResourceList& capacity, const NodeReservations& kept) {
  for (const auto& [name, quantity] : capacity) {
    Quantity reserved = kept_of(name, quantity, kept);
    if (reserved <= quantity) continue;
    return error(ErrorCode::kInvalid, "resource \"" + std::string(name) + "\" has a reservation of " +
                                          reserved.text() + " but capacity of " + quantity.text() +
                                          ". Expected capacity >= reservation.");
  }
  return {};
}

}  // namespace mainstay
