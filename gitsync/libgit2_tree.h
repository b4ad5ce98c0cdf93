// TreeReader: what the trees of a mirror hold, and how two of them differ, by libgit2's object database. Internal to
// gitsync/; the calling thread is the source's.
#pragma once

#include <string>

#include "gitsync/source.h"

struct git_odb;
struct git_repository;

namespace mainstay {

struct TreeReader {
  git_repository* repository;
  git_odb* odb;
  const SourceLimits& limits;
  std::string display;  // the server's address for messages

  // GitSource::list_tree and changed_files. kCorrupt: the mirror lacks something or holds it damaged.
  Result<Listing> list(const CommitId& commit, const FileSelection& selection) const;
  Result<TreeChanges> changes(const ListedTree& older, const CommitId& newer, const FileSelection& selection) const;
};

}  // namespace mainstay
