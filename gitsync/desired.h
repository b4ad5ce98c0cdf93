// DesiredBuilder: from the selected files of a commit to its desired set, or to all mistakes of the tree at
// once. Remembers what each blob held and the set built last, so that a commit costs what it changed. No I/O: the
// owner reads the blobs that are missing. One thread (learn() uses more inside).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "gitsync/manifests.h"
#include "gitsync/set_hash.h"

namespace mainstay {

struct BuiltSet {
  enum class State : uint8_t {
    kAccepted,
    kRefused,    // see diagnostics; nothing of the tree is taken
    kNoObjects,  // no file of the tree declares anything: hold, never prune everything
  };
  State state = State::kRefused;
  DesiredSetPtr set;        // for kAccepted only
  DesiredSetPtr readable;   // for kRefused only: the partial set of what is right in itself
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
  // From all files of a tree. Requires that nothing is missing. Forgets what neither this nor the last set needed.
  BuiltSet build(const std::vector<TreeFile>& files);

  // True if the last set was accepted, so that update() can go on from it.
  bool can_update() const { return base_.has_value(); }
  // As build() of the tree that differs from the last one in these files only; requires can_update(). Nothing if
  // there is a mistake among them, or no object left: to say what all of the tree is worth, build() it.
  std::optional<BuiltSet> update(const std::vector<TreeFile>& gone, const std::vector<TreeFile>& come);

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
    size_t files = 0;   // of the last set that hold it
    uint64_t used = 0;  // the build that needed it last
  };
  // The set that was accepted last.
  struct Base {
    DesiredObjects objects;
    SetHash hash;
    std::map<std::string, Key> claims;  // of its Services, by what only one can have
    std::map<std::string, FileObjectsPtr> with_warnings;  // by path
  };

  static MemoryKey memory_key(const TreeFile& file);
  std::string_view below(std::string_view path) const;
  Remembered& remembered_of(const TreeFile& file);
  // Adds a file's objects; false if one of them is there already, or asks for what another has.
  static bool add(Base& base, const TreeFile& file, const FileObjectsPtr& objects);
  void add_diagnostics(const std::string& path, const FileObjects& objects, Diagnostics& out) const;
  BuiltSet accept(Diagnostics diagnostics);
  // Objects sorted by key, the names of those that could not be read.
  static BuiltSet refuse(std::vector<std::shared_ptr<const DesiredObject>> objects, std::set<std::string> unread,
                         Diagnostics diagnostics);
  void forget_unused();

  const ManifestRules rules_;
  const std::string path_;
  std::unordered_map<MemoryKey, Remembered, MemoryHash> memory_;
  std::vector<MemoryKey> idle_;  // needed by no file when they were put here
  std::optional<Base> base_;
  uint64_t builds_ = 0;
};

}  // namespace mainstay
