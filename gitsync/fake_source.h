// An in-memory GitSource for simulation and tests: commits are maps of path to bytes, branches can be
// pushed, forced and deleted, and each operation can be made to fail. The server and the door are two
// classes, as in life: a FakeRepository outlives the FakeSources that read it. One thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gitsync/source.h"

namespace mainstay {

struct FakeEntry {
  std::string bytes;
  TreeFile::Kind kind = TreeFile::Kind::kFile;
};
using FakeFiles = std::map<std::string, FakeEntry>;

class FakeRepository {
 public:
  // Commits `files` on top of `branch` and moves it. Paths are from the root.
  CommitId push(const std::string& branch, FakeFiles files, const std::string& message, WallTime when = {});
  // Short form for plain files.
  CommitId push(const std::string& branch, const std::map<std::string, std::string>& files,
                const std::string& message = "change", WallTime when = {});
  // Moves `branch` to any known commit, or to a new history of one commit.
  void force(const std::string& branch, const CommitId& commit);
  CommitId force(const std::string& branch, const std::map<std::string, std::string>& files,
                 const std::string& message = "rewritten", WallTime when = {});
  void delete_branch(const std::string& branch);
  // A commit with the files of `to` on top of `branch`, as git revert makes it.
  CommitId revert(const std::string& branch, const CommitId& to, WallTime when = {});

 private:
  friend class FakeSource;
  struct Commit {
    CommitInfo info;
    FakeFiles files;
  };
  CommitId add(std::vector<CommitId> parents, FakeFiles files, const std::string& message, WallTime when);

  std::map<CommitId, Commit> commits_;
  std::map<BlobId, std::string> blobs_;
  std::map<std::string, CommitId> branches_;
  uint64_t made_ = 0;
};

class FakeSource final : public GitSource {
 public:
  FakeSource(std::shared_ptr<const FakeRepository> repository, std::string branch, SourceLimits limits = {})
      : repository_(std::move(repository)), branch_(std::move(branch)), limits_(limits) {}

  enum class Operation : uint8_t { kTip, kFetch, kCommitInfo, kListTree, kChangedFiles, kReadBlob };
  // The next `times` calls of that operation fail so.
  void fail_next(Operation operation, Error why, unsigned times = 1);
  // What was still to fail does not.
  void heal() { failures_.clear(); }
  // How often it was called, failures included.
  unsigned calls(Operation operation) const;

  Result<RefTip> tip() override;
  Status fetch(const CommitId& commit) override;
  Result<CommitInfo> commit_info(const CommitId& commit) override;
  Result<Listing> list_tree(const CommitId& commit, const FileSelection& selection) override;
  Result<TreeChanges> changed_files(const ListedTree& older, const CommitId& newer,
                                    const FileSelection& selection) override;
  Result<std::string> read_blob(const BlobId& blob) override;
  Result<bool> is_ancestor(const CommitId& older, const CommitId& newer) override;
  void interrupt() override { interrupted_ = true; }

 private:
  Status enter(Operation operation);
  Listing list(const FakeRepository::Commit& commit, const FileSelection& selection) const;
  Result<const FakeRepository::Commit*> fetched(const CommitId& commit) const;

  std::shared_ptr<const FakeRepository> repository_;
  const std::string branch_;
  const SourceLimits limits_;
  std::set<CommitId> fetched_;
  std::map<Operation, std::vector<Error>> failures_;
  std::map<Operation, unsigned> calls_;
  bool interrupted_ = false;
};

}  // namespace mainstay
