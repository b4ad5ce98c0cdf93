#include "reconciler/api/auth.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "reconciler/api/access.h"
#include "reconciler/api/private_file.h"
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

TEST_CASE("a node has one credential at a time") {
  TemporaryDirectory dir;
  auto store = open(dir);
  Result<std::string> first = store->issue_node_credential("n1", kNow);
  REQUIRE(first.ok());
  CHECK(user_of(*store, *first) == "system:node:n1");
  Result<std::string> second = store->issue_node_credential("n1", kNow);
  REQUIRE(second.ok());
  CHECK(user_of(*store, *first) == "nobody");
  CHECK(user_of(*open(dir), *second) == "system:node:n1");
  CHECK(store->revoke_node_credential("n1").ok());
  CHECK(user_of(*store, *second) == "nobody");
  for (const char* name : {"", "N1", "a/b", "-a", "a b", "x:y"}) {
    INFO(name);
    CHECK(store->issue_node_credential(name, kNow).error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("a change that cannot be written does not happen") {
  TemporaryDirectory dir;
  auto store = open(dir);
  std::filesystem::remove(dir.path() + "/tokens.json");
  std::filesystem::create_directory(dir.path() + "/tokens.json");
  CHECK_FALSE(store->issue_node_credential("n1", kNow).ok());
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
