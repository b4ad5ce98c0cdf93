// Validation of PodDisruptionBudgets, whose fields are kept as a Value. Source: Kubernetes policy/validation.
#include <string>

#include "schema/json.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kPolicies[] = {"AlwaysAllow", "IfHealthyBudget"};

void validate_share_at(FieldErrors& errors, const Path& path, const Value& share) {
  if (share.is_int()) errors.at_least(path, share.as_int(), 0);
  else if (share.is_string()) validate_share(errors, path, IntOrString(share.as_string()));
}

}  // namespace

void validate_disruption_budget(FieldErrors& errors, const Value& fields) {
  const Value* spec = fields.find("spec");
  if (spec == nullptr || !spec->is_map()) return;
  const Path path("spec");
  const Value *least = spec->find("minAvailable"), *most = spec->find("maxUnavailable");
  if (least != nullptr && most != nullptr) {
    errors.invalid_shown(path, to_json(*spec), "minAvailable and maxUnavailable cannot be both set");
  }
  if (least != nullptr) validate_share_at(errors, path.field("minAvailable"), *least);
  if (most != nullptr) validate_share_at(errors, path.field("maxUnavailable"), *most);
  validate_selector_at(errors, path, *spec, "selector");
  const Value* policy = spec->find("unhealthyPodEvictionPolicy");
  if (policy != nullptr && policy->is_string()) {
    errors.one_of(path.field("unhealthyPodEvictionPolicy"), policy->as_string(), kPolicies);
  }
}

}  // namespace mainstay
