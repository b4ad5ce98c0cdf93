// The ServiceAccount tokens of this node's pods: fetched from the control plane when a volume needs one, kept in
// memory while they are good, replaced when 80 % of their life is over. Any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "nodeagent/doors.h"
#include "schema/base/result.h"
#include "schema/base/time.h"
#include "schema/object.h"

namespace mainstay {

struct TokenOrder {
  std::string ns, pod, uid;
  std::string service_account;
  std::string audience;  // "" is the API's own
  int64_t seconds = 3600;
};

struct IssuedToken {
  std::string text;
  Duration life{0};  // that the control plane gave it
};

// Asks the control plane; waits for its answer.
using IssueToken = std::function<Result<IssuedToken>(const TokenOrder&)>;

class ServiceTokens {
 public:
  explicit ServiceTokens(IssueToken issue) : issue_(std::move(issue)) {}

  // Puts the tokens a volume asks for among its files. A token that is due but cannot be had anew stays in use
  // while it is good.
  Status fill(const Object& pod, VolumeSpec& volume, MonoTime now);

  // In what time the pod's next token is due; nothing if it has none.
  std::optional<Duration> renew_after(const std::string& uid, MonoTime now) const;

  // The pod has gone.
  void forget(const std::string& uid);

 private:
  using Key = std::tuple<std::string, std::string, int64_t>;  // uid, audience, seconds
  struct Kept {
    std::string text;
    MonoTime renew, end;
  };
  Result<std::string> token(const Object& pod, const VolumeToken& wanted, MonoTime now);

  const IssueToken issue_;
  mutable std::mutex mutex_;
  std::map<Key, Kept> kept_;
};

}  // namespace mainstay
