#include <cstdio>
#include <cstdlib>

#include "schema/base/ensure.h"
#include "schema/base/result.h"

namespace mainstay {

void ensure_failed(const char* file, int line, const char* condition, std::string_view message) {
  std::fprintf(stderr, "mainstay: broken invariant at %s:%d: %s (%.*s)\n", file, line, condition,
               static_cast<int>(message.size()), message.data());
  std::fflush(stderr);
  std::abort();
}

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFailed: return "failed";
    case ErrorCode::kNotFound: return "not found";
    case ErrorCode::kExists: return "already exists";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timed out";
    case ErrorCode::kFull: return "full";
    case ErrorCode::kBusy: return "busy";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kAmbiguous: return "outcome unknown";
    case ErrorCode::kUnsupported: return "not supported";
    case ErrorCode::kCancelled: return "cancelled";
  }
  return "failed";
}

}  // namespace mainstay
