// Every crash point of the agent with real containers. A sample of them; scripts/deep tries each.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/crash_node.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

// How many of `steps` to try: as many as MAINSTAY_CRASHES says ("all", or a number), else `usual`.
int64_t wanted(int64_t steps, int64_t usual) {
  const char* wish = std::getenv("MAINSTAY_CRASHES");
  if (wish == nullptr) return usual;
  return std::string(wish) == "all" ? steps : std::min<int64_t>(steps, std::max(1, std::atoi(wish)));
}

// So many of the steps, evenly; where it begins changes from run to run and is told.
std::vector<CrashPlan> plans_of(CrashPlan like, int64_t steps, int64_t usual) {
  int64_t stride = std::max<int64_t>(1, steps / wanted(steps, usual));
  int64_t first = 1 + read_clock().wall.since_epoch.count() / 1000 % stride;
  std::vector<CrashPlan> out;
  for (like.at = first; like.at <= steps; like.at += stride) out.push_back(like);
  WARN("crashes at " << out.size() << " of " << steps << " steps, every " << stride << " from " << first);
  return out;
}

// At so many instants of a life that takes that long.
std::vector<CrashPlan> plans_over(Duration life, int64_t instants) {
  std::vector<CrashPlan> out(static_cast<size_t>(instants));
  Duration part = life / instants;
  Duration first = part * (read_clock().wall.since_epoch.count() % 1000) / 1000;
  for (size_t i = 0; i < out.size(); ++i) out[i].after = first + part * static_cast<int64_t>(i) + Duration{1};
  return out;
}

struct Crashes {
  TempDir temp;
  std::string archive = pack_example_images(temp.path()) + "/web-v1.tar";

  CrashOutcome calm(const CrashPlan& plan) {
    CrashOutcome out = live_and_crash(temp.path() + "/calm", 15, archive, plan);
    for (const std::string& fault : out.faults) FAIL_CHECK("without a crash: " << fault);
    return out;
  }
  int64_t steps(const CrashPlan& plan) { return calm(plan).steps; }
  void run(const std::vector<CrashPlan>& plans) {
    for (const std::string& fault : crash_all(temp.path(), archive, plans, 3)) FAIL_CHECK(fault);
  }
};

#define NEEDS_CRASHES()                                  \
  do {                                                   \
    std::string why_ = mainstay::test::why_no_crashes(); \
    if (!why_.empty()) {                                 \
      WARN("SKIPPED: " << why_);                         \
      return;                                            \
    }                                                    \
  } while (false)

}  // namespace

TEST_CASE("real: an agent killed before or after an operation loses nothing and leaves nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  CrashPlan plan;
  int64_t steps = crashes.steps(plan);
  REQUIRE(steps > 40);
  crashes.run(plans_of(plan, steps, 10));
}

TEST_CASE("real: an agent killed at a system call loses nothing and leaves nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  CrashPlan plan;
  plan.system_calls = true;
  int64_t steps = crashes.steps(plan);
  REQUIRE(steps > 300);
  crashes.run(plans_of(plan, steps, 12));
}

TEST_CASE("real: an agent whose disk is full for a while goes on afterwards", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  CrashPlan plan;
  plan.way = CrashPoint::Way::kFull;
  plan.system_calls = true;
  plan.lasting = 3;
  int64_t steps = crashes.steps(plan);
  REQUIRE(steps > 50);
  crashes.run(plans_of(plan, steps, 4));
}

TEST_CASE("real: an agent killed at any instant, with whatever it had started, loses nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  crashes.run(plans_over(crashes.calm({}).took, wanted(300, 12)));
}

TEST_CASE("real: a half-written file of the agent's loses no pod and leaves nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  CrashPlan plan;
  plan.damage = 1;
  int64_t files = crashes.calm(plan).files;
  REQUIRE(files > 8);
  std::vector<CrashPlan> plans;
  for (bool emptied : {false, true}) {
    plan.emptied = emptied;
    for (plan.damage = 1; plan.damage <= files; ++plan.damage) {
      // Each file in one of the two ways, if there is not the time for both.
      if (wanted(2 * files, files) > files || (plan.damage % 2 == 0) == emptied) plans.push_back(plan);
    }
  }
  crashes.run(plans);
}
