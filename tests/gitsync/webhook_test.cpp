// Webhook signatures, per provider, right and wrong.
#include <catch2/catch.hpp>

#include "gitsync/webhook.h"
#include "schema/base/crypto.h"
#include "schema/base/rng.h"

using namespace mainstay;

namespace {

const std::vector<std::string> kSecrets = {"It's a Secret to Everybody"};
const WallTime kNow{std::chrono::seconds(1'700'000'000)};

std::string signature(std::string_view body, const std::string& secret = kSecrets[0]) {
  return hex(hmac_sha256(secret, body));
}

std::string standard(const std::string& id, const std::string& stamp, const std::string& body,
                     const std::string& key = kSecrets[0]) {
  Digest digest = hmac_sha256(key, id + "." + stamp + "." + body);
  return "v1," + base64(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

WebhookVerdict verify(const WebhookHeaders& headers, std::string_view body) {
  return verify_webhook(headers, body, kSecrets, kNow);
}

}  // namespace

TEST_CASE("GitHub's documented example is accepted") {
  // From GitHub's page "Validating webhook deliveries".
  WebhookHeaders headers = {
      {"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}};
  CHECK(verify(headers, "Hello, World!").accepted);
  CHECK(verify(headers, "Hello, World!").status == 202);
  CHECK_FALSE(verify(headers, "Hello, World?").accepted);
}

TEST_CASE(
    "each provider's signature is accepted; wrong, truncated, empty, doubled and missing ones are not") {
  struct Row {
    std::string header, prefix;
    ForgeKind forge;
  };
  const std::string body =
      R"({"ref":"refs/heads/main","repository":{"clone_url":"https://example.com/o/app.git"}})";
  for (const Row& row : std::vector<Row>{{"X-Hub-Signature-256", "sha256=", ForgeKind::kGitHub},
                                         {"X-Hub-Signature", "sha256=", ForgeKind::kBitbucket},
                                         {"X-Gitea-Signature", "", ForgeKind::kGitea},
                                         {"X-Forgejo-Signature", "", ForgeKind::kForgejo},
                                         {"X-Gogs-Signature", "", ForgeKind::kGogs},
                                         {"X-Signature", "sha256=", ForgeKind::kGeneric}}) {
    INFO(row.header);
    const std::string good = row.prefix + signature(body);
    WebhookVerdict verdict = verify({{"Content-Type", "application/json"}, {row.header, good}}, body);
    CHECK(verdict.accepted);
    CHECK(verdict.forge == row.forge);
    CHECK(verdict.repository == "https://example.com/o/app.git");
    CHECK(verdict.ref == "refs/heads/main");
    std::string flipped = good;
    flipped.back() = flipped.back() == '0' ? '1' : '0';
    std::vector<std::string> bad = {flipped,
                                    good.substr(0, good.size() - 2),
                                    good + "00",
                                    "",
                                    row.prefix,
                                    " " + good,
                                    row.prefix + signature(body, "another secret"),
                                    row.prefix + signature(body + " "),
                                    "sha1=" + signature(body),
                                    row.prefix + std::string(64, 'z')};
    for (const std::string& value : bad) {
      INFO(value);
      WebhookVerdict refused = verify({{row.header, value}}, body);
      CHECK_FALSE(refused.accepted);
      CHECK(refused.status == 401);
      CHECK(refused.repository.empty());
      CHECK(refused.reason.find("Everybody") == std::string::npos);
    }
    CHECK_FALSE(verify({{row.header, good}, {row.header, good}}, body).accepted);
  }
  CHECK(verify({}, body).status == 401);
}

TEST_CASE("Forgejo's own header decides alone") {
  const std::string body = "{}";
  CHECK_FALSE(
      verify({{"X-Forgejo-Signature", std::string(64, '0')}, {"X-Gitea-Signature", signature(body)}}, body)
          .accepted);
  CHECK(verify({{"X-Forgejo-Signature", signature(body)}, {"X-Gitea-Signature", "x"}}, body).accepted);
}

TEST_CASE("GitLab's token, and its signature with a replay window") {
  const std::string body =
      R"({"ref":"refs/heads/main","project":{"git_http_url":"https://gitlab.com/g/app.git"}})";
  WebhookVerdict verdict = verify({{"x-gitlab-token", kSecrets[0]}}, body);
  CHECK(verdict.accepted);
  CHECK(verdict.repository == "https://gitlab.com/g/app.git");
  CHECK_FALSE(verify({{"X-Gitlab-Token", "wrong"}}, body).accepted);
  CHECK_FALSE(verify({{"X-Gitlab-Token", ""}}, body).accepted);

  auto signed_at = [&](std::string stamp, std::string id = "msg_1") {
    return verify({{"webhook-id", id},
                   {"webhook-timestamp", stamp},
                   {"webhook-signature", standard(id, stamp, body)}},
                  body)
        .accepted;
  };
  CHECK(signed_at("1700000000"));
  CHECK(signed_at("1699999701"));
  CHECK(signed_at("1700000299"));
  CHECK_FALSE(signed_at("1699999699"));
  CHECK_FALSE(signed_at("1700000301"));
  for (std::string bad : {"", "x", "1700000000x", " 1700000000", "99999999999999999999",
                          "-9223372036854775808", "9223372036854775807"}) {
    INFO(bad);
    CHECK_FALSE(signed_at(bad));
  }
  CHECK_FALSE(signed_at("1700000000", ""));
  std::string good = standard("msg_1", "1700000000", body);
  auto with = [&](std::string signatures, std::string id = "msg_1") {
    return verify(
               {{"webhook-id", id}, {"webhook-timestamp", "1700000000"}, {"webhook-signature", signatures}},
               body)
        .accepted;
  };
  CHECK(with("v2,abc v1,AAAA " + good));
  CHECK_FALSE(with(good, "msg_2"));
  CHECK_FALSE(with("v1," + good.substr(3, 20)));
  CHECK_FALSE(with("v2," + good.substr(3)));
  CHECK_FALSE(with(""));
  // A wrong signature is not made good by the token.
  CHECK_FALSE(verify({{"webhook-id", "1"},
                      {"webhook-timestamp", "1700000000"},
                      {"webhook-signature", "v1,x"},
                      {"X-Gitlab-Token", kSecrets[0]}},
                     body)
                  .accepted);

  std::string raw = "raw key bytes of 24 len.";
  std::vector<std::string> encoded = {"whsec_" + base64(raw)};
  CHECK(verify_webhook({{"webhook-id", "i"},
                        {"webhook-timestamp", "1700000000"},
                        {"webhook-signature", standard("i", "1700000000", body, raw)}},
                       body, encoded, kNow)
            .accepted);
}

TEST_CASE("while a secret is rotated both are good") {
  std::vector<std::string> both = {"old-secret", "new-secret"};
  for (const std::string& secret : both) {
    CHECK(verify_webhook({{"X-Gitea-Signature", signature("{}", secret)}}, "{}", both, kNow).accepted);
    CHECK(verify_webhook({{"X-Gitlab-Token", secret}}, "{}", both, kNow).accepted);
  }
}

TEST_CASE("a body over 1 MiB is refused unread") {
  std::string body(kMaxWebhookBody + 1, 'x');
  CHECK(verify({{"X-Gitea-Signature", signature(body)}}, body).status == 413);
  body.pop_back();
  CHECK(verify({{"X-Gitea-Signature", signature(body)}}, body).accepted);
}

TEST_CASE("a signed payload of any shape does no harm and gives only plain hints") {
  auto hints = [](const std::string& body) {
    WebhookVerdict verdict = verify({{"X-Gitea-Signature", signature(body)}}, body);
    CHECK(verdict.accepted);
    return verdict.repository + "|" + verdict.ref;
  };
  CHECK(hints("") == "|");
  CHECK(hints("[]") == "|");
  CHECK(hints("{") == "|");
  CHECK(hints(R"({"ref":7,"repository":[]})") == "|");
  CHECK(hints(R"({"repository":{"clone_url":{"a":1},"full_name":"o/r"}})") == "o/r|");
  CHECK(hints(R"({"repository":{"full_name":"o/r"},"push":{"changes":[]}})") == "o/r|");
  CHECK(
      hints(
          R"({"repository":{"links":{"html":{"href":"https://bitbucket.org/o/r"}}},)"
              R"("push":{"changes":[{"new":{"name":"main"}}]}})") ==
      "https://bitbucket.org/o/r|main");
  CHECK(hints(R"({"push":{"changes":[{"new":null}]},"changes":[{"refId":"refs/heads/x"}]})") ==
        "|refs/heads/x");
  CHECK(hints(R"({"ref":"a\u001b[31mb"})") == "|");
  CHECK(hints(R"({"ref":")" + std::string(300, 'a') + "\"}") == "|");
  CHECK(hints(std::string(100'000, '[')) == "|");
}

TEST_CASE("pings are accepted and ask for nothing") {
  CHECK(verify({{"X-GitHub-Event", "ping"}, {"X-Hub-Signature-256", "sha256=" + signature("{}")}}, "{}")
            .is_ping);
  CHECK_FALSE(verify({{"X-GitHub-Event", "push"}, {"X-Hub-Signature-256", "sha256=" + signature("{}")}}, "{}")
                  .is_ping);
}

TEST_CASE("property: no changed byte of body or signature is accepted") {
  const uint64_t seed = 20261122;
  INFO("seed " << seed);
  Rng rng(seed);
  for (int i = 0; i < 500; ++i) {
    std::string body(1 + rng.below(200), '\0');
    for (char& c : body) c = static_cast<char>(rng.below(256));
    std::string good = "sha256=" + signature(body);
    REQUIRE(verify({{"X-Hub-Signature-256", good}}, body).accepted);
    std::string changed = body;
    changed[rng.below(changed.size())] ^= static_cast<char>(1 << rng.below(8));
    REQUIRE_FALSE(verify({{"X-Hub-Signature-256", good}}, changed).accepted);
    std::string forged = good;
    size_t at = 7 + rng.below(64);
    forged[at] = forged[at] == 'a' ? 'b' : 'a';
    REQUIRE_FALSE(verify({{"X-Hub-Signature-256", forged}}, body).accepted);
  }
}
