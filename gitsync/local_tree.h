// Manifests on this machine's disk, read as the daemon reads those of a commit, for `mainstay validate`: what is wrong
// with them is said in the same sentences. Reads only; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gitsync/desired.h"
#include "gitsync/source.h"

namespace mainstay {

struct LocalTree {
  BuiltSet built;
  size_t files = 0;    // that are manifests by their place and name
  size_t objects = 0;  // that could be read
};

// The folder as an application's path in a commit that holds everything that lies there. Symbolic links are not
// followed, a repository inside it is a submodule, and a link to a folder counts if that lies in the same work tree (in
// `folder`, if that is in none). kNotFound: it cannot be read; kFull: more entries or levels than the limits allow.
Result<LocalTree> read_folder(const std::string& folder, const ManifestRules& rules, const SourceLimits& limits = {});

// These files together, whatever they are called and also through links: who names a file means it.
Result<LocalTree> read_files(const std::vector<std::string>& files, const ManifestRules& rules,
                             const SourceLimits& limits = {});

}  // namespace mainstay
