// The network stream at the agents' door: agents say what they have, the update is made once for all of them.
#include <catch2/catch.hpp>

#include "reconciler/core/network_stream.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

const std::string kJson = "Content-Type: application/json\r\n";

std::string join(const ApiRig& rig, const std::string& node) {
  Answered made = rig.post("/agent/v1/tokens", R"({"description":"test","ttlSeconds":60})");
  REQUIRE(made.status == 201);
  std::string token(made.json().string_at("token"));
  Answered joined = rig.ask_as(token, {"POST", "/agent/v1/join", "{\"node\":\"" + node + "\"}", kJson});
  REQUIRE(joined.status == 201);
  return std::string(joined.json().string_at("token"));
}

std::string target(const std::string& node, const AgentHas& has) {
  std::string out = "/agent/v1/nodes/" + node + "/poll?wait=0&epoch=" + std::to_string(has.assignment.epoch) +
                    "&number=" + std::to_string(has.assignment.number);
  if (!has.wants_network) return out;
  return out + "&networkEpoch=" + std::to_string(has.network.epoch) +
         "&networkNumber=" + std::to_string(has.network.number) + "&networkDigest=" + has.network_digest;
}

AgentPollAnswer poll(const ApiRig& rig, const std::string& token, const std::string& node, const AgentHas& has) {
  Answered answered = rig.ask_as(token, {"GET", target(node, has)});
  REQUIRE(answered.status == 200);
  Result<AgentPollAnswer> decoded = decode_poll_answer(answered.body);
  REQUIRE(decoded.ok());
  return std::move(*decoded);
}

const std::string kService =
    R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default"},)"
    R"("spec":{"type":"ClusterIP","clusterIP":"10.96.3.4","ports":[{"port":80,"protocol":"TCP"}]}})";

std::string slice(bool ready) {
  return R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"web-1","namespace":)"
         R"("default","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4","ports":[{"port":8080}],)"
         R"("endpoints":[{"addresses":["10.1.0.7"],"conditions":{"ready":)" +
         std::string(ready ? "true" : "false") + "}}]}";
}

}  // namespace

TEST_CASE("an agent is told the network, then what changes of it") {
  ApiRig rig;
  std::string token = join(rig, "n1");
  rig.core.put(kService);
  rig.core.put(slice(true));
  AgentHas has;
  AgentPollAnswer first = poll(rig, token, "n1", has);
  CHECK(first.has_assignment);
  REQUIRE(first.network);
  CHECK(first.network->whole);
  Result<NetworkState> state = applied({}, *first.network);
  REQUIRE(state.ok());
  CHECK(state->services.at("default/web")->cluster_ip == "10.96.3.4");
  CHECK(state->slices.at("default/web-1")->endpoints.at(0).ready);
  has.assignment = first.assignment.at;
  has.network = state->at;
  has.network_digest = state->digest;
  CHECK_FALSE(poll(rig, token, "n1", has).network);
  rig.core.put(slice(false));
  AgentPollAnswer second = poll(rig, token, "n1", has);
  CHECK_FALSE(second.has_assignment);
  REQUIRE(second.network);
  CHECK_FALSE(second.network->whole);
  CHECK(second.network->items.size() == 1);
  state = applied(*state, *second.network);
  REQUIRE(state.ok());
  CHECK_FALSE(state->slices.at("default/web-1")->endpoints.at(0).ready);
  // An agent of before the stream is told of none.
  AgentHas old = has;
  old.wants_network = false;
  CHECK_FALSE(poll(rig, token, "n1", old).network);
  CHECK(rig.ask_as(token, {"GET", "/agent/v1/nodes/n1/poll?networkNumber=x"}).status == 400);
  CHECK(rig.ask_as(token, {"GET", "/agent/v1/nodes/n1/poll?networkNumber=1&networkDigest=%22%0d%0a"}).status == 200);
}

TEST_CASE("one change for a thousand nodes that wait is put together once") {
  ApiRig rig;
  rig.core.put(kService);
  rig.core.put(slice(true));
  std::shared_ptr<const Publication> before = rig.core.current();
  api::AgentLinks links(before);
  constexpr int kNodes = 1000;
  AgentHas has;
  has.assignment = {before->epoch, before->view.version()};
  has.network = {before->epoch, before->network->number};
  has.network_digest = before->network->digest;
  std::vector<std::shared_ptr<api::Deferred>> waiting;
  std::atomic<int> answered{0};
  for (int i = 0; i < kNodes; ++i) {
    waiting.push_back(std::get<std::shared_ptr<api::Deferred>>(links.poll("n" + std::to_string(i), has, 60s)));
    waiting.back()->on_status([&](int) { ++answered; });
  }
  rig.core.put(slice(false));
  links.publish(rig.core.current());
  CHECK(eventually([&] { return answered == kNodes; }));
  CHECK(links.network_updates() == 1);
  links.stop();
}

}  // namespace mainstay::test
