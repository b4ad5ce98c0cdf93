// Who is asking: bearer tokens. Only digests of tokens are kept, in memory and on disk (<data-dir>/tokens.json,
// mode 0600); the one exception is the administrator's own token, which stands in <data-dir>/admin.token so
// that a kubeconfig can be written. A token is looked up by its digest, so the time that takes tells nothing about it.
//
// Kinds of tokens: the administrator's; those of a static file; join tokens, with which a node asks for its
// credential (they expire and can be revoked); node credentials. Those of ServiceAccounts are signed and kept
// nowhere (account_tokens.h). Any thread; changes are on disk on return.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/api/account_tokens.h"
#include "reconciler/api/http.h"
#include "schema/base/crypto.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay::api {

inline constexpr std::string_view kMastersGroup = "system:masters";
inline constexpr std::string_view kNodesGroup = "system:nodes";
inline constexpr std::string_view kBootstrapGroup = "system:bootstrappers";
inline constexpr std::string_view kAuthenticatedGroup = "system:authenticated";
inline constexpr std::string_view kNodeUserPrefix = "system:node:";

struct JoinToken {
  std::string id;           // ten characters; not secret
  std::string description;
  WallTime expires;         // zero: never
};

class TokenStore {
 public:
  // Reads or makes the files in `data_dir`. kCorrupt when they cannot be understood.
  static Result<std::unique_ptr<TokenStore>> open(const std::string& data_dir);

  const std::string& admin_token() const { return admin_token_; }
  // Lines "token,user,uid,group1|group2" or, as Kubernetes has them, a quoted last field "group1,group2".
  // Nothing is added when a line is wrong: the error names it.
  Status load_static_tokens(const std::string& path);

  const AccountTokens& accounts() const { return *accounts_; }

  // Who the token belongs to (ServiceAccounts' excepted), with system:authenticated among the groups; nothing if
  // unknown or expired.
  std::optional<Identity> authenticate(std::string_view token, WallTime now) const;

  // The new token's text, which is not kept. kFull above 1,000 join tokens.
  Result<std::string> create_join_token(std::string description, std::optional<Duration> lifetime, WallTime now);
  // Those that have not expired, by id.
  std::vector<JoinToken> join_tokens(WallTime now) const;
  // kNotFound if there is no such join token.
  Status revoke_join_token(const std::string& id);

  // A new credential for the node, in place of an earlier one. kInvalid for a bad node name.
  Result<std::string> issue_node_credential(const std::string& node, WallTime now);
  // kNotFound if the node has none.
  Status revoke_node_credential(const std::string& node);

 private:
  enum class Kind { kAdmin, kStatic, kJoin, kNode };
  struct Entry {
    Kind kind = Kind::kStatic;
    std::string name;  // user, join token id, or node
    std::vector<std::string> groups;
    std::string description;
    WallTime created, expires;
  };
  using Entries = std::map<Digest, Entry>;

  explicit TokenStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}
  Status load();
  Status load_admin();
  Status save(const Entries& entries) const;
  Status replace(Entries entries);

  const std::string data_dir_;
  std::string admin_token_;
  std::unique_ptr<AccountTokens> accounts_;
  mutable std::mutex mutex_;  // of entries_; held while saving, so that files and memory agree
  Entries entries_;
};

// The token of "Authorization: Bearer <token>"; "" if there is none.
std::string_view bearer_token(const Request& request);

// A node's name, if that is what the identity is; "" otherwise.
std::string_view node_of(const Identity& identity);

}  // namespace mainstay::api
