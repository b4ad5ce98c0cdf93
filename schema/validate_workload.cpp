// Validation of Deployments and ReplicaSets. Source: Kubernetes apps/validation.
#include <charconv>
#include <optional>
#include <string>

#include "schema/encode.h"
#include "schema/json.h"
#include "schema/selector.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kStrategies[] = {"Recreate", "RollingUpdate"};
constexpr std::string_view kAlways[] = {"Always"};
constexpr std::string_view kPercentRule =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
    "used for validation is '[0-9]+%')";

std::optional<int64_t> percent(const std::string& text) {
  if (text.size() < 2 || text.back() != '%' || text.front() == '-' || text.front() == '+') {
    return std::nullopt;
  }
  int64_t number = 0;
  const char* last = text.data() + text.size() - 1;
  auto [end, problem] = std::from_chars(text.data(), last, number);
  return problem == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

// The number before a '%' too; nothing if it is neither a number nor a percentage.
std::optional<int64_t> amount(const IntOrString& value) {
  return value.is_int() ? std::optional<int64_t>(value.number()) : percent(value.string());
}

void validate_rolling(FieldErrors& errors, const Path& path, const RollingUpdateDeployment& rolling) {
  IntOrString unavailable = rolling.max_unavailable.value_or(IntOrString(0));
  IntOrString surge = rolling.max_surge.value_or(IntOrString(0));
  const Path at = path.field("maxUnavailable");
  validate_share(errors, at, unavailable);
  validate_amount(errors, path.field("maxSurge"), surge);
  if (amount(unavailable) == 0 && amount(surge) == 0) {
    std::string shown = unavailable.is_int() ? unavailable.text() : quoted(unavailable.string());
    errors.invalid_shown(at, shown, "may not be 0 when `maxSurge` is 0");
  }
}

void validate_strategy(FieldErrors& errors, const Path& path, const DeploymentStrategy& strategy) {
  const Path rolling = path.field("rollingUpdate");
  if (strategy.type == "Recreate") {
    if (strategy.rolling_update) {
      errors.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (strategy.type == "RollingUpdate") {
    if (!strategy.rolling_update) {
      errors.required(rolling, "this should be defaulted and never be nil");
    } else {
      validate_rolling(errors, rolling, *strategy.rolling_update);
    }
  } else {
    errors.unsupported(path.field("type"), strategy.type, kStrategies);
  }
}

std::string shown(const StringMap& labels) {
  Value out = Value::map();
  for (const auto& [key, value] : labels) out.set(key, value);
  return to_json(out);
}

void validate_template(FieldErrors& errors, const Path& path, const Box<LabelSelector>& selector,
                       const PodTemplateSpec& pod_template, std::string_view kind) {
  const Path metadata = path.field("metadata");
  const Path spec = path.field("spec");
  const StringMap& labels = pod_template.metadata.labels;
  bool usable = selector && (!selector->match_labels.empty() || !selector->match_expressions.empty()) &&
                selector_of(*selector).ok();
  if (usable && !matches(*selector, labels)) {
    errors.invalid_shown(metadata.field("labels"), shown(labels),
                         "`selector` does not match template `labels`");
  }
  validate_labels(errors, metadata.field("labels"), labels);
  validate_annotations(errors, metadata.field("annotations"), pod_template.metadata.annotations);
  validate_pod_spec(errors, spec, pod_template.spec);
  if (pod_template.spec.restart_policy != "Always" && !pod_template.spec.restart_policy.empty()) {
    errors.unsupported(spec.field("restartPolicy"), pod_template.spec.restart_policy, kAlways);
  }
  if (pod_template.spec.active_deadline_seconds) {
    errors.forbidden(spec.field("activeDeadlineSeconds"),
                     "activeDeadlineSeconds in " + std::string(kind) + " is not Supported");
  }
}

void validate_required_selector(FieldErrors& errors, const Path& path, const Box<LabelSelector>& selector,
                                std::string_view kind) {
  if (!selector) return errors.required(path);
  validate_selector(errors, path, *selector);
  if (selector->match_labels.empty() && selector->match_expressions.empty()) {
    errors.invalid_shown(path, "{}", "empty selector is invalid for " + std::string(kind));
  }
}

}  // namespace

void validate_amount(FieldErrors& errors, const Path& path, const IntOrString& value) {
  if (value.is_int()) {
    errors.at_least(path, value.number(), 0);
  } else if (!percent(value.string())) {
    errors.invalid(path, value.string(), kPercentRule);
  }
}

void validate_share(FieldErrors& errors, const Path& path, const IntOrString& value) {
  validate_amount(errors, path, value);
  if (!value.is_int() && percent(value.string()).value_or(0) > 100) {
    errors.invalid(path, value.string(), "must not be greater than 100%");
  }
}

void validate_deployment(FieldErrors& errors, const DeploymentSpec& spec) {
  const Path path("spec");
  errors.at_least(path.field("replicas"), spec.replicas.value_or(0), 0);
  validate_required_selector(errors, path.field("selector"), spec.selector, "deployment");
  validate_template(errors, path.field("template"), spec.selector, spec.pod_template, "ReplicaSet");
  validate_strategy(errors, path.field("strategy"), spec.strategy);
  errors.at_least(path.field("minReadySeconds"), spec.min_ready_seconds, 0);
  errors.at_least(path.field("revisionHistoryLimit"), spec.revision_history_limit.value_or(0), 0);
  if (!spec.progress_deadline_seconds) return;
  const Path deadline = path.field("progressDeadlineSeconds");
  errors.at_least(deadline, *spec.progress_deadline_seconds, 0);
  if (*spec.progress_deadline_seconds <= spec.min_ready_seconds) {
    errors.invalid(deadline, *spec.progress_deadline_seconds, "must be greater than minReadySeconds");
  }
}

void validate_replica_set(FieldErrors& errors, const ReplicaSetSpec& spec) {
  const Path path("spec");
  errors.at_least(path.field("replicas"), spec.replicas.value_or(0), 0);
  errors.at_least(path.field("minReadySeconds"), spec.min_ready_seconds, 0);
  validate_required_selector(errors, path.field("selector"), spec.selector, "deployment");
  validate_template(errors, path.field("template"), spec.selector, spec.pod_template, "ReplicaSet");
}

}  // namespace mainstay
