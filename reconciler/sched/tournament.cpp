#include "reconciler/sched/tournament.h"

#include "schema/base/ensure.h"

namespace mainstay {

Tournament::Tournament(const std::vector<int32_t>& scores) {
  while (width_ < scores.size()) width_ *= 2;
  tree_.resize(2 * width_);
  for (size_t i = 0; i < scores.size(); ++i) tree_[width_ + i] = {scores[i], 1};
  for (size_t i = width_ - 1; i >= 1; --i) tree_[i] = better(tree_[2 * i], tree_[2 * i + 1]);
}

Tournament::Best Tournament::better(const Best& a, const Best& b) {
  if (a.score != b.score) return a.score > b.score ? a : b;
  return {a.score, a.count + b.count};
}

uint32_t Tournament::winner(uint32_t number) const {
  ENSURE(number < ties(), "fewer share the best score than asked for");
  int32_t score = best();
  size_t at = 1;
  while (at < width_) {
    at *= 2;
    uint32_t left = tree_[at].score == score ? tree_[at].count : 0;
    if (number >= left) number -= left, ++at;
  }
  return static_cast<uint32_t>(at - width_);
}

void Tournament::set(uint32_t index, int32_t score) {
  size_t at = width_ + index;
  ENSURE(at < tree_.size(), "no such entry");
  tree_[at] = {score, 1};
  for (at /= 2; at >= 1; at /= 2) tree_[at] = better(tree_[2 * at], tree_[2 * at + 1]);
}

}  // namespace mainstay
