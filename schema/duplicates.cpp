#include "schema/duplicates.h"

#include <algorithm>
#include <numeric>

namespace mainstay {

std::vector<std::pair<size_t, size_t>> duplicate_names(std::span<const Member> members) {
  std::vector<std::pair<size_t, size_t>> found;
  constexpr size_t kSmall = 16;
  if (members.size() <= kSmall) {
    for (size_t i = 1; i < members.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (members[i].name != members[j].name) continue;
        found.emplace_back(j, i);
        break;
      }
    }
    return found;
  }
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return members[a].name < members[b].name; });
  size_t first = 0;
  for (size_t i = 1; i < order.size(); ++i) {
    if (members[order[i]].name == members[order[first]].name) {
      found.emplace_back(order[first], order[i]);
    } else {
      first = i;
    }
  }
  return found;
}

}  // namespace mainstay
