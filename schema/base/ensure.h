// ENSURE: the check of our own assumptions. Always on, also in release builds: a daemon that has lost
// track of its own state must stop before it writes that state down. (Named so because Catch2 owns CHECK.)
#pragma once

#include <string_view>

namespace mainstay {

// Prints file, line, condition and message to standard error and aborts. Any thread.
[[noreturn]] void ensure_failed(const char* file, int line, const char* condition, std::string_view message);

}  // namespace mainstay

#define ENSURE(condition, message)                                             \
  do {                                                                         \
    if (!(condition)) ::mainstay::ensure_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)
