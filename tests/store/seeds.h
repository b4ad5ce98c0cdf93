// Seeds for property tests: a fixed few by default; MAINSTAY_SEED replays one, MAINSTAY_SEEDS asks for more.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace mainstay {

inline std::vector<uint64_t> test_seeds(size_t usual) {
  if (const char* one = std::getenv("MAINSTAY_SEED")) return {std::stoull(one)};
  if (const char* many = std::getenv("MAINSTAY_SEEDS")) usual = std::stoul(many);
  std::vector<uint64_t> seeds;
  for (size_t i = 1; i <= usual; ++i) seeds.push_back(i);
  return seeds;
}

}  // namespace mainstay
