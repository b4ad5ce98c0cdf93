#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "reconciler/store/change_log.h"
#include "tests/store/seeds.h"
#include "tests/store/store_fixture.h"

namespace mainstay {
namespace {

std::vector<Change> changes_from(uint64_t first, size_t count) {
  std::vector<Change> out;
  for (size_t i = 0; i < count; ++i) {
    Change change;
    change.version = first + i;
    out.push_back(change);
  }
  return out;
}

std::vector<uint64_t> versions(const ChangeTail& tail) {
  std::vector<uint64_t> out;
  tail.for_each([&](const Change& change) { out.push_back(change.version); });
  return out;
}

TEST_CASE("a new change log knows its version only") {
  ChangeLog log(10, 100);
  CHECK(log.since(10)->empty());
  CHECK_FALSE(log.since(9).has_value());
  CHECK_FALSE(log.since(11).has_value());
}

TEST_CASE("a tail starts in the middle of a chunk") {
  ChangeLog log(0, 100);
  log.append(changes_from(1, 5));
  log.append({});
  log.append(changes_from(6, 3));
  CHECK(versions(*log.since(3)) == std::vector<uint64_t>{4, 5, 6, 7, 8});
  CHECK(versions(*log.since(5)) == std::vector<uint64_t>{6, 7, 8});
  CHECK(log.since(8)->empty());
  CHECK(log.version() == 8);
}

TEST_CASE("what is too old is said to be so, and a taken tail stays whole") {
  for (uint64_t seed : test_seeds(10)) {
    INFO("MAINSTAY_SEED=" << seed);
    Rng rng(seed);
    ChangeLog log(0, 50);
    uint64_t version = 0;
    ChangeTail early;
    for (int i = 0; i < 200; ++i) {
      size_t count = rng.below(9);
      log.append(changes_from(version + 1, count));
      version += count;
      if (i == 3) early = *log.since(0);
      uint64_t asked = rng.below(version + 3);
      auto tail = log.since(asked);
      REQUIRE(tail.has_value() == (asked >= log.oldest() && asked <= version));
      if (!tail) continue;
      std::vector<uint64_t> found = versions(*tail);
      REQUIRE(found.size() == version - asked);
      for (size_t n = 0; n < found.size(); ++n) REQUIRE(found[n] == asked + 1 + n);
    }
    REQUIRE(version - log.oldest() <= 50);
    if (!early.empty()) REQUIRE(versions(early).front() == 1);
  }
}

TEST_CASE("readers follow while the writer appends") {
  ChangeLog log(0, 1000);
  std::atomic<bool> wrong = false;
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      uint64_t seen = 0;
      while (seen < 20000) {
        auto tail = log.since(seen);
        if (!tail) {
          seen = log.oldest();
          continue;
        }
        tail->for_each([&](const Change& change) {
          if (change.version != seen + 1) wrong = true;
          seen = change.version;
        });
      }
    });
  }
  for (uint64_t version = 1; version <= 20000; version += 10) log.append(changes_from(version, 10));
  for (std::thread& reader : readers) reader.join();
  CHECK_FALSE(wrong);
}

}  // namespace
}  // namespace mainstay
