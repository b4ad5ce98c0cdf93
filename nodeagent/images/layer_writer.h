// Writes the entries of one layer below a directory, safely. Used by unpack_layer only. One thread.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nodeagent/disk.h"

namespace mainstay {

struct LayerEntry {
  enum class Type { kFile, kDirectory, kSymlink, kHardLink, kFifo };
  Type type = Type::kFile;
  std::string path;    // as in the archive
  std::string target;  // of links
  mode_t mode = 0644;  // permission bits with set-uid, set-gid, sticky
  uid_t uid = 0;
  gid_t gid = 0;
  timespec modified{};
  std::vector<std::pair<std::string, std::string>> xattrs;
};

class LayerWriter {
 public:
  // `root` is an open directory; `below` the directories of the layers it lies on, highest first.
  LayerWriter(int root, std::vector<std::string> below) : root_(root), below_(std::move(below)) {}

  // Makes the entry, replacing what an earlier entry of the layer put there. For a file, the descriptor to
  // write its content to; call finish_file() afterwards. kInvalid for a path or link that is not acceptable.
  Result<Fd> add(const LayerEntry& entry);
  Status finish_file(int fd, const LayerEntry& entry);

  // Directories get their times last, after everything was written into them.
  Status finish();

 private:
  Result<int> parent_of(const std::vector<std::string>& parts);
  Status be_as_below(int parent, const std::vector<std::string>& parts, size_t count);
  Status whiteout(int parent, const std::string& name);
  Status clear(int parent, const std::string& name, bool keep_directory);
  Status set_metadata(int parent, const std::string& name, const LayerEntry& entry);

  int root_;
  std::vector<std::string> below_;
  std::string open_path_;  // of parent_, to spare a walk per file
  Fd parent_;
  std::map<std::string, timespec> directories_;
};

// The components of an archive path without "." and empty ones; "/" is the layer's root, as builders exist that write
// paths and the targets of hard links so. kInvalid: "..", too long.
Result<std::vector<std::string>> split_layer_path(const std::string& path);

}  // namespace mainstay
