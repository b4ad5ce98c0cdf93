#include "reconciler/api/account_tokens.h"

#include <catch2/catch.hpp>

#include "reconciler/api/token_key.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/json.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

using api::AccountIdentity;
using api::AccountToken;
using api::AccountTokenOrder;

const std::string kJson = "Content-Type: application/json\r\n";
const std::string kAccounts = "/api/v1/namespaces/shop/serviceaccounts/";

// Made, or made anew; the uid the store gave it.
std::string put_account(FakeCore& core) {
  Key key{Kind::kServiceAccount, "shop", "robot"};
  if (core.current()->view.find(key)) core.remove(key);
  core.put(R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot","namespace":"shop"}})");
  return core.current()->view.find(key)->meta.uid;
}

std::string put_pod(FakeCore& core, const std::string& node) {
  core.put(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},"spec":{)"
           R"("serviceAccountName":"robot","nodeName":")" + node + R"(","containers":[{"name":"c","image":"i"}]}})");
  return core.current()->view.find(Kind::kPod, "shop", "web")->meta.uid;
}

Value claims_of(const std::string& token) {
  size_t first = token.find('.'), last = token.rfind('.');
  std::string body = token.substr(first + 1, last - first - 1);
  for (char& c : body) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (body.size() % 4 != 0) body += '=';
  return read_json(unbase64(body).value()).value();
}

std::string join(const ApiRig& rig, const std::string& node) {
  Answered made = rig.post("/agent/v1/tokens", R"({"ttlSeconds":60})");
  Answered joined = rig.ask_as(std::string(made.json().string_at("token")),
                               {"POST", "/agent/v1/join", "{\"node\":\"" + node + "\"}", kJson});
  REQUIRE(joined.status == 201);
  return std::string(joined.json().string_at("token"));
}

}  // namespace

TEST_CASE("a signed token is this key's, whole and unchanged, or nobody's") {
  auto key = api::TokenKey::make();
  auto other = api::TokenKey::make();
  REQUIRE(key.ok());
  REQUIRE(other.ok());
  Value claims = Value::map();
  claims.set("sub", "somebody");
  // Signatures whose numbers begin with zeroes come about once in 128 times.
  for (int i = 0; i < 300; ++i) {
    claims.set("n", i);
    std::string token = (*key)->sign(claims).value();
    std::optional<Value> read = (*key)->verify(token);
    REQUIRE(read);
    CHECK(*read == claims);
  }
  std::string token = (*key)->sign(claims).value();
  CHECK_FALSE((*other)->verify(token));
  for (size_t at = 0; at < token.size(); at += 7) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    if (changed == token) continue;
    INFO(at);
    // The last character of a part holds bits that count for nothing; all else must be refused.
    std::optional<Value> read = (*key)->verify(changed);
    CHECK((!read || *read == claims));
    bool in_text = at < token.rfind('.');
    CHECK((!read || !in_text));
  }
  for (const std::string& bad : {std::string(), std::string("a.b"), std::string("..."), token + ".x", token.substr(1),
                                 std::string(20000, 'a') + "." + std::string(20000, 'b') + ".c"}) {
    CHECK_FALSE((*key)->verify(bad));
  }
  // "alg": "none", and a head that names another algorithm.
  size_t first = token.find('.');
  for (const char* head : {R"({"alg":"none"})", R"({"alg":"HS256","typ":"JWT"})"}) {
    CHECK_FALSE((*key)->verify(base64url(head) + token.substr(first)));
    CHECK_FALSE((*key)->verify(base64url(head) + token.substr(first, token.rfind('.') - first) + "."));
  }
  auto again = api::TokenKey::parse((*key)->pem());
  CHECK((*again)->verify(token));
  CHECK((*again)->id() == (*key)->id());
}

TEST_CASE("kubectl create token: the token is the account's while both live") {
  ApiRig rig;
  std::string uid = put_account(rig.core);
  Answered made = rig.post(kAccounts + "robot/token",
                           R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{"expirationSeconds":900}})");
  REQUIRE(made.status == 201);
  Value answer = made.json();
  std::string token(answer.find_path({"status", "token"})->as_string());
  CHECK_FALSE(answer.find_path({"status", "expirationTimestamp"})->as_string().empty());
  Value claims = claims_of(token);
  CHECK(claims.string_at("sub") == "system:serviceaccount:shop:robot");
  CHECK(claims.string_at("iss") == api::kTokenIssuer);
  CHECK(claims.find("exp")->as_int() - claims.find("iat")->as_int() == 900);
  CHECK(claims.find_path({"kubernetes.io", "serviceaccount", "uid"})->as_string() == uid);

  // Known, and not allowed more than others who are no masters.
  CHECK(rig.ask_as(token, {"GET", "/api"}).status == 200);
  Answered refused = rig.ask_as(token, {"GET", "/api/v1/namespaces/shop/pods"});
  CHECK(refused.status == 403);
  CHECK(refused.body.find("system:serviceaccount:shop:robot") != std::string::npos);
  Answered self = rig.ask_as(token, {"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", kJson});
  CHECK(self.body.find("system:serviceaccounts:shop") != std::string::npos);

  CHECK(put_account(rig.core) != uid);  // deleted and made again
  CHECK(rig.ask_as(token, {"GET", "/api"}).status == 401);
  CHECK(rig.post(kAccounts + "nobody/token", "{}").status == 404);
  CHECK(rig.post(kAccounts + "robot/token", R"({"spec":{"expirationSeconds":10}})").status == 422);
  CHECK(rig.post(kAccounts + "robot/token", R"({"spec":{"boundObjectRef":{"kind":"Pod","name":"none"}}})").status == 404);
  CHECK(rig.post(kAccounts + "robot/token", R"({"spec":{"boundObjectRef":{"kind":"Deployment","name":"x"}}})").status == 422);
  CHECK(rig.get(kAccounts + "robot/token").status == 405);
}

