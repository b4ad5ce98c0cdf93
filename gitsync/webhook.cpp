#include "gitsync/webhook.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include "schema/base/crypto.h"
#include "schema/base/ensure.h"

namespace mainstay {
namespace {

using Json = nlohmann::json;

constexpr Duration kReplayWindow = 5min;
constexpr size_t kMaxHint = 256;
constexpr int kMaxPayloadDepth = 32;
constexpr std::string_view kStandardSecretPrefix = "whsec_";

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The header's value. Nothing if it is missing; one that stands twice is as good as forged, and empty.
std::optional<std::string_view> header(const WebhookHeaders& headers, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [each, value] : headers) {
    if (!same_name(each, name)) continue;
    if (found) return std::string_view{};
    found = value;
  }
  return found;
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// No early way out: the time must not tell which secret fits.
bool any_hmac(std::span<const std::string> secrets, std::string_view message, std::string_view given) {
  bool good = false;
  for (const std::string& secret : secrets) {
    good |= equal_constant_time(bytes_of(hmac_sha256(secret, message)), given);
  }
  return good;
}

// "<prefix><64 hexadecimal digits>".
bool hex_hmac(std::span<const std::string> secrets, std::string_view body, std::string_view value,
              std::string_view prefix) {
  if (!value.starts_with(prefix)) return false;
  std::optional<std::string> given = unhex(value.substr(prefix.size()));
  return given && given->size() == sizeof(Digest) && any_hmac(secrets, body, *given);
}

bool any_token(std::span<const std::string> secrets, std::string_view given) {
  bool good = false;
  const Digest digest = sha256(given);  // equal lengths, so that the secret's own does not show
  for (const std::string& secret : secrets)
    good |= equal_constant_time(bytes_of(sha256(secret)), bytes_of(digest));
  return good;
}

WebhookVerdict refused(int status, std::string reason, ForgeKind forge = ForgeKind::kGeneric) {
  WebhookVerdict verdict;
  verdict.status = status;
  verdict.reason = std::move(reason);
  verdict.forge = forge;
  return verdict;
}

// Standard Webhooks 1.0: HMAC-SHA256 over "id.timestamp.body", base64, "v1,<signature>" separated by spaces.
// A secret of the form "whsec_<base64>" stands for the bytes it encodes.
WebhookVerdict verify_standard(const WebhookHeaders& headers, std::string_view body,
                               std::span<const std::string> secrets, WallTime now) {
  std::string_view id = header(headers, "webhook-id").value_or("");
  std::string_view stamp = header(headers, "webhook-timestamp").value_or("");
  std::string_view signatures = header(headers, "webhook-signature").value_or("");
  int64_t seconds = 0;
  auto [end, code] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), seconds);
  if (id.empty() || id.size() > kMaxHint || stamp.empty() || code != std::errc() ||
      end != stamp.data() + stamp.size()) {
    return refused(401, "webhook-id or webhook-timestamp is missing or malformed", ForgeKind::kGitLab);
  }
  std::vector<std::string> keys;
  for (const std::string& secret : secrets) {
    std::optional<std::string> decoded;
    if (secret.starts_with(kStandardSecretPrefix))
      decoded = unbase64(secret.substr(kStandardSecretPrefix.size()));
    keys.push_back(decoded ? *decoded : secret);
  }
  std::string message = std::string(id) + "." + std::string(stamp) + "." + std::string(body);
  bool good = false;
  for (int i = 0; i < 8 && !signatures.empty(); ++i) {
    size_t space = std::min(signatures.find(' '), signatures.size());
    std::string_view one = signatures.substr(0, space);
    signatures.remove_prefix(std::min(space + 1, signatures.size()));
    if (!one.starts_with("v1,")) continue;
    std::optional<std::string> given = unbase64(one.substr(3));
    if (given && given->size() == sizeof(Digest)) good |= any_hmac(keys, message, *given);
  }
  if (!good) return refused(401, "webhook-signature does not fit", ForgeKind::kGitLab);
  const int64_t now_seconds = std::chrono::duration_cast<std::chrono::seconds>(now.since_epoch).count();
  const int64_t window = std::chrono::duration_cast<std::chrono::seconds>(kReplayWindow).count();
  // Compared without subtracting: the stamp may be any number.
  if (seconds < now_seconds - window || seconds > now_seconds + window) {
    return refused(401, "webhook-timestamp is more than five minutes off: a replay, or a clock is wrong",
                   ForgeKind::kGitLab);
  }
  WebhookVerdict verdict;
  verdict.accepted = true;
  verdict.forge = ForgeKind::kGitLab;
  return verdict;
}

