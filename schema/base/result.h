// Result<T>: the value of an operation that may fail for a reason outside our control.
// Immutable, no allocation beyond the message; any thread. Our own bugs are ENSURE, never an Error;
// mistakes in manifests are Diagnostics (schema/diagnostics.h), many at once.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "schema/base/ensure.h"

namespace mainstay {

// A code exists only where some caller reacts to it.
enum class ErrorCode {
  kFailed,        // no better word: report it
  kNotFound,      // the thing asked for does not exist
  kExists,        // the thing to be made is already there
  kConflict,      // a precondition (version, uid) does not hold
  kInvalid,       // the input is wrong and will stay wrong
  kDenied,        // credentials missing, wrong or not sufficient
  kUnavailable,   // outside thing is away: try again later
  kTimeout,       // a deadline passed
  kFull,          // no room left; nothing was changed
  kBusy,          // someone else holds it; nothing was changed
  kCorrupt,       // what was read cannot be right
  kAmbiguous,     // it may or may not have happened: restart from disk
  kUnsupported,   // not yet, or never
  kCancelled,     // stopped because we are shutting down
};

// The stable lower-case word of a code ("not found"), for logs.
std::string_view error_code_name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kFailed;
  std::string message;

  // The same error, said from one level up: "opening store: no space left on device".
  Error in(std::string_view context) const {
    return Error{code, std::string(context) + ": " + message};
  }
};

inline Error failed(std::string message) { return {ErrorCode::kFailed, std::move(message)}; }
inline Error error(ErrorCode code, std::string message) { return {code, std::move(message)}; }

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires ok().
  const T& value() const& { ENSURE(ok(), "Result::value of an error"); return std::get<0>(state_); }
  T& value() & { ENSURE(ok(), "Result::value of an error"); return std::get<0>(state_); }
  T&& value() && { ENSURE(ok(), "Result::value of an error"); return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  // Requires !ok().
  const Error& error() const { ENSURE(!ok(), "Result::error of a value"); return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { ENSURE(!ok(), "Result::error of a value"); return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace mainstay

// Leaves the enclosing function with the error, if there is one.
#define RETURN_IF_ERROR(expr)                           \
  do {                                                  \
    if (auto status_ = (expr); !status_.ok()) return status_.error(); \
  } while (false)

#define MAINSTAY_CONCAT2(a, b) a##b
#define MAINSTAY_CONCAT(a, b) MAINSTAY_CONCAT2(a, b)

// ASSIGN_OR_RETURN(auto x, f()): x is the value, or the enclosing function ends with f()'s error.
#define ASSIGN_OR_RETURN(decl, expr) ASSIGN_OR_RETURN_IMPL(MAINSTAY_CONCAT(result_, __LINE__), decl, expr)
#define ASSIGN_OR_RETURN_IMPL(tmp, decl, expr) \
  auto tmp = (expr);                           \
  if (!tmp.ok()) return tmp.error();           \
  decl = std::move(tmp).value()
