// A small deterministic random source (xoshiro256**, public domain algorithm of Blackman and Vigna),
// handed to decision code as an argument so that one seed replays a whole cluster. Not for secrets:
// those come from schema/base/crypto.h. One owner at a time; not synchronised.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace mainstay {

class Rng {
 public:
  explicit Rng(uint64_t seed);

  uint64_t next();
  // Uniform in [0, bound); bound must be positive.
  uint64_t below(uint64_t bound);
  // True in `percent` of a hundred draws.
  bool chance(unsigned percent) { return below(100) < percent; }
  // A generator of its own whose draws do not disturb this one's.
  Rng fork() { return Rng(next()); }

  // `length` characters of the alphabet Kubernetes uses for generated names (no vowels, no 0, 1, 3).
  std::string name_suffix(size_t length);
  // A version 4 UUID in lower-case hex.
  std::string uuid();

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace mainstay
