#include <catch2/catch.hpp>

#include "schema/json.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

const std::string kReview = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const std::string kReviewBody = R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})";

Answered as(const ApiRig& rig, const std::string& headers, const std::string& method = "GET",
            const std::string& target = "/api/v1/pods", const std::string& body = "") {
  return rig.ask({method, target, body, headers + "Content-Type: application/json\r\n"});
}

}  // namespace

TEST_CASE("who acts in somebody else's name may do what that one may, and no more") {
  ApiRig rig;
  CHECK(as(rig, "").status == 200);
  CHECK(as(rig, "Impersonate-User: bob\r\n").status == 403);
  CHECK(as(rig, "impersonate-user: bob\r\nImpersonate-Group: system:masters\r\n").status == 200);
  Value who = as(rig, "Impersonate-User: system:serviceaccount:shop:bot\r\n", "POST", kReview, kReviewBody).json();
  const Value* user = who.find_path({"status", "userInfo"});
  REQUIRE(user != nullptr);
  CHECK(user->string_at("username") == "system:serviceaccount:shop:bot");
  CHECK(to_json(*user->find("groups")) ==
        R"(["system:serviceaccounts","system:serviceaccounts:shop","system:authenticated"])");
}

TEST_CASE("only administrators act in somebody else's name, and a wish without a user is refused") {
  ApiRig rig;
  std::string token(rig.post("/agent/v1/tokens", "{}").json().string_at("token"));
  Answered refused = rig.ask_as(token, {"GET", "/api", "", "Impersonate-User: admin\r\n"});
  CHECK(refused.status == 403);
  CHECK(refused.body.find("cannot impersonate resource") != std::string::npos);
  CHECK(as(rig, "Impersonate-Group: system:masters\r\n").status == 400);
  CHECK(as(rig, "Impersonate-Extra-scopes: view\r\n").status == 400);
}

TEST_CASE("a token that nobody has is refused also where none is needed") {
  ApiRig rig;
  CHECK(rig.ask_as("nonsense", {"GET", "/version", "", ""}).status == 401);
  CHECK(rig.ask_as("", {"GET", "/version", "", ""}).status == 200);
}

}  // namespace mainstay::test
