// The one place that reads clocks. Only edges (threads that own an outside thing) may call it;
// tests/tidy_test.cpp keeps decision code away from it. Any thread.
#pragma once

#include "schema/base/time.h"

namespace mainstay {

Now read_clock();

}  // namespace mainstay
