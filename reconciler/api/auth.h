// Who is asking: bearer tokens. Only digests of tokens are kept, in memory and on disk (<data-dir>/tokens.json,
// mode 0600); the one exception is the administrator's own token, which stands in <data-dir>/admin.token so
// that a kubeconfig can be written. A token is looked up by its digest, so the time that takes tells nothing about it.
//
// Kinds of tokens: the administrator's; those of a static file; join tokens, with which a node asks for its
// credential (they end and can be revoked); node credentials. Those of ServiceAccounts are signed and kept
// nowhere (account_tokens.h). Any thread; changes are on disk on return.
//
// A node renews its credential before it ends. The new one is pending until the node first uses it, which tells that
// the node has it on its disk; until then the one before is good too, so that neither side can lose the other by
// ending at a bad moment. A credential that has ended is remembered for a year, to say what became of it.
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
#include "schema/value.h"

namespace mainstay::api {

inline constexpr std::string_view kMastersGroup = "system:masters";
inline constexpr std::string_view kNodesGroup = "system:nodes";
inline constexpr std::string_view kBootstrapGroup = "system:bootstrappers";
inline constexpr std::string_view kAuthenticatedGroup = "system:authenticated";
inline constexpr std::string_view kNodeUserPrefix = "system:node:";
inline constexpr std::string_view kJoinUserPrefix = "system:bootstrap:";  // before a join token's id

// How long a node's credential is good, unless the configuration says otherwise.
inline constexpr Duration kCredentialLife = std::chrono::hours(24 * 90);

struct JoinToken {
  std::string id;           // ten characters; not secret
  std::string description;
  WallTime expires;         // zero: never
};

struct NodeCredential {
  std::string node;
  WallTime created, expires;  // expires: zero: never, as versions before had them
};

struct IssuedCredential {
  std::string text;  // kept nowhere here
  Duration life{0};
};

// What became of a node's credential that is good no longer.
struct EndedCredential {
  enum class Why { kExpired, kRevoked, kNodeDeleted } why = Why::kExpired;
  std::string node;
  WallTime when;
};

class TokenStore {
 public:
  // Reads or makes the files in `data_dir`. kCorrupt when they cannot be understood.
  static Result<std::unique_ptr<TokenStore>> open(const std::string& data_dir,
                                                  Duration credential_life = kCredentialLife);

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

  // A new credential for the node, in place of all it has. `join_token` is the id of the join token it was asked
  // with, "" if none. kInvalid for a bad node name; kExists if the node has a credential that was not had with
  // this join token, or has one and is Ready (`lives`): whoever holds a token must not take another's place, nor a
  // second machine of that name.
  Result<IssuedCredential> issue_node_credential(const std::string& node, const std::string& join_token, WallTime now,
                                                 bool lives = false);
  // A further credential, pending, for the node whose own this is. kDenied for any other token.
  Result<IssuedCredential> renew_node_credential(std::string_view credential, WallTime now);
  // A node has presented it: if it was pending, it is now the node's only one.
  void note_use(std::string_view credential);
  // Ends all of the node's. kNotFound if it has none.
  Status revoke_node_credential(const std::string& node, WallTime now);
  // The same for nodes whose objects were deleted; those without a credential are passed over.
  Status end_deleted_nodes(const std::vector<std::string>& nodes, WallTime now);

  // Those that are good, by node; of several the newest.
  std::vector<NodeCredential> node_credentials(WallTime now) const;
  // The presented one, if it is good.
  std::optional<NodeCredential> node_credential(std::string_view credential, WallTime now) const;
  // Nothing if the token was never a node's, or still is.
  std::optional<EndedCredential> ended_credential(std::string_view credential, WallTime now) const;

  // Forgets join tokens that have ended, and what ended a year ago. To be called now and then.
  Status sweep(WallTime now);

 private:
  enum class Kind { kAdmin, kStatic, kJoin, kNode };
  struct Entry {
    Kind kind = Kind::kStatic;
    std::string name;  // user, join token id, or node
    std::vector<std::string> groups;
    std::string description;
    WallTime created, expires;
    std::string join_token = "";  // with which a node's credential was had
    bool pending = false;         // a renewed credential that was not used yet
    WallTime ended = {};          // revoked
    bool node_deleted = false;    // that is why

    bool is_good(WallTime now) const;
    bool is_node(std::string_view node) const { return kind == Kind::kNode && name == node; }
  };
  using Entries = std::map<Digest, Entry>;

  TokenStore(std::string data_dir, Duration life) : data_dir_(std::move(data_dir)), credential_life_(life) {}
  Status load();
  Status load_row(const Value& row);
  Status load_admin();
  Status save(const Entries& entries) const;
  Status replace(Entries entries);
  IssuedCredential add_credential(Entries& to, Entry entry, WallTime now) const;
  static bool end_credentials(Entries& of, const std::string& node, bool node_deleted, WallTime now);

  const std::string data_dir_;
  const Duration credential_life_;
  std::string admin_token_;
  std::unique_ptr<AccountTokens> accounts_;
  mutable std::mutex mutex_;  // of entries_; held while saving, so that files and memory agree
  Entries entries_;
};

// The token of "Authorization: Bearer <token>"; "" if there is none.
std::string_view bearer_token(const Request& request);

// The id in a join token's text.
std::string join_token_id(std::string_view token);

// A node's name, if that is what the identity is; "" otherwise.
std::string_view node_of(const Identity& identity);

}  // namespace mainstay::api
