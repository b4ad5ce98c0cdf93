// Names that stand twice in one map. Both parsers refuse them, because every reader would otherwise choose
// its own winner. Any thread.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "schema/value.h"

namespace mainstay {

// (index of the first, index of a later one) for each name that stands again; empty in the normal case.
std::vector<std::pair<size_t, size_t>> duplicate_names(std::span<const Member> members);

}  // namespace mainstay
