// When an Event has outlived its time.
#pragma once

#include "schema/object.h"

namespace mainstay {

// When something was last added to it. `object` is an Event. Pure; any thread.
WallTime last_seen(const Object& object);

}  // namespace mainstay
