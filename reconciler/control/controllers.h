// The controllers, one per file of this folder, as registry.cpp lists them.
#pragma once

#include "reconciler/control/controller.h"

namespace mainstay {

Controller namespace_controller();
Controller service_account_controller();
Controller node_policy_controller();
Controller node_lifecycle_controller();
Controller service_addresses_controller();
Controller load_balancer_controller();
Controller api_service_controller();
Controller adoption_controller();
Controller deployment_controller();
Controller replica_set_controller();
Controller endpoints_controller();
Controller endpoint_mirror_controller();
Controller disruption_controller();
Controller owner_gc_controller();
Controller pod_garbage_controller();
Controller event_expiry_controller();

}  // namespace mainstay
