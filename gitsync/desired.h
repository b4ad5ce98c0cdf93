// DesiredBuilder: from the selected files of a commit to its desired set, or to all mistakes of the tree at
// once. Remembers what each blob held, so that a commit costs what it changed. No I/O: the owner reads the
// blobs that are missing. One thread (learn() uses more inside).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "gitsync/manifests.h"

namespace mainstay {

struct BuiltSet {
  enum class State : uint8_t {
    kAccepted,
    kRefused,    // see diagnostics; nothing of the tree is taken
    kNoObjects,  // no file of the tree declares anything: hold, never prune everything
  };
  State state = State::kRefused;
  DesiredSetPtr set;        // for kAccepted only
  Diagnostics diagnostics;  // warnings, too
};

class DesiredBuilder {
 public:
  // `path` is the application's path in normal form (FileSelection::path()).
  DesiredBuilder(ManifestRules rules, std::string path) : rules_(std::move(rules)), path_(std::move(path)) {}

  struct Content {
    const TreeFile* file = nullptr;
    Result<std::string> bytes;  // an error (too large) becomes a diagnostic of that file
  };

  // The files whose content is not known yet, each blob once.
  std::vector<const TreeFile*> missing(const std::vector<TreeFile>& files) const;
  // Decodes and remembers. Large batches are decoded by up to `threads` threads.
  void learn(const std::vector<Content>& contents, unsigned threads = 1);
  // Requires that nothing is missing. Forgets what neither this nor the last set needed.
  BuiltSet build(const std::vector<TreeFile>& files);

  size_t remembered() const { return memory_.size(); }

 private:
  // What the reading of a file depends on besides the rules.
  struct MemoryKey {
    BlobId blob;
    uint8_t variant = 0;
    bool operator==(const MemoryKey&) const = default;
  };
  struct MemoryHash {
    size_t operator()(const MemoryKey& key) const { return std::hash<BlobId>{}(key.blob) + key.variant; }
  };
  struct Remembered {
    FileObjectsPtr objects;
    uint64_t used = 0;  // the build that needed it last
  };

  static MemoryKey memory_key(const TreeFile& file);
  std::string_view below(std::string_view path) const;
  void forget_unused();

  const ManifestRules rules_;
  const std::string path_;
  std::unordered_map<MemoryKey, Remembered, MemoryHash> memory_;
  uint64_t builds_ = 0;
};

// Over all keys and hashes, in order; equal sets have equal hashes, whatever files they came from.
Digest desired_set_hash(const std::vector<DesiredObject>& objects);

}  // namespace mainstay
