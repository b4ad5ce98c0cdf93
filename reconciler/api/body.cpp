#include "reconciler/api/body.h"

#include "reconciler/api/errors.h"
#include "reconciler/api/negotiate.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/json.h"
#include "schema/protobuf.h"
#include "schema/yaml.h"

namespace mainstay::api {
namespace {

constexpr std::string_view kAcceptedBodies =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";

// "unknown field "spec.bogus"", as Kubernetes words it, with our hint behind it.
std::string text_of(const Diagnostic& diagnostic) {
  std::string out;
  if (diagnostic.message.starts_with("unknown field")) out = "unknown field \"" + diagnostic.path + "\"";
  else if (!diagnostic.path.empty()) out = diagnostic.path + ": " + diagnostic.message;
  else out = diagnostic.message;
  return diagnostic.hint.empty() ? out : out + " (" + diagnostic.hint + ")";
}

bool is_strictness(const Diagnostic& diagnostic) {
  return diagnostic.message.starts_with("unknown field") || diagnostic.message.starts_with("duplicate");
}

// Warnings, and, when not strict, what only strictness minds. Nothing when there is a real mistake.
std::optional<std::vector<std::string>> tolerated(const Diagnostics& diagnostics, FieldValidation validation) {
  std::vector<std::string> warnings;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    bool mild = diagnostic.severity == Severity::kWarning ||
                (is_strictness(diagnostic) && validation != FieldValidation::kStrict);
    if (!mild) return std::nullopt;
    if (validation != FieldValidation::kIgnore) warnings.push_back(text_of(diagnostic));
  }
  return warnings;
}

std::string all_errors(const Diagnostics& diagnostics) {
  std::string out;
  bool strict = true;
  size_t named = 0;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity != Severity::kError) continue;
    strict = strict && is_strictness(diagnostic);
    if (++named > 20) continue;
    if (!out.empty()) out += ", ";
    out += text_of(diagnostic);
  }
  if (diagnostics.error_count() > 20) out += ", and " + std::to_string(diagnostics.error_count() - 20) + " more";
  return strict ? "strict decoding error: " + out : out;
}

std::optional<Value> parse_text(const Request& request, BodyType type, Diagnostics& diagnostics) {
  if (type == BodyType::kJson) {
    JsonOptions options;
    options.marks = false;
    return parse_json(request.body, diagnostics, options);
  }
  std::vector<Document> documents = parse_yaml(request.body, diagnostics);
  if (documents.size() == 1) return std::move(documents[0].root);
  if (!diagnostics.has_errors()) {
    diagnostics.error({}, "", "expected one document, got " + std::to_string(documents.size()));
  }
  return std::nullopt;
}

}  // namespace

std::optional<FieldValidation> field_validation(const Request& request) {
  std::string_view text = request.param("fieldValidation");
  if (text.empty() || text == "Warn") return FieldValidation::kWarn;
  if (text == "Strict") return FieldValidation::kStrict;
  if (text == "Ignore") return FieldValidation::kIgnore;
  return std::nullopt;
}

std::variant<DecodedBody, Response> decode_body(const Request& request, const TypeDesc* type,
                                                FieldValidation validation) {
  if (request.body.empty()) return DecodedBody{};
  BodyType form = body_type(request);
  if (form == BodyType::kUnknown) return unsupported_body(kAcceptedBodies);
  if (form == BodyType::kProtobuf) {
    if (!type) return unsupported_body("application/json, application/yaml");
    Result<Value> decoded = decode_protobuf(request.body, *type);
    if (!decoded.ok()) return bad_request("the body is not understood: " + decoded.error().message);
    return DecodedBody{std::move(decoded).value(), {}};
  }
  Diagnostics diagnostics;
  std::optional<Value> value = parse_text(request, form, diagnostics);
  std::optional<std::vector<std::string>> warnings = tolerated(diagnostics, validation);
  if (!value || !warnings) return bad_request("the body is not understood: " + all_errors(diagnostics));
  return DecodedBody{std::move(*value), std::move(*warnings)};
}

std::variant<DecodedObject, Response> decode_object_body(const Request& request, const KindInfo& info,
                                                         FieldValidation validation) {
  std::variant<DecodedBody, Response> body = decode_body(request, info.type, validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  DecodedBody& decoded = std::get<DecodedBody>(body);
  if (!decoded.value.is_map()) return bad_request("the body holds no object");
  std::string_view version = decoded.value.string_at("apiVersion"), kind = decoded.value.string_at("kind");
  bool fits = (version.empty() || version == info.api_version()) && (kind.empty() || kind == info.kind);
  if (!fits) {
    return bad_request("the object provided is " + std::string(version) + " " + std::string(kind) +
                       ", but the URL is for " + info.api_version() + " " + std::string(info.kind));
  }
  decoded.value.set("apiVersion", info.api_version());
  decoded.value.set("kind", info.kind);
  Diagnostics diagnostics;
  DecodeOptions options{validation == FieldValidation::kStrict ? UnknownFields::kError
                        : validation == FieldValidation::kWarn ? UnknownFields::kWarn : UnknownFields::kIgnore};
  std::optional<Object> object = decode_object(decoded.value, options, diagnostics);
  std::optional<std::vector<std::string>> warnings = tolerated(diagnostics, validation);
  if (!object || !warnings) {
    std::string name(info.kind);
    return bad_request(name + " in version \"" + std::string(info.version) + "\" cannot be handled as a " + name +
                       ": " + all_errors(diagnostics));
  }
  DecodedObject out{std::move(*object), std::move(decoded.warnings)};
  out.warnings.insert(out.warnings.end(), warnings->begin(), warnings->end());
  return out;
}

}  // namespace mainstay::api