struct SignatureHeader {
  std::string_view name;
  ForgeKind forge;
  std::string_view prefix;
};
// The first one that is there decides, and its failure is final. Forgejo and Gitea also send each other's and
// GitHub's headers, so theirs come first.
constexpr SignatureHeader kSignatures[] = {
    {"X-Forgejo-Signature", ForgeKind::kForgejo, ""},
    {"X-Gitea-Signature", ForgeKind::kGitea, ""},
    {"X-Gogs-Signature", ForgeKind::kGogs, ""},
    {"X-Hub-Signature-256", ForgeKind::kGitHub, "sha256="},
    {"X-Hub-Signature", ForgeKind::kBitbucket,
     "sha256="},  // GitHub's own of that name is SHA-1: not accepted
    {"X-Signature", ForgeKind::kGeneric, "sha256="},
};

WebhookVerdict verify_signature(const WebhookHeaders& headers, std::string_view body,
                                std::span<const std::string> secrets, WallTime now) {
  if (header(headers, "webhook-signature")) return verify_standard(headers, body, secrets, now);
  for (const SignatureHeader& row : kSignatures) {
    std::optional<std::string_view> value = header(headers, row.name);
    if (!value) continue;
    if (!hex_hmac(secrets, body, *value, row.prefix)) {
      return refused(401, std::string(row.name) + " does not fit: is the secret the same on both sides?",
                     row.forge);
    }
    WebhookVerdict verdict;
    verdict.accepted = true;
    verdict.forge = row.forge;
    return verdict;
  }
  if (std::optional<std::string_view> token = header(headers, "X-Gitlab-Token")) {
    if (!any_token(secrets, *token)) return refused(401, "X-Gitlab-Token does not fit", ForgeKind::kGitLab);
    WebhookVerdict verdict;
    verdict.accepted = true;
    verdict.forge = ForgeKind::kGitLab;
    return verdict;
  }
  return refused(401, "no signature: set the secret in the forge's webhook settings");
}

std::string hint(std::string_view text) {
  if (text.size() > kMaxHint) return "";
  bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  return plain ? std::string(text) : "";
}

// The first of the paths that leads to a string.
std::string first_hint(const Json& payload, std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    Json::json_pointer pointer(path);
    if (payload.contains(pointer) && payload[pointer].is_string())
      return hint(payload[pointer].get_ref<const std::string&>());
  }
  return "";
}

void take_hints(WebhookVerdict& verdict, std::string_view body) {
  // Values nested deeper than any forge sends are dropped, so that their number does not matter.
  auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= kMaxPayloadDepth; };
  Json payload = Json::parse(body, shallow, /*allow_exceptions=*/false);
  if (!payload.is_object()) return;
  verdict.repository =
      first_hint(payload, {"/repository/clone_url", "/project/git_http_url", "/repository/git_http_url",
                           "/repository/links/html/href", "/repository/html_url", "/repository/full_name"});
  // The last two: Bitbucket Cloud and Bitbucket Server.
  verdict.ref = first_hint(payload, {"/ref", "/push/changes/0/new/name", "/changes/0/refId"});
}

bool is_ping(const WebhookHeaders& headers) {
  for (std::string_view name : {"X-GitHub-Event", "X-Gitea-Event", "X-Forgejo-Event", "X-Gogs-Event"}) {
    if (header(headers, name) == "ping") return true;
  }
  return header(headers, "X-Event-Key") == "diagnostics:ping";
}

}  // namespace

std::string_view forge_kind_name(ForgeKind kind) {
  switch (kind) {
    case ForgeKind::kGitHub:
      return "github";
    case ForgeKind::kGitLab:
      return "gitlab";
    case ForgeKind::kGitea:
      return "gitea";
    case ForgeKind::kForgejo:
      return "forgejo";
    case ForgeKind::kGogs:
      return "gogs";
    case ForgeKind::kBitbucket:
      return "bitbucket";
    case ForgeKind::kGeneric:
      return "generic";
  }
  return "generic";
}

WebhookVerdict verify_webhook(const WebhookHeaders& headers, std::string_view body,
                              std::span<const std::string> secrets, WallTime now) {
  ENSURE(!secrets.empty(), "webhooks need a secret");
  for (const std::string& secret : secrets)
    ENSURE(secret.size() >= kMinWebhookSecret, "a webhook secret is too short");
  if (body.size() > kMaxWebhookBody) return refused(413, "the body is larger than 1 MiB");
  WebhookVerdict verdict = verify_signature(headers, body, secrets, now);
  if (!verdict.accepted) return verdict;
  verdict.status = 202;
  verdict.reason = "accepted";
  verdict.is_ping = is_ping(headers);
  take_hints(verdict, body);
  return verdict;
}

}  // namespace mainstay
