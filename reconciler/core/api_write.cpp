#include "reconciler/core/api_write.h"

#include <utility>

#include "reconciler/control/service_addresses.h"
#include "reconciler/core/eviction.h"
#include "reconciler/core/refusal.h"
#include "reconciler/store/object_parts.h"
#include "reconciler/store/priority.h"
#include "schema/apply.h"
#include "schema/decode.h"
#include "schema/defaults.h"
#include "schema/diagnostics.h"
#include "schema/not_yet.h"
#include "schema/patch.h"
#include "schema/validate.h"

namespace mainstay {
namespace {

Answer refuse(ApiError error) {
  Answer answer;
  answer.error = std::move(error);
  return answer;
}

Answer written(ObjectPtr object) {
  Answer answer;
  answer.object = std::move(object);
  return answer;
}

UnknownFields unknown_fields(FieldValidation validation) {
  switch (validation) {
    case FieldValidation::kStrict: return UnknownFields::kError;
    case FieldValidation::kWarn: return UnknownFields::kWarn;
    case FieldValidation::kIgnore: return UnknownFields::kIgnore;
  }
  return UnknownFields::kError;
}

void add_warnings(Answer& answer, const Diagnostics& diagnostics) {
  for (const Diagnostic& found : diagnostics.all()) {
    if (found.severity != Severity::kWarning) continue;
    answer.warnings.push_back(found.path.empty() ? found.message : found.path + ": " + found.message);
  }
}

constexpr NotYetOptions kNotFromGit{.from_git = false};

// New content needs a namespace that is there to stay.
std::optional<ApiError> admit_namespace(const Snapshot& view, const KindInfo& info, const std::string& ns,
                                        const std::string& name) {
  if (!info.namespaced) return std::nullopt;
  ObjectPtr found = view.find(Kind::kNamespace, "", ns);
  if (!found) return not_found(kind_info(Kind::kNamespace), ns);
  if (is_deleting(*found)) return namespace_terminating(info, name, ns);
  return std::nullopt;
}

// A pod needs its account; every namespace gets "default" by itself, perhaps only in this turn.
std::optional<ApiError> admit_account(const Snapshot& view, const Object& pod) {
  const std::string& account = as<Pod>(pod).spec.service_account_name;
  if (account.empty() || account == "default") return std::nullopt;
  if (view.find(Kind::kServiceAccount, pod.meta.ns, account)) return std::nullopt;
  return forbidden(pod.info(), pod.meta.name,
                   "error looking up service account " + pod.meta.ns + "/" + account + ": serviceaccount \"" +
                       account + "\" not found");
}

// Where a write takes place.
struct Place {
  Transaction& txn;
  const ControlSettings& settings;
};

// A Service's addresses are part of the answer to its creation, and a conflict is refused.
void allocate_addresses(const Place& place, Object& object, Diagnostics& diagnostics) {
  if (object.kind != Kind::kService) return;
  diagnostics.append(allocate_service(place.txn.view(), place.settings, object));
}

Answer create_object(const Place& place, const ApiWrite& write, Object object) {
  Transaction& txn = place.txn;
  const KindInfo& info = kind_info(write.key.kind);
  object.meta.ns = info.namespaced ? write.key.ns : "";
  const std::string& shown = object.meta.name.empty() ? object.meta.generate_name : object.meta.name;
  if (auto error = admit_namespace(txn.view(), info, object.meta.ns, shown)) return refuse(std::move(*error));
  if (object.kind == Kind::kApplication) {
    return refuse(forbidden(info, shown, "the application is declared in the server's configuration; further ones are "
                                         "not supported yet"));
  }
  // A client sets neither the status nor what the server assigns.
  take_status(object, make_object(object.kind, "", ""));
  object.meta.resource_version.clear();
  object.meta.uid.clear();
  object.meta.deletion_timestamp = {};
  object.meta.deletion_grace_period_seconds.reset();
  object.meta.generation = 0;
  apply_defaults(object);
  if (object.kind == Kind::kPod) {
    admit_pod(object);
    std::string trouble = admit_priority(txn.view(), object);
    if (!trouble.empty()) return refuse(forbidden(info, shown, trouble));
  }
  Diagnostics diagnostics;
  validate(object, nullptr, diagnostics);
  check_not_yet(object, kNotFromGit, nullptr, diagnostics);
  if (!diagnostics.has_errors()) allocate_addresses(place, object, diagnostics);
  if (diagnostics.has_errors()) return refuse(invalid(info, shown, diagnostics));
  if (object.kind == Kind::kPod) {
    if (auto error = admit_account(txn.view(), object)) return refuse(std::move(*error));
  }
  std::string name = object.meta.name;
  Result<ObjectPtr> made = txn.create(std::move(object));
  if (!made.ok()) return refuse(refusal_of(made.error(), info, name));
  Answer answer = written(*made);
  answer.created = true;
  add_warnings(answer, diagnostics);
  return answer;
}

std::optional<uint64_t> version_of(const std::string& text) {
  uint64_t version = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    version = version * 10 + static_cast<uint64_t>(c - '0');
  }
  return text.empty() ? std::nullopt : std::optional(version);
}

// Identity and history are the server's; what the client sent of them only serves as precondition.
std::optional<ApiError> check_identity(const Object& stored, const Object& next, const ApiWrite& write) {
  const KindInfo& info = stored.info();
  if (!next.meta.resource_version.empty()) {
    std::optional<uint64_t> version = version_of(next.meta.resource_version);
    if (!version) {
      return bad_request("resourceVersion: Invalid value: \"" + next.meta.resource_version +
                         "\": must be a number");
    }
    if (*version != 0 && *version != stored.version) return stale(info, stored.meta.name);
  }
  if (write.expected_version && *write.expected_version != stored.version)
    return stale(info, stored.meta.name);
  if (!next.meta.uid.empty() && next.meta.uid != stored.meta.uid) {
    return conflict(info, stored.meta.name,
                    "Precondition failed: UID in precondition: " + next.meta.uid +
                        ", UID in object meta: " + stored.meta.uid);
  }
  return std::nullopt;
}

Answer replace_object(const Place& place, const ApiWrite& write, const ObjectPtr& stored, Object next) {
  Transaction& txn = place.txn;
  const KindInfo& info = stored->info();
  if (auto error = check_identity(*stored, next, write)) return refuse(std::move(*error));
  next.meta.resource_version.clear();
  next.meta.uid = stored->meta.uid;
  next.meta.ns = stored->meta.ns;
  next.meta.name = stored->meta.name;
  next.version = 0;
  Diagnostics diagnostics;
  Result<ObjectPtr> done = error(ErrorCode::kFailed, "");
  if (write.status_only) {
    done = txn.update_status(std::move(next));
  } else {
    take_status(next, *stored);
    keep_assigned(*stored, next);
    apply_defaults(next);
    validate(next, nullptr, diagnostics);
    validate_update(*stored, next, nullptr, diagnostics);
    if (!same_spec(*stored, next)) check_not_yet(next, kNotFromGit, nullptr, diagnostics);
    if (!diagnostics.has_errors()) allocate_addresses(place, next, diagnostics);
    if (diagnostics.has_errors()) return refuse(invalid(info, stored->meta.name, diagnostics));
    done = txn.update(std::move(next));
  }
  if (!done.ok()) return refuse(refusal_of(done.error(), info, stored->meta.name));
  Answer answer = written(*done);
  add_warnings(answer, diagnostics);
  return answer;
}

// The document after the patch; 400, 409 or 422 where it cannot be applied.
Result<Value> patched_document(const ApiWrite& write, const Object& stored) {
  Value document = to_value(stored);
  switch (write.patch_type) {
    case PatchType::kMerge: return merge_patch(document, *write.patch);
    case PatchType::kStrategic: return strategic_merge_patch(document, *write.patch, stored.info());
    case PatchType::kJson: return json_patch(document, *write.patch);
    case PatchType::kApply: break;
  }
  return error(ErrorCode::kUnsupported, "unknown patch type");
}

// What a strict decoder says about a document, as the API server words it.
ApiError undecodable(const Diagnostics& diagnostics) {
  std::string list;
  for (const Diagnostic& found : diagnostics.all()) {
    if (found.severity != Severity::kError) continue;
    if (!list.empty()) list += ", ";
    list += found.path.empty() ? found.message : found.path + ": " + found.message;
  }
  return bad_request("strict decoding error: " + list);
}

Answer patch_document(const Place& place, const ApiWrite& write) {
  Transaction& txn = place.txn;
  const KindInfo& info = kind_info(write.key.kind);
  ObjectPtr stored = txn.view().find(write.key);
  if (write.patch_type == PatchType::kApply) {
    Diagnostics diagnostics;
    std::optional<Object> declared =
        decode_object(*write.patch, {unknown_fields(write.validation)}, diagnostics);
    if (!declared || diagnostics.has_errors()) return refuse(undecodable(diagnostics));
    if (!stored) {
      declared->meta.name = write.key.name;
      return create_object(place, write, std::move(*declared));
    }
    Result<Object> merged = apply_object(*stored, nullptr, *write.patch);
    if (!merged.ok()) return refuse(bad_request(merged.error().message));
    return replace_object(place, write, stored, std::move(*merged));
  }
  if (!stored) return refuse(not_found(info, write.key.name));
  Result<Value> document = patched_document(write, *stored);
  if (!document.ok()) {
    ApiError error = bad_request(document.error().message);
    if (document.error().code == ErrorCode::kInvalid) error.code = 422, error.reason = "Invalid";
    return refuse(std::move(error));
  }
  Diagnostics diagnostics;
  std::optional<Object> next = decode_object(*document, {unknown_fields(write.validation)}, diagnostics);
  if (!next || diagnostics.has_errors()) return refuse(undecodable(diagnostics));
  if (next->kind != stored->kind) return refuse(bad_request("a patch may not change the kind"));
  Answer answer = replace_object(place, write, stored, std::move(*next));
  add_warnings(answer, diagnostics);
  return answer;
}

Answer scale_object(const Place& place, const ApiWrite& write, const ObjectPtr& stored) {
  const KindInfo& info = stored->info();
  if (write.replicas < 0) {
    Diagnostics diagnostics;
    diagnostics.error(
        {}, "spec.replicas",
        "Invalid value: " + std::to_string(write.replicas) + ": must be greater than or equal to 0");
    return refuse(invalid(info, stored->meta.name, diagnostics));
  }
  Object next = *stored;
  if (Deployment* deployment = stored->kind == Kind::kDeployment ? &as<Deployment>(next) : nullptr) {
    deployment->spec.replicas = write.replicas;
  } else if (ReplicaSet* set = stored->kind == Kind::kReplicaSet ? &as<ReplicaSet>(next) : nullptr) {
    set->spec.replicas = write.replicas;
  } else if (stored->kind == Kind::kStatefulSet || stored->kind == Kind::kReplicationController) {
    generic_fields(next).at("spec").set("replicas", static_cast<int64_t>(write.replicas));
  } else {
    return refuse(not_found(info, stored->meta.name));
  }
  return replace_object(place, write, stored, std::move(next));
}

Answer bind_pod(Transaction& txn, const ApiWrite& write, const ObjectPtr& stored) {
  const KindInfo& info = stored->info();
  if (!as<Pod>(*stored).spec.node_name.empty()) {
    return refuse(conflict(info, stored->meta.name,
                           "pod " + stored->meta.name + " is already assigned to node \"" +
                               as<Pod>(*stored).spec.node_name + "\""));
  }
  Object next = *stored;
  as<Pod>(next).spec.node_name = write.node;
  Result<ObjectPtr> done = txn.update(std::move(next));
  if (!done.ok()) return refuse(refusal_of(done.error(), info, stored->meta.name));
  return written(*done);
}

Answer finalize_namespace(Transaction& txn, const ApiWrite& write, const ObjectPtr& stored) {
  Object next = *stored;
  as<Namespace>(next).spec.finalizers = as<Namespace>(*write.object).spec.finalizers;
  Result<ObjectPtr> done = txn.update(std::move(next));
  if (!done.ok()) return refuse(refusal_of(done.error(), stored->info(), stored->meta.name));
  return written(*done);
}

Answer remove_object(Transaction& txn, const ApiWrite& write) {
  const KindInfo& info = kind_info(write.key.kind);
  Result<Deleted> deleted = delete_object(txn, write.key, write.delete_options);
  if (!deleted.ok()) return refuse(refusal_of(deleted.error(), info, write.key.name));
  Answer answer = written(deleted->object);
  answer.gone = deleted->gone;
  return answer;
}

Answer evict_pod(Transaction& txn, const ApiWrite& write) {
  ObjectPtr pod = txn.view().find(write.key);
  std::optional<ApiError> refusal = pod ? eviction_refusal(txn.view(), *pod) : std::nullopt;
  if (refusal) return refuse(std::move(*refusal));
  Answer answer = remove_object(txn, write);
  bool leaves = pod && !answer.error && !answer.gone && pod->meta.deletion_timestamp == WallTime{};
  if (leaves) note_eviction(txn, answer.object);
  return answer;
}

Answer dispatch(const Place& place, const ApiWrite& write) {
  Transaction& txn = place.txn;
  using Verb = ApiWrite::Verb;
  const KindInfo& info = kind_info(write.key.kind);
  if (write.verb == Verb::kCreate) return create_object(place, write, *write.object);
  if (write.verb == Verb::kPatch) return patch_document(place, write);
  if (write.verb == Verb::kDelete) return remove_object(txn, write);
  if (write.verb == Verb::kEvict) return evict_pod(txn, write);
  ObjectPtr stored = txn.view().find(write.key);
  if (!stored) return refuse(not_found(info, write.key.name));
  switch (write.verb) {
    case Verb::kUpdate: return replace_object(place, write, stored, *write.object);
    case Verb::kScale: return scale_object(place, write, stored);
    case Verb::kBind: return bind_pod(txn, write, stored);
    case Verb::kFinalize: return finalize_namespace(txn, write, stored);
    default: return refuse(bad_request("unknown verb"));
  }
}

}  // namespace

Answer handle_write(Transaction& txn, const ApiWrite& write, const ControlSettings& settings) {
  Transaction::Mark mark = txn.mark();
  txn.set_cause({write.actor, ""});
  Answer answer = dispatch({txn, settings}, write);
  answer.ticket = write.ticket;
  if (answer.error || write.dry_run) txn.rollback_to(std::move(mark));
  return answer;
}

}  // namespace mainstay
