// Every namespace gets a ServiceAccount `default`, and the ConfigMap with the certificate of our authority,
// so that programs in pods can trust the API server. Rules: k8s-semantics 9. Key: the Namespace.
#include "reconciler/control/controllers.h"
#include "schema/defaults.h"

namespace mainstay {
namespace {

constexpr std::string_view kAccountName = "default";
constexpr std::string_view kAuthorityName = "kube-root-ca.crt";
constexpr std::string_view kDescriptionAnnotation = "kubernetes.io/description";

void keep_account(ControlContext& context, const std::string& ns) {
  if (context.view().find(Kind::kServiceAccount, ns, kAccountName)) return;
  (void)context.txn.create(make_object<ServiceAccount>(ns, kAccountName));
}

void keep_authority(ControlContext& context, const std::string& ns) {
  if (context.settings.root_ca.empty()) return;
  ObjectPtr known = context.view().find(Kind::kConfigMap, ns, kAuthorityName);
  Object next = known ? *known : make_object<ConfigMap>(ns, kAuthorityName);
  ConfigMap& body = as<ConfigMap>(next);
  body.data = {{"ca.crt", context.settings.root_ca}};
  body.binary_data.clear();
  map_slot(next.meta.annotations, kDescriptionAnnotation) =
      "The certificate of the authority that signs this cluster's API server.";
  if (known) (void)context.txn.update(std::move(next));
  else (void)context.txn.create(std::move(next));
}

Outcome reconcile(ControlContext& context, const Key& key) {
  ObjectPtr ns = context.view().find(key);
  if (!ns || ns->meta.deletion_timestamp != WallTime{}) return {};
  keep_account(context, key.name);
  keep_authority(context, key.name);
  return {};
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  bool account_gone =
      change.key.kind == Kind::kServiceAccount && change.key.name == kAccountName && !change.after;
  bool authority = change.key.kind == Kind::kConfigMap && change.key.name == kAuthorityName &&
                   change.op != ChangeOp::kAdd;
  if (account_gone || authority) keys.push_back({Kind::kNamespace, "", change.key.ns});
  if (change.key.kind == Kind::kNamespace && change.op == ChangeOp::kAdd) keys.push_back(change.key);
}

}  // namespace

Controller service_account_controller() { return {"serviceaccount-controller", &reconcile, &wakes}; }

}  // namespace mainstay
