// DesiredSet: all objects one application declares at one commit, each with its place in the repository.
// Made by gitsync, diffed by reconciler/plan. Immutable once shared; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schema/base/crypto.h"
#include "schema/object.h"
#include "schema/value.h"

namespace mainstay {

// Where an object was declared.
struct Origin {
  std::string path;  // inside the repository, with '/'
  uint32_t line = 0;  // of the document's first key, counted from 1
  bool operator==(const Origin&) const = default;
};

struct DesiredObject {
  Key key;
  ObjectPtr object;       // as declared: before defaults, without status
  // The declared fields alone, as a tree: what Git, as an apply manager, owns. Shared between commits.
  std::shared_ptr<const Value> declared;
  Digest hash;            // SHA-256 of the canonical declared body
  Origin origin;
};

struct DesiredSet {
  std::vector<DesiredObject> objects;  // sorted by key, no key twice
  Digest hash{};                       // over all keys and hashes: equal sets have equal hashes
};

using DesiredSetPtr = std::shared_ptr<const DesiredSet>;

}  // namespace mainstay
