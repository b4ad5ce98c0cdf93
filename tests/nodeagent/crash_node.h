// A node with real doors (runc, conmon, overlayfs, CNI, nft) on which agents are killed: each is a process of its
// own that lives the story of crash_story.h, ends by SIGKILL at a chosen step, and is followed by another one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/base/time.h"
#include "tests/nodeagent/crash_point.h"

namespace mainstay::test {

struct CrashPlan {
  CrashPoint::Way way = CrashPoint::Way::kKill;
  bool system_calls = false;  // a step is a system call of the agent; else an operation of a door
  int64_t at = 0;
  int64_t lasting = 1;
  Duration after{0};  // not 0: SIGKILL that long after its start, whatever it is at
  // Not 0: it is killed while the pod runs, and the n-th of the files that agents keep on the node (1: the first)
  // is cut to half of its length, or emptied.
  int64_t damage = 0;
  bool emptied = false;
};

struct CrashOutcome {
  int64_t steps = 0;                // that the first agent took
  Duration took{0};                 // its life
  int64_t files = 0;                // with `damage`: that agents keep
  std::string where;                // it was ended
  std::vector<std::string> faults;  // whatever is not as it should be; empty if all is well
};

// Lives the story once in `dir`, which is gone afterwards. `slot` (0 to 15) keeps apart what runs at the same
// time; `archive` holds the image. Takes a few seconds.
CrashOutcome live_and_crash(const std::string& dir, int slot, const std::string& archive, const CrashPlan& plan);

// The plans one after another, `lanes` of them at the same time. One line per fault, with its plan.
std::vector<std::string> crash_all(const std::string& dir, const std::string& archive,
                                   const std::vector<CrashPlan>& plans, int lanes);

// "" if real containers with pod networks and images can be had here.
std::string why_no_crashes();

}  // namespace mainstay::test
