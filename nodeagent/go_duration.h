// Spans of time as the kubelet's messages print them. Pure.
#pragma once

#include <string>

#include "schema/base/time.h"

namespace mainstay {

// To the millisecond, as Go's Duration.String(): "0s", "120ms", "1.2s", "2m40s", "1h0m0.5s".
std::string go_duration(Duration span);

}  // namespace mainstay
