#include "reconciler/api/token_keys.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "reconciler/api/account_tokens.h"
#include "reconciler/store/private_file.h"
#include "schema/base/clock.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

using api::TokenKeys;

const WallTime kNow = *parse_rfc3339("2026-01-01T00:00:00Z");

std::unique_ptr<TokenKeys> open(const TemporaryDirectory& dir) {
  auto keys = TokenKeys::open(dir.path());
  REQUIRE(keys.ok());
  return std::move(keys).value();
}

std::string file_of(const TemporaryDirectory& dir) { return dir.path() + "/pki/service-accounts.key"; }

Value claims() {
  Value out = Value::map();
  out.set("sub", "somebody");
  return out;
}

}  // namespace

TEST_CASE("a rotated key checks until the last token it signed has ended, also over a restart") {
  TemporaryDirectory dir;
  auto keys = open(dir);
  std::string token = keys->sign(claims(), kNow + 1h).value(), first = keys->list(kNow)[0].id;
  std::string longer = keys->sign(claims(), kNow + 48h).value();
  std::string second = keys->rotate(false, kNow).value();
  CHECK(second != first);
  CHECK(keys->verify(token, kNow));
  std::string fresh = keys->sign(claims(), kNow + 1h).value();
  keys = open(dir);
  CHECK(std::filesystem::status(file_of(dir)).permissions() == std::filesystem::perms(0600));
  auto listed = keys->list(kNow);
  REQUIRE(listed.size() == 2);
  CHECK((listed[0].id == second && listed[0].signs));
  CHECK((listed[1].id == first && !listed[1].signs));
  CHECK(keys->public_keys(kNow).as_list().size() == 2);
  CHECK(keys->public_keys(kNow).as_list()[0].string_at("kid") == second);
  for (const std::string& text : {token, longer, fresh}) CHECK(keys->verify(text, kNow));

  REQUIRE(listed[1].tokens_end);
  WallTime end = *listed[1].tokens_end;
  CHECK(end >= kNow + 48h);
  CHECK(end <= kNow + 3 * 24h);
  REQUIRE(keys->sweep(kNow + 47h).ok());
  CHECK(keys->verify(longer, kNow + 47h));
  CHECK_FALSE(keys->verify(longer, end));
  CHECK(keys->public_keys(end).as_list().size() == 1);
  CHECK(std::filesystem::file_size(file_of(dir)) > 400);
  REQUIRE(keys->sweep(end).ok());
  CHECK(std::filesystem::file_size(file_of(dir)) < 400);
  CHECK(open(dir)->list(kNow).size() == 1);
  CHECK(open(dir)->verify(fresh, kNow));
}

TEST_CASE("forgetting ends every token signed before") {
  TemporaryDirectory dir;
  auto keys = open(dir);
  std::string token = keys->sign(claims(), kNow + 1h).value();
  REQUIRE(keys->rotate(false, kNow).ok());
  REQUIRE(keys->rotate(true, kNow).ok());
  CHECK_FALSE(keys->verify(token, kNow));
  CHECK(keys->list(kNow).size() == 1);
}

TEST_CASE("signing seldom writes, and never gives out what the file does not know the end of") {
  TemporaryDirectory dir;
  auto keys = open(dir);
  REQUIRE(keys->sign(claims(), kNow + 1h).ok());
  auto written = std::filesystem::last_write_time(file_of(dir));
  for (int i = 0; i < 24; ++i) REQUIRE(keys->sign(claims(), kNow + i * 1h).ok());
  CHECK(std::filesystem::last_write_time(file_of(dir)) == written);
  std::filesystem::remove(file_of(dir));
  std::filesystem::create_directory(file_of(dir));
  CHECK_FALSE(keys->sign(claims(), kNow + 1000h).ok());
  CHECK(keys->sign(claims(), kNow + 2h).ok());
}

TEST_CASE("a key file of a version before: its tokens' end is not known, so it is kept") {
  TemporaryDirectory dir;
  auto key = api::TokenKey::make();
  std::string token = (*key)->sign(claims()).value();
  REQUIRE(make_private_directory(dir.path() + "/pki").ok());
  REQUIRE(write_private_file(file_of(dir), (*key)->pem()).ok());
  auto keys = open(dir);
  CHECK(keys->verify(token, kNow));
  REQUIRE(keys->sign(claims(), kNow + 1h).ok());
  REQUIRE(keys->rotate(false, kNow).ok());
  REQUIRE(keys->sweep(kNow + 24h * 10'000).ok());
  CHECK(open(dir)->verify(token, kNow + 24h * 10'000));
  CHECK_FALSE(open(dir)->list(kNow)[1].tokens_end);
}

TEST_CASE("a key file that is broken anywhere needs a person") {
  TemporaryDirectory dir;
  auto keys = open(dir);
  REQUIRE(keys->rotate(false, kNow).ok());
  std::string whole = read_whole_file(file_of(dir)).value();
  for (const std::string& text : {std::string(), std::string("nonsense"), whole.substr(0, whole.size() - 60)}) {
    std::ofstream(file_of(dir)) << text;
    CHECK(TokenKeys::open(dir.path()).error().code == ErrorCode::kCorrupt);
  }
}

TEST_CASE("keys are looked at and rotated by the administrator only; the documents show both") {
  api::ServiceSettings settings;
  int rotated = 0;
  settings.rotate_secrets = [&]() -> Result<size_t> {
    if (++rotated > 1) return error(ErrorCode::kUnavailable, "the journal does not run");
    return 12;
  };
  ApiRig rig(false, std::move(settings));
  std::string node = rig.tokens->issue_node_credential("n1", "", read_clock().wall)->text;
  const std::string at = "/mainstay/v1/keys";
  rig.core.put(R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot","namespace":"shop"}})");
  Answered made = rig.post("/api/v1/namespaces/shop/serviceaccounts/robot/token", "{}");
  std::string token(made.json().find_path({"status", "token"})->as_string());
  for (const std::string& other : {node, token}) {
    CHECK(rig.ask_as(other, {"GET", at}).status == 403);
    CHECK(rig.ask_as(other, {"POST", at + "/service-accounts/rotate"}).status == 403);
    CHECK(rig.ask_as(other, {"POST", at + "/secrets/rotate"}).status == 403);
  }
  CHECK(rig.get(at).json().find("serviceAccounts")->as_list().size() == 1);
  CHECK(rig.post(at + "/service-accounts/rotate", "{}").status == 200);
  CHECK(rig.get(at).json().find("serviceAccounts")->as_list().size() == 2);
  CHECK(rig.ask_as(token, {"GET", "/openid/v1/jwks"}).json().find("keys")->as_list().size() == 2);
  CHECK(rig.post(at + "/service-accounts/rotate", R"({"forget":true})").status == 200);
  CHECK(rig.ask_as(token, {"GET", "/openid/v1/jwks"}).status == 401);
  CHECK(rig.post(at + "/secrets/rotate", "").json().find("bodies")->as_int() == 12);
  CHECK(rig.post(at + "/secrets/rotate", "").status == 503);
  CHECK(rig.get(at + "/secrets/rotate").status == 405);
  CHECK(rig.post(at + "/others/rotate", "").status == 404);
}

}  // namespace mainstay::test
