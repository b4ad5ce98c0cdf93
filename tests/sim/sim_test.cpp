// The simulation: real core, real Git reading, real agents, everything else from a seed. MAINSTAY_SEEDS=N
// runs N seeds instead of 100, from MAINSTAY_FIRST_SEED=1; MAINSTAY_SEED=S runs that one and tells its story.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "tests/sim/faults.h"

using namespace mainstay;
using namespace mainstay::sim;

namespace {

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Story {
  std::vector<std::string> broken;
  std::vector<std::string> faults;
  std::vector<std::string> log;
  uint64_t hash = 0;
};

// Faults for two minutes, peace, and then everything must be as the last commit says.
Story run(uint64_t seed) {
  World world({seed, 5, "apps"});
  Author author(world.repository(), world.rng());
  Faults faults(world, author);
  world.run_for(20s);
  faults.start(2500ms);
  world.run_for(2min);
  faults.stop();
  author.push_good();
  world.expect(author.tip());
  std::vector<std::string> missing = world.settle(25min);
  for (std::string& one : missing) world.checks().broken("not settled: " + std::move(one));
  if (world.checks().found().empty()) world.check_at_rest();
  return {world.checks().found(), faults.story(), world.daemon().log(),
          world.daemon().is_up() ? world.hash() : 0};
}

// Those of the seeds in [from, to) that break a promise. Worlds share nothing: each processor runs its own.
std::map<uint64_t, Story> failures(uint64_t from, uint64_t to) {
  std::map<uint64_t, Story> out;
  std::mutex mutex;
  std::atomic<uint64_t> next{from};
  auto work = [&] {
    for (uint64_t seed = next++; seed < to; seed = next++) {
      Story story = run(seed);
      if (story.broken.empty()) continue;
      std::lock_guard lock(mutex);
      out.emplace(seed, std::move(story));
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return out;
}

std::string told(const Story& story) {
  std::string out;
  for (const std::string& line : story.faults) out += "  " + line + "\n";
  for (const std::string& line : story.log) out += "  core: " + line + "\n";
  for (const std::string& line : story.broken) out += "BROKEN: " + line + "\n";
  return out;
}

}  // namespace

TEST_CASE("whatever goes wrong: no promise is broken, and afterwards the cluster is what Git says") {
  if (const char* one = std::getenv("MAINSTAY_SEED")) {
    Story story = run(std::strtoull(one, nullptr, 10));
    std::cout << told(story) << "hash " << story.hash << "\n";
    CHECK(story.broken.empty());
    return;
  }
  uint64_t first = number_from_environment("MAINSTAY_FIRST_SEED", 1);
  uint64_t seeds = number_from_environment("MAINSTAY_SEEDS", 100);
  std::map<uint64_t, Story> failed = failures(first, first + seeds);
  for (const auto& [seed, story] : failed) {
    UNSCOPED_INFO("MAINSTAY_SEED=" << seed << " tells this story alone\n" << told(story));
  }
  CHECK(failed.empty());
}

TEST_CASE("the same seed is the same run, to the last byte of the store") {
  for (uint64_t seed : {3u, 14u, 15u}) {
    INFO("MAINSTAY_SEED=" << seed);
    CHECK(run(seed).hash == run(seed).hash);
  }
}

TEST_CASE("another seed is another run") { CHECK(run(1).hash != run(2).hash); }

TEST_CASE("in peace, rolling updates keep the least number of pods available and end where Git says") {
  World world({7, 5, "apps"});
  Author author(world.repository(), world.rng());
  for (int push = 0; push < 12; ++push) {
    author.push_good();
    world.expect(author.tip());
    CHECK(world.settle(10min) == std::vector<std::string>{});
    world.check_at_rest();
    author.push_something();
    world.run_for(Duration{static_cast<int64_t>(world.rng().below(20'000'000))});
  }
  CHECK(world.checks().found() == std::vector<std::string>{});
}

namespace {

ApiWrite config_map(int number) {
  ApiWrite write;
  write.verb = ApiWrite::Verb::kCreate;
  write.actor = "user:admin";
  write.key = {Kind::kConfigMap, "default", "other-" + std::to_string(number)};
  write.object = std::make_shared<Object>(make_object(Kind::kConfigMap, "default", write.key.name));
  return write;
}

}  // namespace

TEST_CASE("a restored database that has gone past what its agents saw is noticed all the same") {
  World world({11, 3, "apps"});
  Author author(world.repository(), world.rng());
  author.push_good();
  REQUIRE(world.settle(10min) == std::vector<std::string>{});
  world.daemon().back_up();
  // Pods are replaced after the backup: their nodes know nothing of the old ones any more.
  std::vector<Key> pods;
  for (const ObjectPtr& pod : world.daemon().head().list(Kind::kPod, "default")) pods.push_back(pod->key());
  for (const Key& key : pods) {
    ApiWrite write;
    write.verb = ApiWrite::Verb::kDelete;
    write.actor = "user:admin";
    write.key = key;
    world.daemon().write(std::move(write), world.now());
  }
  REQUIRE(world.settle(10min) == std::vector<std::string>{});
  uint64_t seen = world.daemon().head().version();
  for (size_t i = 0; i < world.nodes().size(); ++i) world.link(i).cut = true;
  world.kill_daemon();
  world.restore_database();
  world.start_daemon();
  for (int i = 0; world.daemon().head().version() <= seen; ++i) {
    world.daemon().write(config_map(i), world.now());
    world.run_for(10ms);
    REQUIRE(i < 10000);
  }
  for (size_t i = 0; i < world.nodes().size(); ++i) world.link(i) = {};
  CHECK(world.settle(10min) == std::vector<std::string>{});
  CHECK(world.checks().found() == std::vector<std::string>{});
}
