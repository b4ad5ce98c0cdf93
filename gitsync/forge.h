// Commit statuses: telling a forge how a commit fares. Three parts: build the request (pure), decide what is
// still to be said and when to try again (StatusQueue, pure), and send it (StatusSink, the door).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gitsync/object_id.h"
#include "gitsync/webhook.h"
#include "schema/base/result.h"
#include "schema/base/rng.h"
#include "schema/base/time.h"

namespace mainstay {

enum class CommitState : uint8_t { kPending, kSuccess, kFailure, kError };
std::string_view commit_state_name(CommitState state);

struct CommitStatus {
  CommitId commit;
  std::string context;      // "mainstay/root": one line in the forge's list; a later status replaces it
  CommitState state = CommitState::kPending;
  std::string description;  // cut to what the forge takes
  std::string target_url;   // "" if there is nothing to link to
  bool operator==(const CommitStatus&) const = default;
};

// Which repository of which forge.
struct ForgeTarget {
  ForgeKind kind = ForgeKind::kGitHub;  // not kGeneric
  std::string api_url;                  // "https://api.github.com", "https://git.example.com/api/v1"
  std::string repository;               // "owner/name"; for GitLab the full path of the project
  std::string token_file;               // read at every use
  std::string username;                 // Bitbucket app passwords only; "" sends the token as Bearer
};

// The target that a repository's address implies: forge by host name ("github.com", "gitlab.com",
// "codeberg.org", "bitbucket.org"), else by `kind`. kInvalid if neither tells, or the path is no owner/name.
Result<ForgeTarget> forge_target(std::string_view repository_url, std::optional<ForgeKind> kind,
                                 std::string token_file);

struct ForgeRequest {
  std::string url;
  std::vector<std::string> headers;  // without the token
  std::string body;                  // JSON
};
ForgeRequest status_request(const ForgeTarget& target, const CommitStatus& status);

// The door. One thread.
class StatusSink {
 public:
  virtual ~StatusSink() = default;
  // kUnavailable, kTimeout: try again. kDenied, kNotFound, kInvalid: trying again will not help soon. No
  // message holds the token.
  virtual Status post(const CommitStatus& status) = 0;
};

// Posts over https (plain http only to a loopback address), without following redirects.
Result<std::unique_ptr<StatusSink>> make_forge_sink(const ForgeTarget& target, Duration timeout = 15s);

// For tests and simulation: keeps what was posted; fails as told.
class FakeStatusSink final : public StatusSink {
 public:
  std::vector<CommitStatus> posted;
  std::vector<Error> failures;  // of the next posts, in order

  Status post(const CommitStatus& status) override;
};

// What is still to be posted. Of one (commit, context) only the newest status counts, and one that was posted
// already is not posted again. Bounded: the oldest give way. Pure; one thread.
class StatusQueue {
 public:
  static constexpr size_t kMaxPending = 1000;
  static constexpr size_t kMaxRemembered = 1000;
  static constexpr unsigned kMaxTries = 12;

  void add(const CommitStatus& status, Now now);
  // The next to post now, if one is due. Stays pending until done() or failed() is said of it.
  std::optional<CommitStatus> next(Now now) const;
  // When to ask next() again; nothing while nothing is pending.
  std::optional<MonoTime> due() const;
  void done(const CommitStatus& status);
  // Puts it off (1 s doubling to 5 min, with jitter), or drops it after kMaxTries or if trying cannot help.
  // True if it will be tried again.
  bool failed(const CommitStatus& status, const Error& why, Now now, Rng& rng);
  size_t pending() const { return pending_.size(); }

 private:
  using Line = std::pair<CommitId, std::string>;  // commit and context
  struct Pending {
    CommitStatus status;
    uint64_t order = 0;
    unsigned tries = 0;
    MonoTime due;
  };
  const Pending* first_due() const;
  void remember(const Line& line, const CommitStatus& status);

  std::map<Line, Pending> pending_;
  std::map<Line, std::pair<CommitStatus, uint64_t>> posted_;
  uint64_t order_ = 0;
};

}  // namespace mainstay
