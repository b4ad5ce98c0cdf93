// What a revision as git writes it ("HEAD~1", "main@{yesterday}", "v1.2^{commit}") names in a repository on this
// machine, for commands in which a person says what to compare.
#pragma once

#include <string>

#include "gitsync/object_id.h"
#include "schema/base/result.h"

namespace mainstay {

// `path` is a repository or a folder inside its work tree. kNotFound: there is no such repository or revision;
// kInvalid: it is no commit. Reads only; any thread.
Result<CommitId> local_revision(const std::string& path, const std::string& revision);

}  // namespace mainstay
