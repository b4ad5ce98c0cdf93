#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "schema/base/cow_map.h"
#include "schema/base/rng.h"
#include "tests/store/seeds.h"

namespace mainstay {
namespace {

using Tree = CowMap<std::string, int>;
using Model = std::map<std::string, int>;

std::string key_of(uint64_t n) {
  std::string digits = std::to_string(n);
  return "key-" + std::string(7 - digits.size(), '0') + digits;
}

// Everything a reader can ask must agree with the model.
void require_equal(const Tree& tree, const Model& model) {
  REQUIRE(tree.size() == model.size());
  auto expected = model.begin();
  for (const auto& entry : tree) {
    REQUIRE(expected != model.end());
    REQUIRE(entry.key() == expected->first);
    REQUIRE(entry.value() == expected->second);
    ++expected;
  }
  REQUIRE(expected == model.end());
}

void require_same_bounds(const Tree& tree, const Model& model, const std::string& probe) {
  auto mine = tree.lower_bound(probe);
  auto theirs = model.lower_bound(probe);
  for (int i = 0; i < 40 && theirs != model.end(); ++i, ++mine, ++theirs) {
    REQUIRE(mine != tree.end());
    REQUIRE(mine.key() == theirs->first);
  }
  if (theirs == model.end()) REQUIRE(mine == tree.end());
  const int* found = tree.find(probe);
  REQUIRE((found != nullptr) == (model.count(probe) == 1));
  if (found != nullptr) REQUIRE(*found == model.at(probe));
}

TEST_CASE("an empty CowMap has nothing") {
  Tree tree;
  CHECK(tree.empty());
  CHECK(tree.begin() == tree.end());
  CHECK(tree.find("a") == nullptr);
  CHECK(tree.lower_bound("a") == tree.end());
  CHECK_FALSE(tree.erase("a"));
}

TEST_CASE("set says whether the key is new and replaces what is there") {
  Tree tree;
  CHECK(tree.set("a", 1));
  CHECK_FALSE(tree.set("a", 2));
  CHECK(tree.size() == 1);
  CHECK(*tree.find("a") == 2);
  CHECK(*tree.find(std::string_view("a")) == 2);
}

TEST_CASE("a CowMap and its older copies agree with std::map under random changes") {
  for (uint64_t seed : test_seeds(12)) {
    INFO("MAINSTAY_SEED=" << seed);
    Rng rng(seed);
    Tree tree;
    Model model;
    std::vector<std::pair<Tree, Model>> kept;
    uint64_t keys = 1 + rng.below(seed % 3 == 0 ? 60 : 6000);
    unsigned growth = 50;
    for (int step = 0; step < 12000; ++step) {
      if (step % 3000 == 0) growth = 20 + static_cast<unsigned>(rng.below(70));
      std::string key = key_of(rng.below(keys));
      if (rng.chance(growth)) {
        bool added = tree.set(key, step);
        REQUIRE(added == model.insert_or_assign(key, step).second);
      } else {
        REQUIRE(tree.erase(key) == (model.erase(key) == 1));
      }
      if (rng.below(400) == 0) kept.emplace_back(tree, model);
      if (kept.size() > 12) kept.erase(kept.begin() + static_cast<ptrdiff_t>(rng.below(kept.size())));
      if (rng.below(300) == 0) require_same_bounds(tree, model, key_of(rng.below(keys)));
    }
    require_equal(tree, model);
    for (const auto& [old_tree, old_model] : kept) require_equal(old_tree, old_model);
    // Going on from an old copy leaves the newer ones alone.
    if (!kept.empty()) {
      auto [branch, branch_model] = kept.front();
      for (int i = 0; i < 2000; ++i) {
        std::string key = key_of(rng.below(keys));
        branch.erase(key), branch_model.erase(key);
      }
      require_equal(branch, branch_model);
      require_equal(kept.front().first, kept.front().second);
    }
    require_equal(tree, model);
  }
}

TEST_CASE("ascending and descending inserts and erases work to the last entry") {
  for (bool up : {true, false}) {
    Tree tree;
    Model model;
    for (uint64_t i = 0; i < 5000; ++i) {
      uint64_t n = up ? i : 4999 - i;
      tree.set(key_of(n), static_cast<int>(n));
      model[key_of(n)] = static_cast<int>(n);
    }
    require_equal(tree, model);
    Tree full = tree;
    for (uint64_t i = 0; i < 5000; ++i) {
      REQUIRE(tree.erase(key_of(up ? i : 4999 - i)));
      if (i % 500 == 0) REQUIRE(tree.size() == 4999 - i);
    }
    REQUIRE(tree.empty());
    REQUIRE(tree.begin() == tree.end());
    require_equal(full, model);
  }
}

struct Counted {
  static inline int copies = 0;
  Counted() = default;
  Counted(const Counted&) { ++copies; }
  Counted(Counted&&) noexcept = default;
  Counted& operator=(const Counted&) { ++copies; return *this; }
  Counted& operator=(Counted&&) noexcept = default;
};

TEST_CASE("many changes after one copy copy each node at most once") {
  CowMap<int, Counted> map;
  for (int i = 0; i < 10000; ++i) map.set(i, Counted());
  Counted::copies = 0;
  CowMap<int, Counted> snapshot = map;
  REQUIRE(Counted::copies == 0);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10000; ++i) map.set(i, Counted());
  }
  // A copied leaf copies its 32 slots, full or not: at 10,000 entries in ascending order 313 leaves.
  REQUIRE(Counted::copies <= 12000);
  REQUIRE(snapshot.size() == 10000);
}

