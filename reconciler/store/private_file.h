// Files that only their owner may read, replaced as a whole: written beside, synced, renamed, directory synced. Edge;
// any thread, one writer per path. Errors: kNotFound, kDenied, kFull, else kFailed.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace mainstay {

// Made with mode 0700, parents with 0755; an existing one gets mode 0700.
Status make_private_directory(const std::string& path);
// Replaces the file (0600 unless said otherwise), and makes its folder (0700) if that is missing; on disk when this
// returns.
Status write_private_file(const std::string& path, std::string_view bytes, unsigned mode = 0600);
// Makes an empty file (0600) if there is none.
Status make_private_file(const std::string& path);
// kInvalid above `limit` bytes.
Result<std::string> read_whole_file(const std::string& path, size_t limit = 1 << 20);
// The same, but kDenied if anyone but its owner may read or write it.
Result<std::string> read_private_file(const std::string& path);
// Makes a folder (0700) if it is missing; its parent must be there.
Status make_folder(const std::string& path);
// Waits until the file, or the directory's entries, are on disk.
Status sync_path(const std::string& path);
// The folder a file is in; "." for a bare name.
std::string folder_of(const std::string& path);

}  // namespace mainstay
