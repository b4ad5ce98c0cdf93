#include "reconciler/core/refusal.h"

#include <array>
#include <utility>

#include "schema/diagnostics.h"

namespace mainstay {
namespace {

ApiError about(int code, std::string_view reason, std::string message, const KindInfo& info,
               std::string_view name) {
  ApiError error;
  error.code = code;
  error.reason = reason;
  error.message = std::move(message);
  error.kind = info.plural;
  error.group = info.group;
  error.name = name;
  return error;
}

std::string quoted_name(const KindInfo& info, std::string_view name) {
  return info.resource() + " \"" + std::string(name) + "\"";
}

// field.Error's type, told by the words its message starts with.
std::string_view cause_reason(std::string_view message) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kReasons = {{
      {"Required value", "FieldValueRequired"},
      {"Duplicate value", "FieldValueDuplicate"},
      {"Unsupported value", "FieldValueNotSupported"},
      {"Forbidden", "FieldValueForbidden"},
      {"Too long", "FieldValueTooLong"},
      {"Too many", "FieldValueTooMany"},
      {"Not found", "FieldValueNotFound"},
      {"expected ", "FieldValueTypeInvalid"},
  }};
  for (const auto& [words, reason] : kReasons) {
    if (message.starts_with(words)) return reason;
  }
  return "FieldValueInvalid";
}

}  // namespace

ApiError not_found(const KindInfo& info, std::string_view name) {
  return about(404, "NotFound", quoted_name(info, name) + " not found", info, name);
}

ApiError already_exists(const KindInfo& info, std::string_view name) {
  return about(409, "AlreadyExists", quoted_name(info, name) + " already exists", info, name);
}

ApiError conflict(const KindInfo& info, std::string_view name, std::string_view why) {
  return about(409, "Conflict",
               "Operation cannot be fulfilled on " + quoted_name(info, name) + ": " + std::string(why), info,
               name);
}

ApiError stale(const KindInfo& info, std::string_view name) {
  return conflict(
      info, name,
      "the object has been modified; please apply your changes to the latest version and try again");
}

ApiError invalid(const KindInfo& info, std::string_view name, const Diagnostics& diagnostics) {
  ApiError error = about(422, "Invalid", "", info, name);
  error.kind = info.kind;
  std::string list;
  for (const Diagnostic& mistake : diagnostics.all()) {
    if (mistake.severity != Severity::kError) continue;
    std::string message =
        mistake.hint.empty() ? mistake.message : mistake.message + " (" + mistake.hint + ")";
    if (!list.empty()) list += ", ";
    list += mistake.path.empty() ? message : mistake.path + ": " + message;
    error.causes.push_back({std::string(cause_reason(mistake.message)), message, mistake.path});
  }
  std::string kind =
      info.group.empty() ? std::string(info.kind) : std::string(info.kind) + "." + std::string(info.group);
  error.message = kind + " \"" + std::string(name) +
                  "\" is invalid: " + (error.causes.size() > 1 ? "[" + list + "]" : list);
  return error;
}

ApiError bad_request(std::string message) {
  ApiError error;
  error.code = 400;
  error.reason = "BadRequest";
  error.message = std::move(message);
  return error;
}

ApiError forbidden(const KindInfo& info, std::string_view name, std::string_view why) {
  return about(403, "Forbidden", quoted_name(info, name) + " is forbidden: " + std::string(why), info, name);
}

ApiError namespace_terminating(const KindInfo& info, std::string_view name, std::string_view ns) {
  ApiError error = forbidden(
      info, name,
      "unable to create new content in namespace " + std::string(ns) + " because it is being terminated");
  error.causes.push_back({"NamespaceTerminating", "namespace " + std::string(ns) + " is being terminated",
                          "metadata.namespace"});
  return error;
}

ApiError store_unavailable(std::string_view why) {
  ApiError error;
  error.code = 503;
  error.reason = "ServiceUnavailable";
  error.message = "the store does not take writes: " + std::string(why);
  error.retry_after_seconds = 1;
  return error;
}

ApiError refusal_of(const Error& error, const KindInfo& info, std::string_view name) {
  switch (error.code) {
    case ErrorCode::kNotFound: return not_found(info, name);
    case ErrorCode::kExists: return already_exists(info, name);
    case ErrorCode::kConflict: return conflict(info, name, error.message);
    case ErrorCode::kDenied: return forbidden(info, name, error.message);
    case ErrorCode::kInvalid: return bad_request(error.message);
    case ErrorCode::kFull:
    case ErrorCode::kBusy:
    case ErrorCode::kUnavailable: return store_unavailable(error.message);
    default: {
      ApiError out = about(500, "InternalError", "Internal error occurred: " + error.message, info, name);
      return out;
    }
  }
}

}  // namespace mainstay
