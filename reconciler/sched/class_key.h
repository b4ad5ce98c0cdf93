// The key of a class of pods: those that every filter and every score treats alike. Pure; any thread.
#pragma once

#include <string>

#include "reconciler/sched/footprint.h"
#include "reconciler/sched/pod_profile.h"

namespace mainstay {

// Equal exactly for two pods of one class. `profile` is null where no pod minds the others, so that labels and
// namespaces make no difference.
std::string class_key(const PodSpec& spec, const Footprint& footprint, const PodProfile* profile);

}  // namespace mainstay
