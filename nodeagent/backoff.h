// The back-off of restarts and image pulls, doubling from 10 s to 5 min and forgotten after ten minutes
// without a failure. A container's first restart waits not at all, an image's first retry 10 s.
// Rules: k8s-semantics section 1.4. Plain value.
#pragma once

#include <algorithm>

#include "schema/base/time.h"

namespace mainstay {

struct Backoff {
  static constexpr Duration kFirst = std::chrono::seconds{10};
  static constexpr Duration kMost = std::chrono::seconds{300};
  static constexpr Duration kForget = std::chrono::minutes{10};

  Duration wait{0};      // between the last failure and the next try
  Duration upcoming{0};  // what the next failure will cost
  MonoTime failed_at;

  static Backoff for_image() { return {Duration{0}, kFirst, {}}; }

  // A failure at `now`; a container that had run for `good_for` before it starts the series anew.
  void fail(MonoTime now, Duration good_for = Duration{0}) {
    if (good_for >= kForget) upcoming = Duration{0};
    wait = upcoming;
    upcoming = upcoming == Duration{0} ? kFirst : std::min(upcoming * 2, kMost);
    failed_at = now;
  }
  MonoTime retry_at() const { return failed_at + wait; }
};

}  // namespace mainstay
