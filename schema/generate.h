// Random but well-typed objects for property tests, made along the descriptor from one seed. Not for
// decisions of the daemon; pure; one thread at a time (the Rng's).
#pragma once

#include <cstddef>

#include "schema/base/rng.h"
#include "schema/descriptor.h"
#include "schema/value.h"

namespace mainstay {

struct GenerateOptions {
  unsigned fill_percent = 40;  // how many fields are set
  size_t elements = 3;         // at most, in a list or map
  size_t depth = 12;           // structs below this one stay empty
};

// Fills the default-made C++ struct at `out`, native and carried fields.
void generate(const TypeDesc& type, void* out, Rng& rng, const GenerateOptions& options = {});

// A Value in the form canonical_value() gives.
Value generate_value(const TypeDesc& type, Rng& rng, const GenerateOptions& options = {});

template <typename S>
S generate_as(Rng& rng, const GenerateOptions& options = {}) {
  S out{};
  generate(S::kType, &out, rng, options);
  return out;
}

}  // namespace mainstay
