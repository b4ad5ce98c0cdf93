// Names of Git objects: SHA-1 ids as values, a type of its own for each kind of object, so that a tree's
// id cannot be taken for a commit's. Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/crypto.h"

namespace mainstay {

template <typename Tag>
struct GitId {
  std::array<uint8_t, 20> bytes{};

  auto operator<=>(const GitId&) const = default;
  bool is_zero() const { return bytes == std::array<uint8_t, 20>{}; }
  // 40 lower-case hexadecimal digits.
  std::string text() const {
    return hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  // The first ten digits, for people.
  std::string brief() const { return text().substr(0, 10); }
  // Of exactly 40 hexadecimal digits.
  static std::optional<GitId> parse(std::string_view text) {
    if (text.size() != 40) return std::nullopt;
    std::optional<std::string> raw = unhex(text);
    if (!raw) return std::nullopt;
    GitId id;
    std::memcpy(id.bytes.data(), raw->data(), id.bytes.size());
    return id;
  }
};

using CommitId = GitId<struct CommitTag>;
using TreeId = GitId<struct TreeTag>;
using BlobId = GitId<struct BlobTag>;

}  // namespace mainstay

template <typename Tag>
struct std::hash<mainstay::GitId<Tag>> {
  // The bytes are a digest already.
  size_t operator()(const mainstay::GitId<Tag>& id) const noexcept {
    size_t h;
    std::memcpy(&h, id.bytes.data(), sizeof h);
    return h;
  }
};
