#include "reconciler/store/object_parts.h"

namespace mainstay {
namespace {

template <typename T>
bool copy_status(Object& to, const Object& from) {
  const T* source = try_as<T>(from);
  if (source == nullptr) return false;
  as<T>(to).status = source->status;
  return true;
}

}  // namespace

bool is_free_to_go(const Object& object) {
  if (!object.meta.finalizers.empty()) return false;
  if (object.kind == Kind::kPod) return object.meta.deletion_grace_period_seconds.value_or(0) == 0;
  if (const Namespace* ns = try_as<Namespace>(object)) return ns->spec.finalizers.empty();
  return true;
}

bool has_generation(const Object& object) { return object.info().type->find("spec") != nullptr; }

void take_status(Object& to, const Object& from) {
  ENSURE(to.kind == from.kind, "a status of another kind");
  if (!to.info().has_status) return;
  if (!to.info().typed()) {
    const Value* status = generic_fields(from).find("status");
    if (status != nullptr) generic_fields(to).set("status", *status); else generic_fields(to).erase("status");
    return;
  }
  bool known = copy_status<Pod>(to, from) || copy_status<Node>(to, from) || copy_status<Deployment>(to, from) ||
               copy_status<ReplicaSet>(to, from) || copy_status<Namespace>(to, from) ||
               copy_status<Service>(to, from) || copy_status<Application>(to, from);
  ENSURE(known, "a kind with a status that the store does not know how to copy");
}

bool same_spec(const Object& a, const Object& b) {
  Object probe = b;
  probe.meta = a.meta;
  take_status(probe, a);
  return same_content(a, probe);
}

}  // namespace mainstay
