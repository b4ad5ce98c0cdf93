// Tournament: the highest of n numbers and how many are equally high, kept up to date as single ones change.
// A binary tree of pairings: building is O(n), a change O(log n), drawing one of the best O(log n).
// Plain value; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mainstay {

class Tournament {
 public:
  explicit Tournament(const std::vector<int32_t>& scores);

  // The highest score; requires at least one entry.
  int32_t best() const { return tree_[1].score; }
  // How many have it.
  uint32_t ties() const { return tree_[1].count; }
  // The index of the `number`-th (from 0, in order of index) of those that have it; requires number < ties().
  uint32_t winner(uint32_t number) const;

  void set(uint32_t index, int32_t score);

 private:
  struct Best {
    int32_t score = INT32_MIN;
    uint32_t count = 0;
  };
  static Best better(const Best& a, const Best& b);

  size_t width_ = 1;         // a power of two, at least the number of entries
  std::vector<Best> tree_;   // node i has children 2i and 2i+1; the entries start at width_
};

}  // namespace mainstay
