// The cells of kinds without behaviour, read from their fields as they stand.
#include <initializer_list>
#include <string>

#include "schema/decode.h"
#include "schema/table_cells.h"

namespace mainstay {
namespace {

using Names = std::initializer_list<std::string_view>;

const Value* at(const Object& object, Names path) { return generic_fields(object).find_path(path); }

std::string scalar(const Value* value) {
  if (value == nullptr) return {};
  if (value->is_string()) return value->as_string();
  if (value->is_int()) return std::to_string(value->as_int());
  if (value->is_bool()) return value->as_bool() ? "true" : "false";
  return {};
}

std::string text(const Object& object, Names path) { return scalar(at(object, path)); }

int64_t number(const Object& object, Names path, int64_t otherwise = 0) {
  const Value* value = at(object, path);
  return value != nullptr && value->is_int() ? value->as_int() : otherwise;
}

// Commas between the members `name` of the structs of a list.
std::string names_in(const Value* list, std::string_view name) {
  std::string out;
  if (list == nullptr || !list->is_list()) return out;
  for (const Value& element : list->as_list()) {
    out += (out.empty() ? "" : ",") + scalar(element.find(name));
  }
  return out;
}

std::string selector_at(const Object& object, Names path) {
  const Value* value = at(object, path);
  if (value == nullptr || !value->is_map()) return std::string(kNone);
  Diagnostics ignored;  // it was checked when it came in
  return selector_text(decode_as<LabelSelector>(*value, DecodeOptions{}, Path(), ignored));
}

std::string map_text(const Value* value) {
  std::string out;
  if (value == nullptr || !value->is_map()) return std::string(kNone);
  for (const Member& member : value->as_map()) {
    out += (out.empty() ? "" : ",") + member.name + "=" + scalar(&member.value);
  }
  return or_none(out);
}

std::string time_since(const Value* value, WallTime now) {
  std::optional<WallTime> time = parse_rfc3339(scalar(value));
  return time ? age(*time, now) : std::string(kNone);
}

constexpr CellColumn kContainersColumn{
    {"Containers", "string", "", kWide}, [](const Object& o, WallTime) -> Value {
      return names_in(at(o, {"spec", "template", "spec", "containers"}), "name");
    }};
constexpr CellColumn kImagesColumn{
    {"Images", "string", "", kWide}, [](const Object& o, WallTime) -> Value {
      return names_in(at(o, {"spec", "template", "spec", "containers"}), "image");
    }};
constexpr CellColumn kSelectorColumn{
    {"Selector", "string", "", kWide},
    [](const Object& o, WallTime) -> Value { return selector_at(o, {"spec", "selector"}); }};

// ---- workloads ----

constexpr CellColumn kStatefulSet[] = {
    kNameColumn,
    {{"Ready", "string", ""},
     [](const Object& o, WallTime) -> Value {
       return std::to_string(number(o, {"status", "readyReplicas"})) + "/" +
              std::to_string(number(o, {"spec", "replicas"}, 1));
     }},
    kAgeColumn, kContainersColumn, kImagesColumn,
};

constexpr CellColumn kDaemonSet[] = {
    kNameColumn,
    {{"Desired", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "desiredNumberScheduled"}); }},
    {{"Current", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "currentNumberScheduled"}); }},
    {{"Ready", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "numberReady"}); }},
    {{"Up-to-date", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "updatedNumberScheduled"}); }},
    {{"Available", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "numberAvailable"}); }},
    {{"Node Selector", "string", ""},
     [](const Object& o, WallTime) -> Value {
       return map_text(at(o, {"spec", "template", "spec", "nodeSelector"}));
     }},
    kAgeColumn, kContainersColumn, kImagesColumn, kSelectorColumn,
};

constexpr CellColumn kReplicationController[] = {
    kNameColumn,
    {{"Desired", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"spec", "replicas"}, 1); }},
    {{"Current", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "replicas"}); }},
    {{"Ready", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "readyReplicas"}); }},
    kAgeColumn, kContainersColumn, kImagesColumn,
    {{"Selector", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return map_text(at(o, {"spec", "selector"})); }},
};

bool has_condition(const Object& object, std::string_view type) {
  const Value* conditions = at(object, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_list()) return false;
  for (const Value& condition : conditions->as_list()) {
    if (condition.string_at("type") == type && condition.string_at("status") == "True") return true;
  }
  return false;
}

Value job_status_cell(const Object& object, WallTime) {
  if (has_condition(object, "Complete")) return "Complete";
  if (has_condition(object, "Failed")) return "Failed";
  if (object.meta.deletion_timestamp != WallTime{}) return "Terminating";
  if (has_condition(object, "Suspended")) return "Suspended";
  return has_condition(object, "FailureTarget") ? "FailureTarget" : "Running";
}

