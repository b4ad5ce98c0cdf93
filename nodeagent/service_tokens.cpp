#include "nodeagent/service_tokens.h"

#include <algorithm>

namespace mainstay {
namespace {

// However long a token lives, it is replaced once a day.
constexpr Duration kLongestUse = std::chrono::hours{24};
// When the control plane does not answer, but the token is still good.
constexpr Duration kRetry = std::chrono::seconds{30};

}  // namespace

Result<std::string> ServiceTokens::token(const Object& pod, const VolumeToken& wanted, MonoTime now) {
  Key key{pod.meta.uid, wanted.audience, wanted.seconds};
  std::optional<Kept> present;
  {
    std::lock_guard lock(mutex_);
    auto found = kept_.find(key);
    if (found != kept_.end() && now < found->second.end) present = found->second;
  }
  if (present && now < present->renew) return present->text;
  if (!issue_) return error(ErrorCode::kUnavailable, "there is no control plane to issue tokens");
  // Unlocked: other pods need not wait for this answer. Those of one pod come one after another.
  Result<IssuedToken> issued = issue_({pod.meta.ns, pod.meta.name, pod.meta.uid,
                                       as<Pod>(pod).spec.service_account_name, wanted.audience, wanted.seconds});
  std::lock_guard lock(mutex_);
  if (!issued.ok()) {
    if (!present) return issued.error().in("failed to fetch token");
    kept_[key].renew = now + kRetry;
    return present->text;
  }
  kept_[key] = {issued->text, now + std::min(issued->life * 4 / 5, kLongestUse), now + issued->life};
  return issued->text;
}

Status ServiceTokens::fill(const Object& pod, VolumeSpec& volume, MonoTime now) {
  for (const VolumeToken& wanted : volume.tokens) {
    ASSIGN_OR_RETURN(std::string text, token(pod, wanted, now));
    volume.files.push_back({wanted.path, std::move(text), wanted.mode, wanted.owner});
  }
  volume.tokens.clear();
  return {};
}

std::optional<Duration> ServiceTokens::renew_after(const std::string& uid, MonoTime now) const {
  std::lock_guard lock(mutex_);
  std::optional<Duration> out;
  for (const auto& [key, kept] : kept_) {
    if (std::get<0>(key) != uid) continue;
    Duration left = std::max(kept.renew - now, Duration{0});
    if (!out || left < *out) out = left;
  }
  return out;
}

void ServiceTokens::forget(const std::string& uid) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const auto& item) { return std::get<0>(item.first) == uid; });
}

}  // namespace mainstay
