#include "reconciler/api/write_routes.h"

#include <atomic>
#include <charconv>

#include "reconciler/api/body.h"
#include "reconciler/api/delete_options.h"
#include "reconciler/api/errors.h"
#include "reconciler/api/filter.h"
#include "reconciler/api/negotiate.h"
#include "reconciler/api/render.h"
#include "reconciler/api/scale.h"
#include "reconciler/api/wire_types.h"
#include "schema/json.h"
#include "schema/patch.h"

namespace mainstay::api {
namespace {

// What every write needs from the request besides its body.
struct Writing {
  const Request& request;
  const ResourcePath& path;
  const CoreDoor& core;
  Rendering how;
  FieldValidation validation = FieldValidation::kWarn;
  bool dry_run = false;
  std::vector<std::string> warnings;

  ApiWrite write(ApiWrite::Verb verb) const {
    ApiWrite out;
    out.verb = verb;
    out.key = {path.kind->id, path.ns, path.name};
    out.actor = "user:" + request.identity.user;
    out.dry_run = dry_run;
    out.validation = validation;
    out.field_manager = request.param("fieldManager").substr(0, 128);
    return out;
  }
};

Response with_warnings(Response response, const std::vector<std::string>& own,
                       const std::vector<std::string>& cores) {
  for (const auto* warnings : {&own, &cores}) {
    for (const std::string& warning : *warnings) {
      response.headers.emplace_back("Warning", "299 - " + json_quote(warning.substr(0, 1024)));
      if (response.headers.size() > 64) return response;
    }
  }
  return response;
}

// Sends the write and answers with what `render` makes of its outcome.
Reply send(const Writing& w, ApiWrite write, std::function<Response(const Answer&)> render) {
  auto later = std::make_shared<Deferred>();
  w.core.write(std::move(write), [later, warnings = w.warnings, render = std::move(render)](Answer answer) {
    Response response = answer.error ? response_of(*answer.error) : render(answer);
    later->complete(with_warnings(std::move(response), warnings, answer.warnings));
  });
  return later;
}

std::function<Response(const Answer&)> object_answer(const Writing& w) {
  return [how = w.how](const Answer& answer) {
    if (!answer.object) return success();
    return Response{answer.created ? 201 : 200, "application/json",
                    make_bytes(render_object(*answer.object, how)), {}};
  };
}

// resourceVersion as a precondition: "" and "0" demand nothing.
std::variant<std::optional<uint64_t>, Response> expected_version(std::string_view text) {
  if (text.empty() || text == "0") return std::optional<uint64_t>();
  uint64_t version = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (code == std::errc{} && end == text.data() + text.size()) return std::optional<uint64_t>(version);
  return bad_request("metadata.resourceVersion: Invalid value: " + json_quote(text.substr(0, 64)) +
                     ": must be an unsigned integer");
}

// The object's namespace and name must be those of the URL, or be missing.
std::optional<Response> fit_to_url(const ResourcePath& path, ObjectMeta& meta) {
  if (path.kind->namespaced) {
    if (meta.ns.empty()) meta.ns = path.ns;
    if (meta.ns != path.ns) {
      return bad_request("the namespace of the provided object does not match the namespace sent on the request");
    }
  } else {
    meta.ns.clear();
  }
  if (path.name.empty()) return std::nullopt;
  if (meta.name.empty()) meta.name = path.name;
  if (meta.name == path.name) return std::nullopt;
  return bad_request("the name of the object (" + meta.name + ") does not match the name on the URL (" + path.name +
                     ")");
}

Reply create(Writing& w) {
  auto body = decode_object_body(w.request, *w.path.kind, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  auto& decoded = std::get<DecodedObject>(body);
  ObjectMeta& meta = decoded.object.meta;
  if (auto refused = fit_to_url(w.path, meta)) return std::move(*refused);
  if (!meta.resource_version.empty()) {
    return bad_request("resourceVersion should not be set on objects to be created");
  }
  w.warnings = std::move(decoded.warnings);
  ApiWrite write = w.write(ApiWrite::Verb::kCreate);
  write.key.name = meta.name;
  write.object = std::make_shared<const Object>(std::move(decoded.object));
  return send(w, std::move(write), [render = object_answer(w)](const Answer& answer) {
    Response response = render(answer);
    response.status = 201;
    return response;
  });
}

// PUT of an object, its status, or a namespace's finalizers.
Reply update(Writing& w) {
  auto body = decode_object_body(w.request, *w.path.kind, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  auto& decoded = std::get<DecodedObject>(body);
  ObjectMeta& meta = decoded.object.meta;
  if (auto refused = fit_to_url(w.path, meta)) return std::move(*refused);
  auto expected = expected_version(meta.resource_version);
  if (auto* refused = std::get_if<Response>(&expected)) return std::move(*refused);
  meta.resource_version.clear();
  w.warnings = std::move(decoded.warnings);
  bool finalize = w.path.subresource == "finalize";
  ApiWrite write = w.write(finalize ? ApiWrite::Verb::kFinalize : ApiWrite::Verb::kUpdate);
  write.status_only = w.path.subresource == "status";
  write.expected_version = std::get<0>(expected);
  write.object = std::make_shared<const Object>(std::move(decoded.object));
  return send(w, std::move(write), object_answer(w));
}

constexpr std::string_view kPatchTypes =
    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, "
    "application/apply-patch+yaml";

// Takes metadata.resourceVersion out of a patch: there it is a precondition.
std::variant<std::optional<uint64_t>, Response> take_version(Value& patch) {
  Value* metadata = patch.find("metadata");
  if (!metadata || !metadata->is_map()) return std::optional<uint64_t>();
  std::string version(metadata->string_at("resourceVersion"));
  metadata->erase("resourceVersion");
  return expected_version(version);
}

Reply patch(Writing& w) {
  std::optional<PatchType> type = patch_type(w.request.header("Content-Type"));
  if (!type) return unsupported_body(kPatchTypes);
  auto body = decode_body(w.request, nullptr, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  auto& decoded = std::get<DecodedBody>(body);
  bool list = *type == PatchType::kJson;
  if (list ? !decoded.value.is_list() : !decoded.value.is_map()) {
    return bad_request(list ? "a JSON patch is a list of operations" : "the patch holds no object");
  }
  if (*type == PatchType::kApply && w.request.param("fieldManager").empty()) {
    return failure(422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required "
                                   "for apply patch");
  }
  auto expected = take_version(decoded.value);
  if (auto* refused = std::get_if<Response>(&expected)) return std::move(*refused);
  w.warnings = std::move(decoded.warnings);
  ApiWrite write = w.write(ApiWrite::Verb::kPatch);
  write.status_only = w.path.subresource == "status";
  write.patch_type = *type;
  write.force = is_true(w.request.param("force"));
  write.expected_version = std::get<0>(expected);
  write.patch = std::make_shared<const Value>(std::move(decoded.value));
  return send(w, std::move(write), object_answer(w));
}

// A Scale has one field that can be written, so a merge patch of it is that field.
Reply scale(Writing& w) {
  bool put = w.request.method == "PUT";
  std::optional<PatchType> type = patch_type(w.request.header("Content-Type"));
  if (!put && (!type || *type == PatchType::kJson)) {
    return unsupported_body("application/merge-patch+json, application/strategic-merge-patch+json");
  }
  auto body = decode_body(w.request, &wire::kScale, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  Value& value = std::get<DecodedBody>(body).value;
  if (!value.is_map()) return bad_request("the body holds no Scale");
  auto expected = take_version(value);
  if (auto* refused = std::get_if<Response>(&expected)) return std::move(*refused);
  ApiWrite write = w.write(ApiWrite::Verb::kScale);
  write.expected_version = std::get<0>(expected);
  if (!put && !value.find_path({"spec", "replicas"})) {
    ObjectPtr object = w.core.current()->view.find(write.key);
    if (!object) return not_found(w.path);
    return Response{200, "application/json", make_bytes(to_json(scale_of(*object)) + "\n"), {}};
  }
  Result<int32_t> replicas = replicas_of(value);
  if (!replicas.ok()) {
    StatusDetails details{w.path.name, "autoscaling", "Scale", "", {}, 0};
    details.causes.push_back({"FieldValueInvalid", "Invalid value: must be greater than or equal to 0", "spec.replicas"});
    return failure(422, "Invalid", "Scale.autoscaling \"" + w.path.name + "\" is invalid: " + replicas.error().message,
                   std::move(details));
  }
  write.replicas = *replicas;
  return send(w, std::move(write), [](const Answer& answer) {
    if (!answer.object) return success();
    return Response{200, "application/json", make_bytes(to_json(scale_of(*answer.object)) + "\n"), {}};
  });
}

Reply bind(Writing& w) {
  auto body = decode_body(w.request, &wire::kBinding, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  const Value* target = std::get<DecodedBody>(body).value.find("target");
  std::string node(target ? target->string_at("name") : "");
  if (node.empty()) return bad_request("target.name: Required value: the node to bind the pod to");
  ApiWrite write = w.write(ApiWrite::Verb::kBind);
  write.node = std::move(node);
  return send(w, std::move(write), [](const Answer&) { return success({}, 201); });
}

Reply evict(Writing& w) {
  auto body = decode_body(w.request, &wire::kEviction, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  const Value* inner = std::get<DecodedBody>(body).value.find("deleteOptions");
  Result<ParsedDeleteOptions> options = parse_delete_options(inner ? *inner : Value(), w.request);
  if (!options.ok()) return bad_request(options.error().message);
  w.dry_run = w.dry_run || options->dry_run;
  ApiWrite write = w.write(ApiWrite::Verb::kEvict);
  write.delete_options = options->options;
  return send(w, std::move(write), [](const Answer&) { return success({}, 201); });
}

Response deletion_answer(const Answer& answer, const ResourcePath& path, const Rendering& how) {
  if (!answer.gone && answer.object) {
    return {200, "application/json", make_bytes(render_object(*answer.object, how)), {}};
  }
  std::string uid = answer.object ? answer.object->meta.uid : "";
  return success({path.name, path.group, path.resource, uid, {}, 0});
}

Reply remove(Writing& w) {
  auto body = decode_body(w.request, &wire::kDeleteOptions, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  Result<ParsedDeleteOptions> options = parse_delete_options(std::get<DecodedBody>(body).value, w.request);
  if (!options.ok()) return bad_request(options.error().message);
  w.dry_run = w.dry_run || options->dry_run;
  ApiWrite write = w.write(ApiWrite::Verb::kDelete);
  write.delete_options = options->options;
  return send(w, std::move(write), [path = w.path, how = w.how](const Answer& answer) {
    return deletion_answer(answer, path, how);
  });
}

// Each object is a write of its own; the answer comes when the last one is decided.
Reply remove_collection(Writing& w) {
  auto body = decode_body(w.request, &wire::kDeleteOptions, w.validation);
  if (auto* refused = std::get_if<Response>(&body)) return std::move(*refused);
  Result<ParsedDeleteOptions> options = parse_delete_options(std::get<DecodedBody>(body).value, w.request);
  if (!options.ok()) return bad_request(options.error().message);
  Result<ObjectFilter> filter = parse_filter(w.request, *w.path.kind, w.path.ns);
  if (!filter.ok()) return bad_request(filter.error().message);
  w.dry_run = w.dry_run || options->dry_run;
  std::vector<ApiWrite> writes;
  std::shared_ptr<const Publication> current = w.core.current();
  for (const ObjectPtr& object : candidates(current->view, *filter)) {
    if (!filter->matches(*object)) continue;
    ApiWrite write = w.write(ApiWrite::Verb::kDelete);
    write.key = object->key();
    write.delete_options = options->options;
    writes.push_back(std::move(write));
  }
  StatusDetails details{"", w.path.group, w.path.resource, "", {}, 0};
  if (writes.empty()) return success(details);
  struct Gathering {
    std::atomic<size_t> left;
    std::mutex mutex;
    std::optional<ApiError> refusal;
  };
  auto gathering = std::make_shared<Gathering>();
  gathering->left = writes.size();
  auto later = std::make_shared<Deferred>();
  for (ApiWrite& write : writes) {
    w.core.write(std::move(write), [gathering, later, details](Answer answer) {
      if (answer.error && answer.error->code != 404) {
        std::lock_guard lock(gathering->mutex);
        if (!gathering->refusal) gathering->refusal = std::move(answer.error);
      }
      if (--gathering->left > 0) return;
      std::lock_guard lock(gathering->mutex);
      later->complete(gathering->refusal ? response_of(*gathering->refusal) : success(details));
    });
  }
  return later;
}

Reply write_subresource(Writing& w) {
  const std::string& sub = w.path.subresource;
  const std::string& method = w.request.method;
  Kind kind = w.path.kind->id;
  bool change = method == "PUT" || method == "PATCH";
  if (sub == "status" && w.path.kind->has_status && change) return method == "PUT" ? update(w) : patch(w);
  if (sub == "scale" && has_scale(kind) && change) return scale(w);
  if (sub == "finalize" && kind == Kind::kNamespace && method == "PUT") return update(w);
  if (sub == "binding" && kind == Kind::kPod && method == "POST") return bind(w);
  if (sub == "eviction" && kind == Kind::kPod && method == "POST") return evict(w);
  if (sub == "ephemeralcontainers" || sub == "exec" || sub == "attach" || sub == "portforward" ||
      sub.starts_with("proxy")) {
    return not_yet("the subresource " + sub.substr(0, 32));
  }
  bool known = (sub == "status" && w.path.kind->has_status) || (sub == "scale" && has_scale(kind));
  return known ? method_not_allowed(w.path) : no_such_path();
}

}  // namespace

Reply write_object(const Request& request, const ResourcePath& path, const CoreDoor& core, Now now) {
  Writing w{request, path, core, rendering_of(request, now.wall), {}, false, {}};
  if (w.how.accepted.form == Form::kNone) return not_acceptable();
  std::optional<FieldValidation> validation = field_validation(request);
  if (!validation) return bad_request("fieldValidation must be Strict, Warn or Ignore");
  w.validation = *validation;
  std::string_view dry_run = request.param("dryRun");
  if (!dry_run.empty() && dry_run != "All") return bad_request("dryRun: Unsupported value: supported values: \"All\"");
  w.dry_run = dry_run == "All";
  bool one = !path.name.empty();
  if (path.kind->namespaced && path.ns.empty() && (one || request.method == "POST")) {
    return bad_request("an empty namespace may not be set when a resource name is provided or during creation");
  }
  if (!path.subresource.empty()) return write_subresource(w);
  if (request.method == "POST" && !one) return create(w);
  if (request.method == "PUT" && one) return update(w);
  if (request.method == "PATCH" && one) return patch(w);
  if (request.method == "DELETE") return one ? remove(w) : remove_collection(w);
  return method_not_allowed(path);
}

}  // namespace mainstay::api
