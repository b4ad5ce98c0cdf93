// A directory of files that changes as a whole, as Kubernetes lays out ConfigMap and Secret volumes:
//   ..data -> ..<digest of the content>      replaced by one rename
//   <name> -> ..data/<name>                  one link per first path component
// A reader sees the old files or the new ones, never a mixture. Any thread, one writer.
#pragma once

#include <string>
#include <vector>

#include "nodeagent/doors.h"

namespace mainstay {

// kInvalid: a path that is absolute, holds "..", or begins with "..", or stands twice.
Status check_tree_paths(const std::vector<VolumeFile>& files);

// Makes `directory` (which exists) hold exactly these files. Group `group` and group-readable where given.
// Repeatable after a kill at any point.
Status write_file_tree(const std::string& directory, const std::vector<VolumeFile>& files,
                       std::optional<int64_t> group);

}  // namespace mainstay
