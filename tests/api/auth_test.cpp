#include "reconciler/api/auth.h"

#include <catch2/catch.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "reconciler/api/access.h"
#include "reconciler/store/private_file.h"
#include "tests/api/loopback.h"

namespace mainstay::api {
namespace {

using mainstay::test::TemporaryDirectory;

const WallTime kNow = *parse_rfc3339("2026-01-01T00:00:00Z");

std::unique_ptr<TokenStore> open(const TemporaryDirectory& dir) {
  auto store = TokenStore::open(dir.path());
  REQUIRE(store.ok());
  return std::move(store).value();
}

std::string user_of(const TokenStore& store, std::string_view token, WallTime now = kNow) {
  std::optional<Identity> identity = store.authenticate(token, now);
  return identity ? identity->user : "nobody";
}

std::string issue(TokenStore& store, const std::string& node) {
  Result<IssuedCredential> issued = store.issue_node_credential(node, "", kNow);
  REQUIRE(issued.ok());
  return issued->text;
}

Request request(std::string method, std::string path, Identity identity) {
  Request made;
  made.method = std::move(method);
  made.path = std::move(path);
  made.identity = std::move(identity);
  return made;
}

bool allowed(const Request& made) { return !forbidden_for(made, parse_resource_path(made.path)); }

}  // namespace

TEST_CASE("the administrator's token is made once and is a master's") {
  TemporaryDirectory dir;
  std::string token = open(dir)->admin_token();
  CHECK(token.size() >= 40);
  auto store = open(dir);
  CHECK(store->admin_token() == token);
  std::optional<Identity> identity = store->authenticate(token, kNow);
  REQUIRE(identity);
  CHECK(identity->user == "admin");
  CHECK(identity->in_group(kMastersGroup));
  CHECK(identity->in_group(kAuthenticatedGroup));
  CHECK(user_of(*store, "") == "nobody");
  CHECK(user_of(*store, token + "x") == "nobody");
  CHECK(user_of(*store, token.substr(1)) == "nobody");
}

TEST_CASE("join tokens expire, can be revoked, and only their digests are kept") {
  TemporaryDirectory dir;
  auto store = open(dir);
  Result<std::string> token = store->create_join_token("rack 7", Duration(24h), kNow);
  Result<std::string> forever = store->create_join_token("", std::nullopt, kNow);
  REQUIRE(token.ok());
  REQUIRE(forever.ok());
  CHECK(read_whole_file(dir.path() + "/tokens.json")->find(*token) == std::string::npos);
  CHECK(user_of(*store, *token).starts_with("system:bootstrap:"));
  CHECK(user_of(*store, *token, kNow + 23h).starts_with("system:bootstrap:"));
  CHECK(user_of(*store, *token, kNow + 24h) == "nobody");
  CHECK(store->join_tokens(kNow).size() == 2);
  CHECK(store->join_tokens(kNow + 25h).size() == 1);

  auto again = open(dir);
  CHECK(user_of(*again, *token).starts_with("system:bootstrap:"));
  for (const JoinToken& listed : again->join_tokens(kNow)) CHECK(again->revoke_join_token(listed.id).ok());
  CHECK(user_of(*again, *token) == "nobody");
  CHECK(user_of(*again, *forever) == "nobody");
  CHECK(again->revoke_join_token("none").error().code == ErrorCode::kNotFound);
  CHECK(user_of(*open(dir), *token) == "nobody");
}

TEST_CASE("a node that joins anew has one credential") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::string first = issue(*store, "n1"), second = issue(*store, "n1");
  CHECK(user_of(*store, first) == "nobody");
  CHECK(user_of(*open(dir), second) == "system:node:n1");
  CHECK(read_whole_file(dir.path() + "/tokens.json")->find(second) == std::string::npos);
  for (const char* name : {"", "N1", "a/b", "-a", "a b", "x:y"}) {
    INFO(name);
    CHECK(store->issue_node_credential(name, "", kNow).error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("a join token does not take the place of a node that joined with another") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::string own = store->issue_node_credential("n1", "aaaa", kNow)->text;
  Result<IssuedCredential> other = store->issue_node_credential("n1", "bbbb", kNow);
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().code == ErrorCode::kExists);
  CHECK(other.error().message.find("kubectl delete node n1") != std::string::npos);
  CHECK(user_of(*store, own) == "system:node:n1");
  CHECK(store->issue_node_credential("n1", "aaaa", kNow).ok());  // its answer may have been lost
  // Not while a machine of that name is at work.
  CHECK(store->issue_node_credential("n1", "aaaa", kNow, true).error().message.find("is Ready; another machine") !=
        std::string::npos);
  CHECK(store->issue_node_credential("n2", "aaaa", kNow, true).ok());  // one whose credential has ended
  CHECK(store->revoke_node_credential("n1", kNow).ok());
  CHECK(store->issue_node_credential("n1", "bbbb", kNow).ok());
}

TEST_CASE("a renewed credential and the one before are both good until the renewed one is used") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::string first = issue(*store, "n1"), other = issue(*store, "n2");
  Result<IssuedCredential> renewed = store->renew_node_credential(first, kNow);
  REQUIRE(renewed.ok());
  CHECK(renewed->life == kCredentialLife);
  store->note_use(first);
  store->note_use(other);
  auto again = open(dir);
  CHECK(user_of(*again, first) == "system:node:n1");
  CHECK(user_of(*again, renewed->text) == "system:node:n1");
  again->note_use(renewed->text);
  CHECK(user_of(*again, first) == "nobody");
  CHECK(user_of(*again, other) == "system:node:n2");
  CHECK(user_of(*open(dir), first) == "nobody");
  CHECK(user_of(*open(dir), renewed->text) == "system:node:n1");
  CHECK(again->renew_node_credential(first, kNow).error().code == ErrorCode::kDenied);
  CHECK(again->renew_node_credential(again->admin_token(), kNow).error().code == ErrorCode::kDenied);
}

