#include "reconciler/control/rollout.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "schema/base/rng.h"

namespace mainstay {
namespace {

DeploymentSpec spec_of(int32_t replicas, IntOrString surge, IntOrString unavailable) {
  DeploymentSpec spec;
  spec.replicas = replicas;
  spec.strategy.type = "RollingUpdate";
  spec.strategy.rolling_update.ensure().max_surge = std::move(surge);
  spec.strategy.rolling_update.ensure().max_unavailable = std::move(unavailable);
  return spec;
}

}  // namespace

TEST_CASE("rolling update limits") {
  struct Row {
    int32_t replicas;
    IntOrString surge, unavailable;
    int32_t max_total, min_available;
  };
  const std::string quarter = "25%";
  const Row rows[] = {
      {1, quarter, quarter, 2, 1},   {2, quarter, quarter, 3, 2},  {3, quarter, quarter, 4, 3},
      {4, quarter, quarter, 5, 3},   {10, quarter, quarter, 13, 8}, {10, 0, quarter, 10, 8},
      {3, 0, quarter, 3, 2},         {5, 1, 0, 6, 5},              {10, std::string("100%"), 0, 20, 10},
      {3, 0, 10, 3, 0},              {0, quarter, quarter, 0, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.replicas, row.surge.text(), row.unavailable.text());
    RolloutLimits limits = rollout_limits(spec_of(row.replicas, row.surge, row.unavailable));
    CHECK(limits.max_total == row.max_total);
    CHECK(limits.min_available == row.min_available);
  }
}

TEST_CASE("Recreate has neither surge nor unavailability") {
  DeploymentSpec spec;
  spec.replicas = 4;
  spec.strategy.type = "Recreate";
  RolloutLimits limits = rollout_limits(spec);
  CHECK(limits.max_total == 4);
  CHECK(limits.min_available == 4);
}

TEST_CASE("a rolling step does all that is allowed at once") {
  RolloutLimits limits = rollout_limits(spec_of(10, std::string("25%"), std::string("25%")));
  SECTION("the start: surge up, and down to the minimum") {
    RollingStep step = rolling_step(10, limits, {}, {{10, 10, 10}});
    CHECK(step.fresh == 3);
    CHECK(step.old == std::vector<int32_t>{8});
  }
  SECTION("old pods that are told to go take room until they are gone") {
    RollingStep step = rolling_step(10, limits, {3, 3, 0}, {{8, 10, 10}});
    CHECK(step.fresh == 3);
    CHECK(step.old == std::vector<int32_t>{8});
  }
  SECTION("new pods that are available let old ones go") {
    RollingStep step = rolling_step(10, limits, {5, 5, 5}, {{8, 8, 8}});
    CHECK(step.fresh == 5);
    CHECK(step.old == std::vector<int32_t>{3});
  }
  SECTION("unavailable old pods go first, the oldest set's before others") {
    RollingStep step = rolling_step(10, limits, {3, 3, 0}, {{5, 5, 0}, {5, 5, 5}});
    CHECK(step.fresh == 3);
    CHECK(step.old == std::vector<int32_t>{3, 5});
  }
  SECTION("a new set that is too large shrinks") {
    CHECK(rolling_step(10, limits, {12, 12, 12}, {}).fresh == 10);
  }
}

TEST_CASE("a rolling step keeps both limits, whatever there is") {
  uint64_t seed = 20261122;
  CAPTURE(seed);
  Rng rng(seed);
  for (int i = 0; i < 20'000; ++i) {
    auto replicas = static_cast<int32_t>(rng.below(20));
    auto spec = spec_of(replicas, static_cast<int32_t>(rng.below(5)), static_cast<int32_t>(rng.below(5)));
    RolloutLimits limits = rollout_limits(spec);
    auto any_set = [&] {
      SetSize set;
      set.wanted = static_cast<int32_t>(rng.below(12));
      set.active = static_cast<int32_t>(rng.below(12));
      set.available = static_cast<int32_t>(rng.below(static_cast<uint64_t>(set.active) + 1));
      return set;
    };
    SetSize fresh = any_set();
    std::vector<SetSize> old(rng.below(4));
    for (SetSize& set : old) set = any_set();
    RollingStep step = rolling_step(replicas, limits, fresh, old);

    int32_t total_before = fresh.wanted, total_after = step.fresh, sure_before = 0, sure_after = 0;
    // What stays available for sure: a set gives up its unavailable pods first.
    sure_before += std::min({fresh.wanted, fresh.available});
    sure_after += std::min({step.fresh, fresh.wanted, fresh.available});
    bool lost = false;
    for (size_t k = 0; k < old.size(); ++k) {
      total_before += old[k].wanted;
      total_after += step.old[k];
      int32_t before = std::min(old[k].wanted, old[k].available);
      int32_t after = std::min(step.old[k], old[k].available);
      sure_before += before;
      sure_after += after;
      lost |= after < before;
      REQUIRE(step.old[k] >= 0);
      REQUIRE(step.old[k] <= old[k].wanted);
    }
    CAPTURE(i, replicas, limits.max_total, limits.min_available, fresh.wanted, fresh.active, fresh.available);
    REQUIRE(step.fresh <= replicas);
    REQUIRE(total_after <= std::max(total_before, limits.max_total));
    if (lost) REQUIRE(sure_after >= limits.min_available);
  }
}

TEST_CASE("shrinking takes what serves nobody first, as far as the least available number asks for it") {
  using Sizes = std::vector<int32_t>;
  // Three new pods that are not ready yet and two old ones that are: five in place of six must leave both.
  CHECK(keep_available({3, 1}, {{3, 3, 0}, {2, 2, 2}}, 2) == Sizes{2, 2});
  CHECK(keep_available({3, 1}, {{3, 3, 0}, {2, 2, 2}}, 1) == Sizes{3, 1});
  CHECK(keep_available({1, 1}, {{3, 3, 3}, {2, 2, 2}}, 3) == Sizes{1, 1});
  Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    Sizes sizes;
    std::vector<SetSize> sets;
    int32_t sum = 0, serving = 0, idle = 0, before = 0;
    for (size_t i = 0; i < 1 + rng.below(4); ++i) {
      int32_t wanted = static_cast<int32_t>(rng.below(9)), available = static_cast<int32_t>(rng.below(9));
      sets.push_back({wanted, available, available});
      sizes.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(wanted) + 1)));
      sum += sizes.back();
      before += std::min(wanted, available);
      serving += std::min({sizes.back(), wanted, available});
      idle += sizes.back() - std::min({sizes.back(), wanted, available});
    }
    int32_t least = static_cast<int32_t>(rng.below(12)), total = 0, now = 0;
    Sizes kept = keep_available(sizes, sets, least);
    for (size_t i = 0; i < sets.size(); ++i) {
      REQUIRE(kept[i] >= 0);
      REQUIRE(kept[i] <= sets[i].wanted);
      total += kept[i];
      now += std::min({kept[i], sets[i].wanted, sets[i].available});
    }
    REQUIRE(total == sum);
    REQUIRE(now == std::max(serving, std::min({least, serving + idle, before})));
  }
}

