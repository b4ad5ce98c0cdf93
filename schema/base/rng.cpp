#include "schema/base/rng.h"

#include <bit>

#include "schema/base/ensure.h"

namespace mainstay {

Rng::Rng(uint64_t seed) {
  // splitmix64 spreads a small seed over the whole state.
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

uint64_t Rng::next() {
  uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t bound) {
  ENSURE(bound > 0, "Rng::below needs a positive bound");
  // Draws that would make the low values more likely are thrown away.
  uint64_t threshold = (0 - bound) % bound;
  uint64_t draw = next();
  while (draw < threshold) draw = next();
  return draw % bound;
}

std::string Rng::name_suffix(size_t length) {
  static constexpr char kAlphabet[] = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (size_t i = 0; i < length; ++i) out += kAlphabet[below(sizeof(kAlphabet) - 1)];
  return out;
}

std::string Rng::uuid() {
  static constexpr char kHex[] = "0123456789abcdef";
  uint64_t high = (next() & ~0xf000ULL) | 0x4000ULL;
  uint64_t low = (next() & ~(3ULL << 62)) | (2ULL << 62);
  std::string out;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
    uint64_t word = i < 16 ? high : low;
    out += kHex[word >> (60 - 4 * (i % 16)) & 15];
  }
  return out;
}

}  // namespace mainstay
