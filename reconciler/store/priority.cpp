#include "reconciler/store/priority.h"

namespace mainstay {

std::optional<PriorityClassFacts> find_priority_class(const Snapshot& view, std::string_view name) {
  for (const PriorityClassFacts& known : system_priority_classes()) {
    if (known.name == name) return known;
  }
  ObjectPtr found = view.find(Kind::kPriorityClass, "", name);
  if (!found) return std::nullopt;
  return priority_class_facts(*found);
}

std::optional<PriorityClassFacts> default_priority_class(const Snapshot& view) {
  std::optional<PriorityClassFacts> out;
  for (const ObjectPtr& object : view.list(Kind::kPriorityClass)) {
    PriorityClassFacts facts = priority_class_facts(*object);
    if (facts.global_default && (!out || facts.value < out->value)) out = std::move(facts);
  }
  return out;
}

std::string admit_priority(const Snapshot& view, Object& pod) {
  std::optional<PriorityClassFacts> named, by_default;
  const std::string& name = as<Pod>(pod).spec.priority_class_name;
  if (name.empty()) by_default = default_priority_class(view);
  else named = find_priority_class(view, name);
  return resolve_priority(pod, named ? &*named : nullptr, by_default ? &*by_default : nullptr);
}

}  // namespace mainstay
