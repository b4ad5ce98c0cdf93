// Ends an agent at its n-th step on the world, so that a test can try every n. A step is an operation of a door
// (crash_doors.h), or a system call of the agent's own process that changes something (crash_point.cpp stands
// between the program and the C library for that).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace mainstay::test {

// Plain, so that it can lie in memory that outlives a killed process. Any thread.
struct CrashPoint {
  enum class Way : uint8_t {
    kStop,  // from the n-th step on nothing reaches the world: the test drops the agent
    kKill,  // SIGKILL to this process in place of the n-th step
    kFull,  // the n-th step and some after it say that the disk is full; then there is room again
  };
  Way way = Way::kStop;
  int64_t at = 0;        // 0: never
  int64_t lasting = 1;   // kFull: so many steps fail
  std::atomic<int64_t> steps{0};
  std::atomic<bool> ended{false};
  char where[200] = "";  // what it was about to do

  // Counts a step that is about to be taken. False: it must not be.
  bool reach(const char* what, const char* more = "");
};

// From now on every system call of this process that changes something is a step of `point`; not those of the
// programs it starts. With kFull only what takes room below `directory` counts. Null: no more.
void watch_system_calls(CrashPoint* point, const std::string& directory = "");

// Which of the steps 1 to `steps` are tried: as many as MAINSTAY_CRASHES says ("all", or a number), else `usual`, evenly;
// where it begins changes from run to run and is told.
std::vector<int64_t> some_of(int64_t steps, int64_t usual);

}  // namespace mainstay::test
