// The keys of ServiceAccount tokens, in <data-dir>/pki/service-accounts.key (0600): the newest signs, those before it
// are kept for checking until the last token they signed has ended. For that the file holds a time that no token's
// end lies behind; it is moved a day ahead, so that signing seldom writes. Any thread; changes are on disk on return.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/api/token_key.h"
#include "schema/base/result.h"
#include "schema/base/time.h"
#include "schema/value.h"

namespace mainstay::api {

struct TokenKeyFacts {
  std::string id;
  bool signs = false;
  // No token of this key is good after it. Nothing for a key of a version that did not keep count.
  std::optional<WallTime> tokens_end;
};

class TokenKeys {
 public:
  // Reads the keys or makes one. kCorrupt when the file holds something else: that needs a person.
  static Result<std::unique_ptr<TokenKeys>> open(const std::string& data_dir);

  // The token is to end at `end`.
  Result<std::string> sign(const Value& claims, WallTime end);
  // The claims of a token that one of the keys has signed; what they say is not looked at.
  std::optional<Value> verify(std::string_view token, WallTime now) const;

  // A new key signs from now on; its id. With `forget` no token signed before is good any more.
  Result<std::string> rotate(bool forget, WallTime now);
  // Forgets keys all of whose tokens have ended.
  Status sweep(WallTime now);

  // Newest first.
  std::vector<TokenKeyFacts> list(WallTime now) const;
  // The public halves (RFC 7517), newest first.
  Value public_keys(WallTime now) const;

 private:
  struct Held {
    std::shared_ptr<const TokenKey> key;
    std::optional<WallTime> tokens_end;
  };
  explicit TokenKeys(std::string file) : file_(std::move(file)) {}
  Status read(std::string_view text);
  Status replace(std::vector<Held> keys);
  static bool is_spent(const Held& held, WallTime now) { return held.tokens_end && now >= *held.tokens_end; }
  // The newest, and those before it that still count.
  std::vector<Held> in_use(WallTime now) const;

  const std::string file_;
  mutable std::mutex mutex_;
  std::vector<Held> keys_;  // newest first
};

}  // namespace mainstay::api
