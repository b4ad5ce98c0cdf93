// A map whose copies share what they have in common: a change copies one of 256 small parts. For indexes of
// ten thousand entries of which a few change at a time. A value like std::unordered_map; versions are
// independent.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mainstay {

// Hashes std::string and std::string_view alike, so that a look-up makes no string.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

template <typename Key, typename T, typename Hash = std::hash<Key>>
class ShardedMap {
 public:
  // Null if there is none. Valid as long as any map that shares the part.
  template <typename K>
  const T* find(const K& key) const {
    const std::shared_ptr<Part>& part = parts_[index(key)];
    if (!part) return nullptr;
    auto found = part->find(key);
    return found == part->end() ? nullptr : &found->second;
  }

  void set(const Key& key, T value) { own(index(key)).insert_or_assign(key, std::move(value)); }
  void erase(const Key& key) {
    if (find(key) != nullptr) own(index(key)).erase(key);
  }
  size_t size() const {
    size_t out = 0;
    for (const auto& part : parts_) out += part ? part->size() : 0;
    return out;
  }

 private:
  using Part = std::unordered_map<Key, T, Hash, std::equal_to<>>;
  static constexpr size_t kParts = 256;

  template <typename K>
  static size_t index(const K& key) {
    // The upper bits of a product: std::hash of a number is the number.
    return (Hash()(key) * 0x9e3779b97f4a7c15ull) >> 56;
  }

  // The part, as ours alone: nobody else can come to share it while we write, for copies are made from us
  // only.
  Part& own(size_t at) {
    std::shared_ptr<Part>& part = parts_[at];
    if (!part) {
      part = std::make_shared<Part>();
    } else if (part.use_count() > 1) {
      part = std::make_shared<Part>(*part);
    }
    return *part;
  }

  std::array<std::shared_ptr<Part>, kParts> parts_;
};

}  // namespace mainstay