TEST_CASE("a node gets tokens for its own pods and for no others") {
  ApiRig rig;
  put_account(rig.core);
  std::string uid = put_pod(rig.core, "n1");
  std::string mine = join(rig, "n1"), other = join(rig, "n2");
  auto ask = [&](const std::string& credential, const std::string& node, const std::string& pod,
                 const std::string& account = "robot") {
    return rig.ask_as(credential,
                      {"POST", "/agent/v1/nodes/" + node + "/tokens",
                       R"({"namespace":"shop","pod":"web","uid":")" + pod + R"(","serviceAccount":")" + account +
                           R"(","audience":"","expirationSeconds":3607})",
                       kJson});
  };
  Answered made = ask(mine, "n1", uid);
  REQUIRE(made.status == 201);
  std::string token(made.json().string_at("token"));
  CHECK(made.json().find("expirationSeconds")->as_int() == 3607);
  CHECK(claims_of(token).find_path({"kubernetes.io", "pod", "uid"})->as_string() == uid);
  CHECK(rig.ask_as(token, {"GET", "/api"}).status == 200);

  CHECK(ask(other, "n1", uid).status == 403);  // as another node
  CHECK(ask(other, "n2", uid).status == 403);  // a pod that is not its own
  CHECK(ask(mine, "n1", "pod-0").status == 403);
  CHECK(ask(mine, "n1", uid, "default").status == 403);
  CHECK(ask(token, "n1", uid).status == 403);

  rig.core.remove({Kind::kPod, "shop", "web"});
  CHECK(rig.ask_as(token, {"GET", "/api"}).status == 401);  // the token goes with its pod
}

TEST_CASE("tokens have an audience and an end") {
  TemporaryDirectory dir;
  auto key = api::TokenKeys::open(dir.path());
  REQUIRE(key.ok());
  api::AccountTokens tokens(std::move(*key));
  FakeCore core;
  std::string uid = put_account(core);
  const Snapshot view = core.current()->view;
  const WallTime now = *parse_rfc3339("2026-01-01T00:00:00Z");
  AccountTokenOrder order;
  order.ns = "shop";
  order.account = "robot";
  Result<AccountToken> plain = tokens.issue(order, view, now);
  order.audiences = {"vault", "mail"};
  Result<AccountToken> vault = tokens.issue(order, view, now);
  REQUIRE(plain.ok());
  REQUIRE(vault.ok());
  CHECK(plain->expires == now + 1h);
  CHECK(tokens.authenticate(plain->text, {}, view, now + 3599s));
  CHECK_FALSE(tokens.authenticate(plain->text, {}, view, now + 1h));
  CHECK_FALSE(tokens.authenticate(plain->text, {}, view, now - 1s));
  CHECK_FALSE(tokens.authenticate(vault->text, {}, view, now));
  std::optional<AccountIdentity> for_vault = tokens.authenticate(vault->text, {"vault", "x"}, view, now);
  REQUIRE(for_vault);
  CHECK(for_vault->audiences == std::vector<std::string>{"vault"});
  CHECK(for_vault->account_uid == uid);
  CHECK_FALSE(tokens.authenticate(plain->text, {}, FakeCore().current()->view, now));
}

TEST_CASE("others can check tokens: by review, or by the published key") {
  ApiRig rig;
  put_account(rig.core);
  Answered made = rig.post(kAccounts + "robot/token", R"({"spec":{"audiences":["vault"]}})");
  REQUIRE(made.status == 201);
  std::string token(made.json().find_path({"status", "token"})->as_string());
  auto review = [&](const std::string& text, const std::string& audiences) {
    return rig.post("/apis/authentication.k8s.io/v1/tokenreviews",
                    R"({"spec":{"token":")" + text + R"(","audiences":)" + audiences + "}}")
        .json();
  };
  Value good = review(token, R"(["vault"])");
  CHECK(good.find_path({"status", "authenticated"})->as_bool());
  CHECK(good.find_path({"status", "user", "username"})->as_string() == "system:serviceaccount:shop:robot");
  CHECK_FALSE(review(token, "[]").find_path({"status", "authenticated"})->as_bool());
  CHECK_FALSE(review("rubbish", "[]").find_path({"status", "authenticated"})->as_bool());
  CHECK(review(rig.tokens->admin_token(), "[]").find_path({"status", "user", "username"})->as_string() == "admin");

  Value keys = rig.get("/openid/v1/jwks").json();
  REQUIRE(keys.find("keys")->as_list().size() == 1);
  CHECK(keys.find("keys")->as_list()[0].string_at("crv") == "P-256");
  CHECK(rig.get("/.well-known/openid-configuration").json().string_at("issuer") == api::kTokenIssuer);
  CHECK(rig.ask_as("", {"GET", "/openid/v1/jwks"}).status == 401);
}

}  // namespace mainstay::test
