// The real GitSource: libgit2 and a bare mirror on disk. The mirror holds the history of the one ref and is
// only a cache: missing, damaged or grown into too many packs, it is made anew.
#pragma once

#include <memory>
#include <string>

#include "gitsync/source.h"

namespace mainstay {

// `repos_dir` (made if missing, 0700) gets one directory per address. Nothing is dialled or read yet.
// kInvalid for a bad address, ref, proxy or combination of credentials.
Result<std::unique_ptr<GitSource>> make_libgit2_source(const SourceSpec& spec, const std::string& repos_dir);

}  // namespace mainstay