TEST_CASE("answers that are lost leave the credential in use good, and few others") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::string own = issue(*store, "n1"), last;
  std::vector<std::string> lost;
  for (int i = 0; i < 10; ++i) {
    last = store->renew_node_credential(own, kNow + std::chrono::seconds(i))->text;
    lost.push_back(last);
  }
  auto good = [&] {
    return std::count_if(lost.begin(), lost.end(), [&](auto& one) { return user_of(*store, one) != "nobody"; });
  };
  CHECK(good() == 3);
  CHECK(user_of(*store, own) == "system:node:n1");
  CHECK(user_of(*store, last) == "system:node:n1");
  store->note_use(last);
  CHECK(good() == 1);
  CHECK(user_of(*store, own) == "nobody");
}

TEST_CASE("a credential ends, is revoked or goes with its node, and what became of it is known for a year") {
  TemporaryDirectory dir;
  auto store = TokenStore::open(dir.path(), 24h).value();
  std::string expired = issue(*store, "n1"), revoked = issue(*store, "n2"), deleted = issue(*store, "n3");
  REQUIRE(store->node_credential(expired, kNow));
  CHECK(store->node_credential(expired, kNow)->expires == kNow + 24h);
  CHECK(store->node_credentials(kNow).size() == 3);
  CHECK_FALSE(store->ended_credential(expired, kNow));
  CHECK(store->revoke_node_credential("n2", kNow + 1h).ok());
  CHECK(store->revoke_node_credential("n2", kNow + 1h).error().code == ErrorCode::kNotFound);
  CHECK(store->end_deleted_nodes({"n3", "n4"}, kNow + 2h).ok());
  CHECK(user_of(*store, revoked) == "nobody");
  CHECK(user_of(*store, deleted) == "nobody");
  CHECK(user_of(*store, expired, kNow + 23h) == "system:node:n1");
  CHECK(user_of(*store, expired, kNow + 24h) == "nobody");
  CHECK(store->renew_node_credential(expired, kNow + 24h).error().code == ErrorCode::kDenied);

  auto again = open(dir);
  REQUIRE(again->sweep(kNow + 300 * 24h).ok());
  auto became = [&](const std::string& text) { return again->ended_credential(text, kNow + 24h); };
  REQUIRE(became(expired));
  CHECK(became(expired)->why == EndedCredential::Why::kExpired);
  CHECK(became(expired)->when == kNow + 24h);
  REQUIRE(became(revoked));
  CHECK(became(revoked)->why == EndedCredential::Why::kRevoked);
  REQUIRE(became(deleted));
  CHECK(became(deleted)->why == EndedCredential::Why::kNodeDeleted);
  CHECK(became(deleted)->node == "n3");
  CHECK_FALSE(became("node-nonsense"));
  CHECK_FALSE(became(again->admin_token()));
  REQUIRE(again->sweep(kNow + 367 * 24h).ok());
  for (const std::string& text : {expired, revoked, deleted}) CHECK_FALSE(became(text));
}

