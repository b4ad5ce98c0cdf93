// SetHash: the hash of a desired set, kept up to date object by object, so that a commit costs what it changes. The
// keys are spread over buckets by their own hash; the set's hash is that of the buckets' hashes, each of which is that
// of its sorted entries. It depends on the entries alone, not on the order in which they came. Plain value; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "schema/base/crypto.h"
#include "schema/kind.h"

namespace mainstay {

class SetHash {
 public:
  // Adds or replaces the content hash of `key`.
  void set(const Key& key, const Digest& content);
  // Requires that it is there.
  void erase(const Key& key);
  // Over everything that is there now.
  Digest digest();

 private:
  static constexpr size_t kBuckets = 1024;
  struct Bucket {
    std::vector<std::pair<Digest, Digest>> entries;  // hash of the key, hash of the content; sorted
    Digest digest{};                                 // zero while it is empty
    bool changed = false;
  };
  Bucket& bucket_of(const Digest& key);

  std::vector<Bucket> buckets_ = std::vector<Bucket>(kBuckets);
};

}  // namespace mainstay