TEST_CASE("threads read and drop copies while the writer goes on") {
  Tree tree;
  for (uint64_t i = 0; i < 3000; ++i) tree.set(key_of(i), 0);
  for (int round = 1; round <= 20; ++round) {
    std::vector<std::thread> readers;
    for (int r = 0; r < 2; ++r) {
      readers.emplace_back([copy = tree, round] {
        int wrong = 0;
        for (const auto& entry : copy) wrong += entry.value() != round - 1;
        if (wrong != 0) std::abort();
      });
    }
    for (uint64_t i = 0; i < 3000; ++i) tree.set(key_of(i), round);
    for (std::thread& reader : readers) reader.join();
  }
  REQUIRE(*tree.find(key_of(7)) == 20);
}

// The differences a reader of both models would name.
std::string model_differences(const Model& before, const Model& after) {
  std::string out;
  Model all = before;
  all.insert(after.begin(), after.end());
  for (const auto& [key, unused] : all) {
    auto a = before.find(key), b = after.find(key);
    if (a != before.end() && b != after.end() && a->second == b->second) continue;
    out += key + " " + (a == before.end() ? "-" : std::to_string(a->second)) + " " +
           (b == after.end() ? "-" : std::to_string(b->second)) + "\n";
  }
  return out;
}

std::string differences(const Tree& before, const Tree& after) {
  std::string out;
  Tree::for_each_difference(before, after, [&](const std::string& key, const int* a, const int* b) {
    out += key + " " + (a == nullptr ? "-" : std::to_string(*a)) + " " + (b == nullptr ? "-" : std::to_string(*b)) +
           "\n";
  });
  return out;
}

TEST_CASE("property: the differences of two versions are those of their models") {
  for (uint64_t seed : test_seeds(20)) {
    INFO("MAINSTAY_SEED=" << seed);
    Rng rng(seed);
    const uint64_t span = 1 + rng.below(3000);
    Tree tree;
    Model model;
    for (int version = 0; version < 30; ++version) {
      Tree before = tree;
      Model model_before = model;
      const uint64_t changes = rng.chance(50) ? rng.below(5) : rng.below(2 * span);
      for (uint64_t i = 0; i < changes; ++i) {
        std::string key = key_of(rng.below(span));
        int value = static_cast<int>(rng.below(4));
        if (rng.chance(60)) tree.set(key, value), model[key] = value;
        else tree.erase(key), model.erase(key);
      }
      REQUIRE(differences(before, tree) == model_differences(model_before, model));
      REQUIRE(differences(tree, before) == model_differences(model, model_before));
    }
  }
}

struct Compared {
  static inline int times = 0;
  int value = 0;
  bool operator==(const Compared& other) const {
    ++times;
    return value == other.value;
  }
};

TEST_CASE("differences pass over what two versions share") {
  CowMap<int, Compared> before;
  for (int i = 0; i < 100'000; ++i) before.set(i, {});
  CowMap<int, Compared> after = before;
  after.set(77'777, {1});
  after.erase(5);
  int seen = 0;
  Compared::times = 0;
  CowMap<int, Compared>::for_each_difference(before, after, [&](int, const Compared*, const Compared*) { ++seen; });
  CHECK(seen == 2);
  CHECK(Compared::times < 100);
}

TEST_CASE("a map from sorted entries is as one that was set entry by entry") {
  for (size_t size : {0u, 1u, 2u, 27u, 28u, 29u, 32u, 33u, 800u, 1000u, 30'000u}) {
    INFO(size);
    Model model;
    std::vector<std::pair<std::string, int>> entries;
    for (size_t i = 0; i < size; ++i) {
      entries.emplace_back(key_of(i * 2), static_cast<int>(i));
      model.insert(entries.back());
    }
    Tree tree = Tree::from_sorted(entries);
    require_equal(tree, model);
    Tree copy = tree;
    Rng rng(size);
    for (size_t i = 0; i < 500; ++i) {
      std::string key = key_of(rng.below(2 * size + 2));
      if (rng.chance(50)) tree.set(key, 1), model[key] = 1;
      else REQUIRE(tree.erase(key) == (model.erase(key) == 1));
    }
    require_equal(tree, model);
    REQUIRE(copy.size() == size);
  }
}

}  // namespace
}  // namespace mainstay