TEST_CASE("proportional scaling") {
  SECTION("the example of Kubernetes' documentation: 8 + 5 of 10 + 3, scaled to 15") {
    std::vector<int32_t> sizes = proportional_sizes(15, 3, 13, {{8, 100, 13}, {5, 10, 13}});
    CHECK(sizes == std::vector<int32_t>{11, 7});
  }
  SECTION("down") {
    std::vector<int32_t> sizes = proportional_sizes(5, 2, 13, {{8, 100, 13}, {5, 10, 13}});
    CHECK(std::accumulate(sizes.begin(), sizes.end(), 0) == 7);
    CHECK(sizes == std::vector<int32_t>{4, 3});
  }
  SECTION("to nothing") {
    CHECK(proportional_sizes(0, 3, 13, {{8, 100, 13}, {5, 10, 13}}) == std::vector<int32_t>{0, 0});
  }
  SECTION("a tie gives the rest to the newest when growing, takes it from the oldest when shrinking") {
    CHECK(proportional_sizes(7, 0, 6, {{3, 100, 6}, {3, 10, 6}}) == std::vector<int32_t>{3, 4});
    CHECK(proportional_sizes(5, 0, 6, {{3, 100, 6}, {3, 10, 6}}) == std::vector<int32_t>{2, 3});
  }
  SECTION("nothing to do") {
    CHECK(proportional_sizes(10, 3, 13, {{8, 100, 13}, {5, 10, 13}}) == std::vector<int32_t>{8, 5});
  }
  SECTION("the sum is always what is allowed") {
    uint64_t seed = 7;
    CAPTURE(seed);
    Rng rng(seed);
    for (int i = 0; i < 5000; ++i) {
      std::vector<Share> shares(1 + rng.below(5));
      for (Share& share : shares) {
        share = {static_cast<int32_t>(1 + rng.below(20)), static_cast<int64_t>(rng.below(100)), std::nullopt};
        if (rng.chance(70)) share.max_replicas = static_cast<int32_t>(rng.below(40));
      }
      auto replicas = static_cast<int32_t>(rng.below(40));
      std::vector<int32_t> sizes = proportional_sizes(replicas, 3, 20, shares);
      int32_t sum = std::accumulate(sizes.begin(), sizes.end(), 0);
      int32_t before = 0;
      for (const Share& share : shares) before += share.wanted;
      int32_t allowed = replicas > 0 ? replicas + 3 : 0;
      CAPTURE(i, replicas, before, sum);
      for (int32_t size : sizes) REQUIRE(size >= 0);
      if (sum > allowed) REQUIRE(sum <= before);
      if (allowed >= before) REQUIRE(sum == allowed);
    }
  }
}

}  // namespace mainstay
