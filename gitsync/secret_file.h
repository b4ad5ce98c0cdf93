// Secrets that stand in files: tokens, webhook secrets, known_hosts. Read anew at every use. Edge; any
// thread.
#pragma once

#include <cstddef>
#include <string>

#include "schema/base/result.h"

namespace mainstay {

// The whole file. kNotFound, kDenied, or kFull if it is larger than `limit` bytes. `what` begins the message.
Result<std::string> read_small_file(const std::string& path, size_t limit, std::string_view what);

// The first line without the white space around it. kInvalid if that is empty or holds a control character
// (which could end a header line early). The secret itself is in no message.
Result<std::string> read_secret_file(const std::string& path, std::string_view what);

}  // namespace mainstay
