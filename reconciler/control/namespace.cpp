// The namespace controller: makes the default namespaces, and empties one that is being deleted before it
// goes. Rules: k8s-semantics 9 and 17.7. Keys: a Namespace, or the sweep, which makes the default ones.
#include "reconciler/control/namespace.h"

#include <algorithm>
#include <map>

#include "reconciler/control/conditions.h"
#include "reconciler/control/controllers.h"
#include "schema/defaults.h"

namespace mainstay {
namespace {

constexpr std::string_view kName = "namespace-controller";
constexpr std::string_view kFinalizer = "kubernetes";

bool is_deleting(const Object& object) { return object.meta.deletion_timestamp != WallTime{}; }

void make_default_namespaces(ControlContext& context) {
  for (std::string_view name : kDefaultNamespaces) {
    if (context.view().find(Kind::kNamespace, "", name)) continue;
    Object object = make_object<Namespace>("", name);
    apply_defaults(object);
    (void)context.txn.create(std::move(object));
  }
}

// What is left in a namespace, and who holds it.
struct Remains {
  size_t count = 0;
  std::map<std::string, size_t> kinds;       // "pods" -> 2
  std::map<std::string, size_t> finalizers;
};

// Deletes everything that is not being deleted yet: pods first, as they take longest.
void delete_content(ControlContext& context, const std::string& ns) {
  auto delete_kind = [&](Kind kind) {
    std::vector<Key> keys;
    for (const ObjectPtr& object : context.view().list(kind, ns)) {
      if (!is_deleting(*object)) keys.push_back(object->key());
    }
    DeleteOptions options;
    options.propagation = Propagation::kBackground;
    for (const Key& key : keys) (void)delete_object(context.txn, key, options);
  };
  delete_kind(Kind::kPod);
  for (const KindInfo& info : all_kinds()) {
    if (info.namespaced && info.id != Kind::kPod) delete_kind(info.id);
  }
}

Remains remains(const Snapshot& view, const std::string& ns) {
  Remains left;
  for (const KindInfo& info : all_kinds()) {
    if (!info.namespaced) continue;
    for (const ObjectPtr& object : view.list(info.id, ns)) {
      ++left.count;
      ++left.kinds[info.resource()];
      for (const std::string& finalizer : object->meta.finalizers) ++left.finalizers[finalizer];
    }
  }
  return left;
}

std::string list_of(const std::map<std::string, size_t>& counts, std::string_view noun) {
  std::string text;
  for (const auto& [name, count] : counts) {
    if (!text.empty()) text += ", ";
    text += name + std::string(noun) + std::to_string(count) + " resource instances";
  }
  return text;
}

void describe(Namespace& body, const Remains& left, WallTime now) {
  auto& conditions = body.status.conditions;
  body.status.phase = "Terminating";
  set_condition(conditions, "NamespaceDeletionDiscoveryFailure",
                {"False", "ResourcesDiscovered", "All resources successfully discovered"}, now);
  set_condition(conditions, "NamespaceDeletionGroupVersionParsingFailure",
                {"False", "ParsedGroupVersions", "All legacy kube types successfully parsed"}, now);
  set_condition(conditions, "NamespaceDeletionContentFailure",
                {"False", "ContentDeleted",
                 "All content successfully deleted, may be waiting on finalization"}, now);
  if (left.count > 0) {
    set_condition(conditions, "NamespaceContentRemaining",
                  {"True", "SomeResourcesRemain",
                   "Some resources are remaining: " + list_of(left.kinds, " has ")},
                  now);
  } else {
    set_condition(conditions, "NamespaceContentRemaining",
                  {"False", "ContentRemoved", "All content successfully removed"}, now);
  }
  if (!left.finalizers.empty()) {
    set_condition(conditions, "NamespaceFinalizersRemaining",
                  {"True", "SomeFinalizersRemain",
                   "Some content in the namespace has finalizers remaining: " +
                   list_of(left.finalizers, " in ")},
                  now);
  } else {
    set_condition(conditions, "NamespaceFinalizersRemaining",
                  {"False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"}, now);
  }
}

void terminate(ControlContext& context, const Object& ns) {
  delete_content(context, ns.meta.name);
  Remains left = remains(context.view(), ns.meta.name);
  Object next = ns;
  Namespace& body = as<Namespace>(next);
  describe(body, left, context.now().wall);
  if (left.count == 0) {
    auto& finalizers = body.spec.finalizers;
    finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), kFinalizer), finalizers.end());
  }
  (void)context.txn.update(std::move(next));
}

Outcome reconcile(ControlContext& context, const Key& key) {
  if (key.name.empty()) {
    make_default_namespaces(context);
    return {};
  }
  ObjectPtr ns = context.view().find(key);
  if (ns && is_deleting(*ns)) terminate(context, *ns);
  return {};
}

void wakes(const Change& change, const Snapshot& view, std::vector<Key>& keys) {
  if (change.key.kind == Kind::kNamespace) {
    if (!change.after) keys.push_back(sweep_key(Kind::kNamespace));
    else if (is_deleting(*change.after)) keys.push_back(change.key);
    return;
  }
  // Something in a namespace that is going went, or lost a finalizer.
  if (change.key.ns.empty() || change.op == ChangeOp::kAdd) return;
  if (change.after && change.after->meta.finalizers == change.before->meta.finalizers) return;
  ObjectPtr ns = view.find(Kind::kNamespace, "", change.key.ns);
  if (ns && is_deleting(*ns)) keys.push_back(ns->key());
}

}  // namespace

Controller namespace_controller() { return {kName, &reconcile, &wakes, Kind::kNamespace}; }

}  // namespace mainstay
