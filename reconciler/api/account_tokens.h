// Tokens of ServiceAccounts, as Kubernetes has them: signed, with an end, for an audience, bound to the account's
// uid and, mostly, to a pod's. A token is good while it has not ended and all it is bound to still exists; nothing
// is stored. Time and state are arguments; only the keys and the token's random name come from outside. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/api/http.h"
#include "reconciler/api/token_keys.h"
#include "reconciler/store/snapshot.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay::api {

inline constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc.cluster.local";
inline constexpr std::string_view kServiceAccountsGroup = "system:serviceaccounts";
inline constexpr int64_t kShortestToken = 600, kLongestToken = int64_t{1} << 32;  // seconds

struct AccountTokenOrder {
  std::string ns, account;
  std::vector<std::string> audiences;  // none: the API's own
  int64_t seconds = 3600;
  std::string bound_kind;              // "Pod", "Secret", "Node"; "" binds it to the account only
  std::string bound_name;
  std::string bound_uid;               // "" takes the uid the object has
};

struct AccountToken {
  std::string text;
  WallTime expires;
};

struct AccountIdentity {
  Identity identity;
  std::string account_uid;
  std::vector<std::string> audiences;  // of those asked for, the ones the token has
};

class AccountTokens {
 public:
  explicit AccountTokens(std::unique_ptr<TokenKeys> keys) : keys_(std::move(keys)) {}

  // kNotFound: no such account or bound object; kConflict: the object has another uid; kInvalid: the order.
  Result<AccountToken> issue(const AccountTokenOrder& order, const Snapshot& view, WallTime now) const;

  // Whose token it is; nothing if it is none of ours, not for one of `audiences` (none: the API's own), not good
  // at this time, or bound to something that is gone.
  std::optional<AccountIdentity> authenticate(std::string_view token, const std::vector<std::string>& audiences,
                                              const Snapshot& view, WallTime now) const;

  // What others need to check tokens with: /openid/v1/jwks and /.well-known/openid-configuration.
  Value key_set(WallTime now) const;
  Value provider() const;

  TokenKeys& keys() const { return *keys_; }

 private:
  const std::unique_ptr<TokenKeys> keys_;
};

}  // namespace mainstay::api