Value job_completions_cell(const Object& object, WallTime) {
  std::string done = std::to_string(number(object, {"status", "succeeded"}));
  if (at(object, {"spec", "completions"})) return done + "/" + text(object, {"spec", "completions"});
  int64_t parallel = number(object, {"spec", "parallelism"});
  return done + (parallel > 1 ? "/1 of " + std::to_string(parallel) : "/1");
}

Value job_duration_cell(const Object& object, WallTime now) {
  std::optional<WallTime> start = parse_rfc3339(text(object, {"status", "startTime"}));
  std::optional<WallTime> end = parse_rfc3339(text(object, {"status", "completionTime"}));
  if (!start) return "";
  return human_duration(end.value_or(now) - *start);
}

constexpr CellColumn kJob[] = {
    kNameColumn,
    {{"Status", "string", ""}, &job_status_cell},
    {{"Completions", "string", ""}, &job_completions_cell},
    {{"Duration", "string", ""}, &job_duration_cell},
    kAgeColumn, kContainersColumn, kImagesColumn, kSelectorColumn,
};

const Value* cron_containers(const Object& object) {
  const Value* spec = at(object, {"spec", "jobTemplate", "spec", "template", "spec"});
  return spec != nullptr ? spec->find("containers") : nullptr;
}

Value cron_active_cell(const Object& object, WallTime) {
  const Value* active = at(object, {"status", "active"});
  return active != nullptr && active->is_list() ? static_cast<int64_t>(active->as_list().size()) : int64_t{0};
}

constexpr CellColumn kCronJob[] = {
    kNameColumn,
    {{"Schedule", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"spec", "schedule"}); }},
    {{"Timezone", "string", ""},
     [](const Object& o, WallTime) -> Value { return or_none(text(o, {"spec", "timeZone"})); }},
    {{"Suspend", "string", ""},
     [](const Object& o, WallTime) -> Value {
       return text(o, {"spec", "suspend"}) == "true" ? "True" : "False";
     }},
    {{"Active", "integer", ""}, &cron_active_cell},
    {{"Last Schedule", "string", ""},
     [](const Object& o, WallTime now) -> Value {
       return time_since(at(o, {"status", "lastScheduleTime"}), now);
     }},
    kAgeColumn,
    {{"Containers", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return names_in(cron_containers(o), "name"); }},
    {{"Images", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return names_in(cron_containers(o), "image"); }},
    {{"Selector", "string", "", kWide},
     [](const Object& o, WallTime) -> Value {
       return selector_at(o, {"spec", "jobTemplate", "spec", "selector"});
     }},
};

Value hpa_reference_cell(const Object& object, WallTime) {
  return text(object, {"spec", "scaleTargetRef", "kind"}) + "/" +
      text(object, {"spec", "scaleTargetRef", "name"});
}

constexpr CellColumn kHorizontalPodAutoscaler[] = {
    kNameColumn,
    {{"Reference", "string", ""}, &hpa_reference_cell},
    {{"Targets", "string", ""}, [](const Object&, WallTime) -> Value { return "<unknown>"; }},
    {{"MinPods", "string", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"spec", "minReplicas"}, 1); }},
    {{"MaxPods", "string", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"spec", "maxReplicas"}); }},
    {{"Replicas", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "currentReplicas"}); }},
    kAgeColumn,
};

Value or_not_applicable(std::string value) { return value.empty() ? "N/A" : value; }

constexpr CellColumn kPodDisruptionBudget[] = {
    kNameColumn,
    {{"Min Available", "string", ""},
     [](const Object& o, WallTime) -> Value { return or_not_applicable(text(o, {"spec", "minAvailable"})); }},
    {{"Max Unavailable", "string", ""},
     [](const Object& o, WallTime) -> Value {
       return or_not_applicable(text(o, {"spec", "maxUnavailable"}));
     }},
    {{"Allowed Disruptions", "integer", ""},
     [](const Object& o, WallTime) -> Value { return number(o, {"status", "disruptionsAllowed"}); }},
    kAgeColumn,
};

}  // namespace

std::span<const CellColumn> carried_columns(Kind kind) {
  switch (kind) {
    case Kind::kStatefulSet: return kStatefulSet;
    case Kind::kDaemonSet: return kDaemonSet;
    case Kind::kReplicationController: return kReplicationController;
    case Kind::kJob: return kJob;
    case Kind::kCronJob: return kCronJob;
    case Kind::kHorizontalPodAutoscaler: return kHorizontalPodAutoscaler;
    case Kind::kPodDisruptionBudget: return kPodDisruptionBudget;
    default: return {};
  }
}

}  // namespace mainstay
