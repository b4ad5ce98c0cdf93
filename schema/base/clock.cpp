#include "schema/base/clock.h"

namespace mainstay {

Now read_clock() {
  auto wall = std::chrono::system_clock::now().time_since_epoch();
  auto mono = std::chrono::steady_clock::now().time_since_epoch();
  return {WallTime{std::chrono::duration_cast<Duration>(wall)},
          MonoTime{std::chrono::duration_cast<Duration>(mono)}};
}

}  // namespace mainstay
