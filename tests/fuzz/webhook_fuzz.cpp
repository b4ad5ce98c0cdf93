// Fuzzer of webhook verification: the first byte chooses the header, the body is the rest. Signed bodies must
// be accepted and parsed without harm; unsigned ones must be refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "gitsync/webhook.h"
#include "schema/base/crypto.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mainstay;
  if (size == 0) return 0;
  static const std::vector<std::string> secrets = {"fuzzing-secret", "whsec_ZnV6emluZy1zZWNyZXQ="};
  static const char* const names[] = {"X-Hub-Signature-256", "X-Hub-Signature",  "X-Gitea-Signature",
                                      "X-Forgejo-Signature", "X-Gogs-Signature", "X-Gitlab-Token",
                                      "X-Signature",         "webhook-signature"};
  const std::string name = names[data[0] % 8];
  const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  const WallTime now{std::chrono::seconds(1'700'000'000)};
  // The input as the header itself: nothing may be accepted that does not hold the secret.
  WebhookHeaders raw = {
      {name, body}, {"webhook-id", body.substr(0, 20)}, {"webhook-timestamp", body.substr(0, 12)}};
  if (verify_webhook(raw, body, secrets, now).accepted && body != secrets[0] && body != secrets[1])
    std::abort();
  const std::string digest = hex(hmac_sha256(secrets[0], body));
  const bool bare =
      name == "X-Gitea-Signature" || name == "X-Forgejo-Signature" || name == "X-Gogs-Signature";
  if (name == "X-Gitlab-Token" || name == "webhook-signature") return 0;
  WebhookVerdict verdict = verify_webhook({{name, (bare ? "" : "sha256=") + digest}}, body, secrets, now);
  if (!verdict.accepted && body.size() <= kMaxWebhookBody) std::abort();
  return 0;
}
