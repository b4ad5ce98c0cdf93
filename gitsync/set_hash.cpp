#include "gitsync/set_hash.h"

#include <algorithm>

#include "schema/base/ensure.h"

namespace mainstay {
namespace {

Digest hash_of(const Key& key) {
  const KindInfo& info = kind_info(key.kind);
  std::string bytes;
  bytes.append(info.group).append(1, '\0').append(info.kind).append(1, '\0');
  bytes.append(key.ns).append(1, '\0').append(key.name);
  return sha256(bytes);
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

auto place_of(std::vector<std::pair<Digest, Digest>>& entries, const Digest& key) {
  return std::lower_bound(entries.begin(), entries.end(), key,
                          [](const auto& entry, const Digest& wanted) { return entry.first < wanted; });
}

}  // namespace

SetHash::Bucket& SetHash::bucket_of(const Digest& key) {
  return buckets_[(size_t{key[0]} << 8 | key[1]) % kBuckets];
}

void SetHash::set(const Key& key, const Digest& content) {
  Digest hashed = hash_of(key);
  Bucket& bucket = bucket_of(hashed);
  auto place = place_of(bucket.entries, hashed);
  if (place != bucket.entries.end() && place->first == hashed) {
    place->second = content;
  } else {
    bucket.entries.insert(place, {hashed, content});
  }
  bucket.changed = true;
}

void SetHash::erase(const Key& key) {
  Digest hashed = hash_of(key);
  Bucket& bucket = bucket_of(hashed);
  auto place = place_of(bucket.entries, hashed);
  ENSURE(place != bucket.entries.end() && place->first == hashed, "only what was hashed is taken out");
  bucket.entries.erase(place);
  bucket.changed = true;
}

Digest SetHash::digest() {
  std::string all;
  all.reserve(kBuckets * sizeof(Digest));
  for (Bucket& bucket : buckets_) {
    if (bucket.changed) {
      std::string bytes;
      for (const auto& [key, content] : bucket.entries) bytes.append(bytes_of(key)).append(bytes_of(content));
      bucket.digest = bytes.empty() ? Digest{} : sha256(bytes);
      bucket.changed = false;
    }
    all.append(bytes_of(bucket.digest));
  }
  return sha256(all);
}

}  // namespace mainstay