TEST_CASE("join tokens that have ended are swept away") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::string token = store->create_join_token("rack 7", Duration(24h), kNow).value();
  std::string file = dir.path() + "/tokens.json";
  REQUIRE(store->sweep(kNow + 23h).ok());
  CHECK(read_whole_file(file)->find("rack 7") != std::string::npos);
  REQUIRE(store->sweep(kNow + 24h).ok());
  CHECK(read_whole_file(file)->find("rack 7") == std::string::npos);
  CHECK(token.find(join_token_id(token)) == 5);
  CHECK(join_token_id(token).size() == 10);
}

TEST_CASE("a change that cannot be written does not happen") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::filesystem::remove(dir.path() + "/tokens.json");
  std::filesystem::create_directory(dir.path() + "/tokens.json");
  CHECK_FALSE(store->issue_node_credential("n1", "", kNow).ok());
  CHECK_FALSE(store->create_join_token("", std::nullopt, kNow).ok());
  CHECK(store->join_tokens(kNow).empty());
}

TEST_CASE("a file of static tokens is read as Kubernetes' is") {
  TemporaryDirectory dir;
  std::string path = dir.path() + "/static.csv";
  std::ofstream(path) << "# people\nsecret-one,bob,1,\"dev,system:masters\"\nsecret-two,eve,2,a|b\n\nsecret-3,joe\n";
  auto store = open(dir);
  REQUIRE(store->load_static_tokens(path).ok());
  std::optional<Identity> bob = store->authenticate("secret-one", kNow);
  REQUIRE(bob);
  CHECK(bob->groups == std::vector<std::string>{"dev", "system:masters", "system:authenticated"});
  CHECK(store->authenticate("secret-two", kNow)->groups ==
        std::vector<std::string>{"a", "b", "system:authenticated"});
  CHECK(user_of(*store, "secret-3") == "joe");

  std::ofstream(path) << "fine,bob,1\nwrong\n";
  Status bad = store->load_static_tokens(path);
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().message.find("static.csv:2:") != std::string::npos);
  CHECK(user_of(*store, "fine") == "nobody");
}

TEST_CASE("files that are not understood are an error, not an empty store") {
  TemporaryDirectory dir;
  std::ofstream(dir.path() + "/tokens.json") << "{\"tokens\":[{\"kind\":\"node\"}]}";
  CHECK(TokenStore::open(dir.path()).error().code == ErrorCode::kCorrupt);
  std::ofstream(dir.path() + "/tokens.json") << "nonsense";
  CHECK(TokenStore::open(dir.path()).error().code == ErrorCode::kCorrupt);
}

TEST_CASE("the bearer token is read from the header") {
  Request made;
  made.headers = {{"authorization", "bearer   abc"}};
  CHECK(bearer_token(made) == "abc");
  made.headers = {{"Authorization", "Basic abc"}};
  CHECK(bearer_token(made).empty());
}

