// Whether the ranges of a configuration can live beside each other: where two of them overlap, packets would go to the
// wrong one without anybody saying so. Pure.
#pragma once

#include "reconciler/control/controller.h"
#include "schema/base/result.h"

namespace mainstay {

// Pods, services, load balancers and the API server's own address; kInvalid with a sentence that names both, by the
// keys of the configuration file.
Status check_address_ranges(const ControlSettings& settings);

}  // namespace mainstay
