// Every crash point of the agent with real containers. A sample of them; scripts/deep tries all.
#include <catch2/catch.hpp>

#include "nodeagent/disk.h"
#include "tests/nodeagent/crash_node.h"
#include "tests/nodeagent/crash_point.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

std::vector<CrashPlan> sample(const std::vector<CrashPlan>& all, size_t usual) {
  std::vector<CrashPlan> out;
  for (int64_t at : some_of(static_cast<int64_t>(all.size()), static_cast<int64_t>(usual))) {
    out.push_back(all[static_cast<size_t>(at - 1)]);
  }
  return out;
}

std::vector<CrashPlan> at_each_step(CrashPlan like, int64_t steps) {
  std::vector<CrashPlan> out;
  for (like.at = 1; like.at <= steps; ++like.at) out.push_back(like);
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
  crashes.run(sample(at_each_step(plan, steps), 10));
}

TEST_CASE("real: an agent killed at a system call loses nothing and leaves nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  CrashPlan plan;
  plan.system_calls = true;
  int64_t steps = crashes.steps(plan);
  REQUIRE(steps > 300);
  crashes.run(sample(at_each_step(plan, steps), 9));
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
  crashes.run(sample(at_each_step(plan, steps), 3));
}

TEST_CASE("real: an agent killed at any instant, with whatever it had started, loses nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  Duration life = crashes.calm({}).took;
  std::vector<CrashPlan> plans(300);
  for (size_t i = 0; i < plans.size(); ++i) plans[i].after = life * static_cast<int64_t>(i + 1) / 300;
  crashes.run(sample(plans, 9));
}

TEST_CASE("real: a half-written file of the agent's loses no pod and leaves nothing", "[edge][crash]") {
  NEEDS_CRASHES();
  Crashes crashes;
  CrashPlan plan;
  plan.damage = 1;
  int64_t files = crashes.calm(plan).files;
  REQUIRE(files > 8);
  std::vector<CrashPlan> plans;
  for (plan.damage = 1; plan.damage <= files; ++plan.damage) {
    for (bool emptied : {false, true}) {
      plan.emptied = emptied;
      plans.push_back(plan);
    }
  }
  crashes.run(sample(plans, 9));
}
