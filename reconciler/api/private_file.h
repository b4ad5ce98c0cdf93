// Files that only their owner may read, replaced as a whole: written beside, synced, renamed, directory
// synced. Edge; any thread, one writer per path.
#pragma once

#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace mainstay::api {

// Made with mode 0700, parents with 0755; an existing one gets mode 0700.
Status make_private_directory(const std::string& path);
// Mode 0600 unless said otherwise.
Status write_private_file(const std::string& path, std::string_view bytes, unsigned mode = 0600);
// kNotFound if there is none; kInvalid above `limit` bytes.
Result<std::string> read_whole_file(const std::string& path, size_t limit = 1 << 20);

}  // namespace mainstay::api