TEST_CASE("who may do what") {
  Identity admin{"admin", {"system:masters", "system:authenticated"}};
  Identity node{"system:node:n1", {"system:nodes", "system:authenticated"}};
  Identity joining{"system:bootstrap:abc", {"system:bootstrappers", "system:authenticated"}};
  Identity bob{"bob", {"system:authenticated"}};
  Identity liar{"system:node:n1", {"system:authenticated"}};
  const std::string secrets = "/api/v1/namespaces/default/secrets";

  CHECK(allowed(request("DELETE", secrets, admin)));
  CHECK(allowed(request("GET", "/metrics", admin)));
  CHECK(allowed(request("GET", "/agent/v1/nodes/n1/poll", node)));
  CHECK_FALSE(allowed(request("GET", "/agent/v1/nodes/n2/poll", node)));
  CHECK_FALSE(allowed(request("GET", "/agent/v1/nodes/n1x/poll", node)));
  CHECK_FALSE(allowed(request("GET", "/agent/v1/tokens", node)));
  CHECK_FALSE(allowed(request("GET", "/agent/v1/nodes/n1/poll", liar)));
  for (const char* method : {"GET", "POST", "DELETE"}) {
    CHECK(allowed(request(method, "/agent/v1/nodes/n1/credential", node)));
    CHECK_FALSE(allowed(request(method, "/agent/v1/nodes/n2/credential", node)));
    CHECK_FALSE(allowed(request(method, "/agent/v1/nodes/n1/credential", joining)));
    CHECK_FALSE(allowed(request(method, "/agent/v1/tokens/abc", node)));
    CHECK_FALSE(allowed(request(method, "/mainstay/v1/keys", node)));
    CHECK_FALSE(allowed(request(method, "/mainstay/v1/keys/secrets/rotate", bob)));
  }
  CHECK_FALSE(allowed(request("GET", "/agent/v1/nodes/n1/poll", joining)));
  CHECK_FALSE(allowed(request("GET", secrets, node)));
  CHECK(allowed(request("POST", "/agent/v1/join", joining)));
  CHECK_FALSE(allowed(request("POST", "/agent/v1/join", bob)));
  CHECK_FALSE(allowed(request("GET", secrets, joining)));
  CHECK(allowed(request("GET", "/apis", bob)));
  CHECK(allowed(request("GET", "/api/v1", bob)));
  CHECK_FALSE(allowed(request("GET", "/metrics", bob)));
  CHECK(allowed(request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", bob)));
  CHECK(is_public_path("/healthz"));
  CHECK_FALSE(is_public_path("/api"));
}

TEST_CASE("a refusal is worded as Kubernetes words it") {
  Identity bob{"bob", {}};
  auto text = [&](const std::string& method, const std::string& path) {
    Request made = request(method, path, bob);
    std::optional<Response> refused = forbidden_for(made, parse_resource_path(path));
    REQUIRE(refused);
    CHECK(refused->status == 403);
    return *refused->body;
  };
  CHECK(text("GET", "/api/v1/namespaces/default/pods")
            .find(R"(pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\")") !=
        std::string::npos);
  CHECK(text("PATCH", "/apis/apps/v1/namespaces/a/deployments/web/scale")
            .find(R"(deployments.apps \"web\" is forbidden: User \"bob\" cannot patch resource \"deployments/scale\" in API group \"apps\")") !=
        std::string::npos);
  CHECK(text("GET", "/api/v1/nodes").find("at the cluster scope") != std::string::npos);
  CHECK(text("GET", "/metrics").find(R"(forbidden: User \"bob\" cannot get path \"/metrics\")") !=
        std::string::npos);
}

TEST_CASE("paths name resources") {
  auto path = parse_resource_path("/apis/apps/v1/namespaces/default/deployments/web/scale");
  REQUIRE(path);
  CHECK(path->group == "apps");
  CHECK(path->version == "v1");
  CHECK(path->ns == "default");
  CHECK(path->resource == "deployments");
  CHECK(path->name == "web");
  CHECK(path->subresource == "scale");
  REQUIRE(path->kind);
  CHECK(path->kind->id == Kind::kDeployment);
  CHECK(parse_resource_path("/api/v1/namespaces")->resource == "namespaces");
  CHECK(parse_resource_path("/api/v1/namespaces/x")->name == "x");
  CHECK(parse_resource_path("/api/v1/namespaces/x/status")->subresource == "status");
  CHECK(parse_resource_path("/api/v1/namespaces/x/finalize")->resource == "namespaces");
  CHECK(parse_resource_path("/api/v1/namespaces/x/pods")->ns == "x");
  CHECK(parse_resource_path("/apis/nothing/v1/things")->kind == nullptr);
  CHECK_FALSE(parse_resource_path("/api/v1"));
  CHECK_FALSE(parse_resource_path("/apis/apps/v1"));
  CHECK_FALSE(parse_resource_path("/healthz"));
}

}  // namespace mainstay::api
