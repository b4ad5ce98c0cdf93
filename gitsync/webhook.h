// Webhooks: is this request from someone who knows the secret? The signature is checked over the raw body
// before anything in it is looked at, in a time that does not depend on where it is wrong. Of an accepted
// body only a hint is taken, which repository and ref may have moved: the tip is always read from the
// repository itself. Pure; any thread.
//
// Providers: GitHub, Gitea, Gogs, Bitbucket (HMAC-SHA256), Forgejo (its own header, and no other when that is
// there), GitLab (token; or Standard Webhooks signature with a replay window), anything else by X-Signature.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/base/time.h"

namespace mainstay {

inline constexpr size_t kMaxWebhookBody = 1 << 20;
inline constexpr size_t kMinWebhookSecret = 8;

enum class ForgeKind : uint8_t { kGitHub, kGitLab, kGitea, kForgejo, kGogs, kBitbucket, kGeneric };
std::string_view forge_kind_name(ForgeKind kind);

using WebhookHeaders = std::vector<std::pair<std::string, std::string>>;

struct WebhookVerdict {
  bool accepted = false;
  int status = 401;      // 202 when accepted, else what to answer
  std::string reason;    // for the log and the answer; holds nothing from the body
  ForgeKind forge = ForgeKind::kGeneric;
  bool is_ping = false;  // accepted, but asks for nothing
  // Hints, printable and at most 256 bytes, "" if the body does not say. Never to be believed.
  std::string repository;
  std::string ref;
};

// `secrets` (at least one, none shorter than kMinWebhookSecret) may be several while one is rotated. `now` is
// for the replay window of five minutes. The names of headers may be in any case.
WebhookVerdict verify_webhook(const WebhookHeaders& headers, std::string_view body,
                              std::span<const std::string> secrets, WallTime now);

}  // namespace mainstay
