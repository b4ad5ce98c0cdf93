#include "reconciler/api/delete_options.h"

#include <charconv>

#include "reconciler/api/resource_path.h"

namespace mainstay::api {
namespace {

Error invalid(std::string message) { return error(ErrorCode::kInvalid, std::move(message)); }

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<std::optional<int64_t>> grace_of(const Value& body, const Request& request) {
  std::optional<int64_t> seconds;
  const Value* value = body.find("gracePeriodSeconds");
  std::string_view text = request.param("gracePeriodSeconds");
  if (value && value->is_int()) seconds = value->as_int();
  else if (value && !value->is_null()) return invalid("gracePeriodSeconds: expected a number");
  else if (!text.empty() && !(seconds = number_of<int64_t>(text))) return invalid("gracePeriodSeconds is no number");
  if (seconds && *seconds < 0) seconds = 1;  // as Kubernetes reads it
  return seconds;
}

Result<std::optional<Propagation>> propagation_of(const Value& body, const Request& request) {
  std::string_view word = body.string_at("propagationPolicy");
  const Value* orphan = body.find("orphanDependents");
  if (word.empty()) word = request.param("propagationPolicy");
  if (word == "Background") return std::optional(Propagation::kBackground);
  if (word == "Foreground") return std::optional(Propagation::kForeground);
  if (word == "Orphan") return std::optional(Propagation::kOrphan);
  if (!word.empty()) {
    return invalid("DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"" +
                   std::string(word.substr(0, 32)) + "\": supported values: \"Foreground\", \"Background\", \"Orphan\"");
  }
  if (orphan && orphan->is_bool()) {
    return std::optional(orphan->as_bool() ? Propagation::kOrphan : Propagation::kBackground);
  }
  return std::optional<Propagation>();
}

}  // namespace

Result<ParsedDeleteOptions> parse_delete_options(const Value& body, const Request& request) {
  if (!body.is_null() && !body.is_map()) return invalid("the body holds no DeleteOptions");
  ParsedDeleteOptions out;
  ASSIGN_OR_RETURN(out.options.grace_seconds, grace_of(body, request));
  ASSIGN_OR_RETURN(out.options.propagation, propagation_of(body, request));
  if (const Value* preconditions = body.find("preconditions"); preconditions && preconditions->is_map()) {
    out.options.precondition_uid = preconditions->string_at("uid");
    std::string_view version = preconditions->string_at("resourceVersion");
    if (!version.empty()) {
      out.options.precondition_version = number_of<uint64_t>(version);
      if (!out.options.precondition_version) return invalid("preconditions.resourceVersion is no number");
    }
  }
  if (const Value* dry = body.find("dryRun"); dry && dry->is_list() && !dry->as_list().empty()) {
    const Value& word = dry->as_list().front();
    if (!word.is_string() || word.as_string() != "All") {
      return invalid("dryRun: Unsupported value: supported values: \"All\"");
    }
    out.dry_run = true;
  }
  return out;
}

}  // namespace mainstay::api
