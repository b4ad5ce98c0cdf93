#include "reconciler/store/object_parts.h"

#include <algorithm>

#include "schema/compare.h"

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
  ENSURE(a.kind == b.kind, "specs of different kinds");
  const KindInfo& info = a.info();
  if (info.typed()) return equal_but(kStatus, *info.type, body_storage(a), body_storage(b));
  const Value &left = generic_fields(a), &right = generic_fields(b);
  if (!left.is_map() || !right.is_map()) return left == right;
  auto counts = [&](const Member& member) { return !info.has_status || member.name != "status"; };
  auto same = [&](const Member& member) {
    const Value* other = right.find(member.name);
    return other != nullptr && *other == member.value;
  };
  size_t in_left = 0;
  for (const Member& member : left.as_map()) {
    if (!counts(member)) continue;
    if (!same(member)) return false;
    ++in_left;
  }
  return in_left == static_cast<size_t>(std::count_if(right.as_map().begin(), right.as_map().end(), counts));
}

bool same_but_status(const Object& a, const Object& b) {
  return equal(ObjectMeta::kType, &a.meta, &b.meta) && same_spec(a, b);
}

}  // namespace mainstay
