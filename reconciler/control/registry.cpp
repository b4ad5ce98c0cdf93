#include "reconciler/control/controllers.h"

namespace mainstay {

std::span<const Controller> all_controllers() {
  // What others need comes first: a pod wants its namespace's service account, a ReplicaSet the orphans it
  // may adopt, endpoints the addresses of their Service.
  static const Controller kAll[] = {
      namespace_controller(),         service_account_controller(), node_policy_controller(),
      node_lifecycle_controller(),    api_service_controller(),     service_addresses_controller(),
      load_balancer_controller(),     adoption_controller(),        deployment_controller(),
      replica_set_controller(),       endpoints_controller(),       endpoint_mirror_controller(),
      disruption_controller(),        owner_gc_controller(),        pod_garbage_controller(),
      event_expiry_controller(),
  };
  return kAll;
}

}  // namespace mainstay
