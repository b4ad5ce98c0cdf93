#include <catch2/catch.hpp>
#include <algorithm>
#include <atomic>
#include <thread>

#include "schema/agent_messages.h"
#include "schema/base/clock.h"
#include "schema/json.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

const std::string kPods = "/api/v1/namespaces/default/pods";
const std::string kJson = "Content-Type: application/json\r\n";

std::string pod_json(const std::string& name, const std::string& node) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","namespace":"default"},"spec":{"nodeName":")" + node +
         R"(","containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running","containerStatuses":[{"name":"c",)"
         R"("image":"i","imageID":"","ready":true,"restartCount":0,"state":{"running":{}}}]}})";
}

// Joins as an agent would; the node's token.
std::string join(const ApiRig& rig, const std::string& node) {
  Answered made = rig.post("/agent/v1/tokens", R"({"description":"test","ttlSeconds":60})");
  REQUIRE(made.status == 201);
  std::string token(made.json().string_at("token"));
  Answered joined = rig.ask_as(token, {"POST", "/agent/v1/join", "{\"node\":\"" + node + "\"}", kJson});
  REQUIRE(joined.status == 201);
  return std::string(joined.json().string_at("token"));
}

// A request whose answer is read later.
Client begin(const ApiRig& rig, const std::string& token, const std::string& target, const std::string& headers = "") {
  Client client(rig.server->port());
  client.send("GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n" + headers + "\r\n");
  return client;
}

AgentPollAnswer poll_answer(const std::string& response) {
  Result<AgentPollAnswer> decoded = decode_poll_answer(response.substr(response.find("\r\n\r\n") + 4));
  REQUIRE(decoded.ok());
  return std::move(decoded).value();
}

std::string poll_target(const std::string& node, AssignmentNumber have) {
  return "/agent/v1/nodes/" + node + "/poll?epoch=" + std::to_string(have.epoch) +
         "&number=" + std::to_string(have.number);
}

}  // namespace

TEST_CASE("a node joins with a token and then reaches only its own") {
  ApiRig rig;
  std::string token = join(rig, "n1");
  CHECK(rig.ask_as(token, {"GET", "/agent/v1/nodes/n2/poll"}).status == 403);
  CHECK(rig.ask_as(token, {"GET", kPods}).status == 403);
  CHECK(rig.ask_as(token, {"POST", "/agent/v1/join", R"({"node":"n2"})", kJson}).status == 403);
  CHECK(rig.ask_as(token, {"POST", "/agent/v1/tokens", "{}", kJson}).status == 403);
  CHECK(rig.ask_as("join-nonsense", {"POST", "/agent/v1/join", R"({"node":"n2"})", kJson}).status == 401);
  CHECK(rig.post("/agent/v1/join", R"({"node":"Bad Name"})").status == 422);
  Answered listed = rig.get("/agent/v1/tokens");
  REQUIRE(listed.json().find("items")->as_list().size() == 1);
  std::string id(listed.json().find("items")->as_list()[0].string_at("id"));
  CHECK(rig.ask({"DELETE", "/agent/v1/tokens/" + id}).status == 200);
  CHECK(rig.ask({"DELETE", "/agent/v1/tokens/" + id}).status == 404);
  CHECK(rig.ask({"DELETE", "/agent/v1/nodes/n1/credential"}).status == 200);
  CHECK(rig.ask_as(token, {"GET", "/agent/v1/nodes/n1/poll?wait=0"}).status == 401);
}

TEST_CASE("a node renews its own credential; the old one ends with the first use of the new one") {
  ApiRig rig;
  std::string own = join(rig, "n1"), other = join(rig, "n2");
  const std::string at = "/agent/v1/nodes/n1/credential";
  Answered facts = rig.ask_as(own, {"GET", at});
  REQUIRE(facts.status == 200);
  int64_t life = facts.json().find("lifeSeconds")->as_int();
  CHECK(life == 90 * 24 * 3600);
  CHECK(facts.json().find("remainingSeconds")->as_int() > life - 60);
  for (const char* method : {"GET", "POST", "DELETE"}) CHECK(rig.ask_as(other, {method, at}).status == 403);
  CHECK(rig.ask({"POST", at}).status == 403);  // not even the administrator: it would be his, not the node's

  Answered renewed = rig.ask_as(own, {"POST", at});
  REQUIRE(renewed.status == 201);
  std::string fresh(renewed.json().string_at("token"));
  const std::string poll = "/agent/v1/nodes/n1/poll?wait=0";
  CHECK(rig.ask_as(own, {"GET", poll}).status == 200);
  CHECK(rig.ask_as(fresh, {"GET", at}).status == 200);
  CHECK(rig.ask_as(own, {"GET", poll}).status == 401);
  CHECK(rig.ask_as(fresh, {"GET", poll}).status == 200);
  CHECK(rig.ask_as(other, {"GET", "/agent/v1/nodes/n2/poll?wait=0"}).status == 200);
}

TEST_CASE("a refused node is told what became of its credential") {
  ApiRig rig;
  std::string revoked = join(rig, "n1"), deleted = join(rig, "n2");
  CHECK(rig.ask({"DELETE", "/agent/v1/nodes/n1/credential"}).status == 200);
  REQUIRE(rig.tokens->end_deleted_nodes({"n2"}, read_clock().wall).ok());
  auto cause = [&](const std::string& token, const std::string& node) {
    Answered refused = rig.ask_as(token, {"GET", "/agent/v1/nodes/" + node + "/poll?wait=0"});
    CHECK(refused.status == 401);
    const Value status = refused.json();
    const Value* causes = status.find_path({"details", "causes"});
    return causes != nullptr ? std::string(causes->as_list()[0].string_at("reason")) : refused.body;
  };
  CHECK(cause(revoked, "n1") == "CredentialRevoked");
  CHECK(cause(deleted, "n2") == "NodeDeleted");
  CHECK(cause("node-nonsense", "n1").find("not known here") != std::string::npos);
  CHECK(rig.ask_as(revoked, {"GET", "/api"}).body.find("n1") == std::string::npos);  // kubectl's 401 stays as it is
}

TEST_CASE("a join token takes no other node's place") {
  ApiRig rig;
  std::string own = join(rig, "n1");
  Answered made = rig.post("/agent/v1/tokens", "{}");
  std::string token(made.json().string_at("token")), id(made.json().string_at("id"));
  Answered taken = rig.ask_as(token, {"POST", "/agent/v1/join", R"({"node":"n1"})", kJson});
  CHECK(taken.status == 409);
  CHECK(taken.body.find("mainstay token revoke node/n1") != std::string::npos);
  CHECK(rig.ask_as(own, {"GET", "/agent/v1/nodes/n1/poll?wait=0"}).status == 200);
  Answered listed = rig.get("/agent/v1/tokens");
  CHECK(listed.body.find(token) == std::string::npos);
  CHECK(listed.body.find(id) != std::string::npos);
  REQUIRE(listed.json().find("nodes")->as_list().size() == 1);
  CHECK(listed.json().find("nodes")->as_list()[0].string_at("node") == "n1");
}

TEST_CASE("a second machine does not take the place of a node that is Ready, whatever token it has") {
  ApiRig rig;
  Answered made = rig.post("/agent/v1/tokens", "{}");
  std::string token(made.json().string_at("token"));
  const Ask join{"POST", "/agent/v1/join", R"({"node":"n1"})", kJson};
  REQUIRE(rig.ask_as(token, join).status == 201);
  CHECK(rig.ask_as(token, join).status == 201);  // its answer may have been lost
  auto node_is = [&](const std::string& ready) {
    rig.core.put(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"},"status":{"conditions":[{"type":"Ready",)"
                 R"("status":")" + ready + R"("}]}})");
  };
  node_is("True");
  Answered taken = rig.ask_as(token, join);
  CHECK(taken.status == 409);
  CHECK(taken.body.find("node n1 exists and is Ready; another machine needs another name") != std::string::npos);
  node_is("Unknown");
  CHECK(rig.ask_as(token, join).status == 201);
}

TEST_CASE("a poll is answered at once when there is news, else when it comes") {
  ApiRig rig;
  std::string token = join(rig, "n1");
  rig.core.put(pod_json("a", "n1"));
  rig.core.put(pod_json("b", "n2"));
  rig.core.touch_node("n1");
  Client first = begin(rig, token, poll_target("n1", {}));
  AgentPollAnswer answer = poll_answer(first.read_response());
  REQUIRE(answer.has_assignment);
  CHECK(answer.assignment.node == "n1");
  CHECK(answer.assignment.at.epoch == 1);
  REQUIRE(answer.assignment.pods.size() == 1);
  CHECK(answer.assignment.pods[0]->meta.name == "a");

  Client waiting = begin(rig, token, poll_target("n1", answer.assignment.at));
  rig.core.touch_node("n2");  // another node's news is none of ours
  rig.core.put(pod_json("c", "n1"));
  rig.core.touch_node("n1");
  AgentPollAnswer next = poll_answer(waiting.read_response());
  REQUIRE(next.has_assignment);
  CHECK(next.assignment.at > answer.assignment.at);
  CHECK(next.assignment.pods.size() == 2);

  Client epoch = begin(rig, token, poll_target("n1", {1, 1'000'000}));  // the store is older than the agent
  rig.core.raise_epoch();
  AgentPollAnswer higher = poll_answer(epoch.read_response());
  REQUIRE(higher.has_assignment);
  CHECK(higher.assignment.at.epoch == 2);

  Answered empty = rig.ask_as(token, {"GET", poll_target("n1", higher.assignment.at) + "&wait=0"});
  CHECK(empty.status == 200);
  CHECK_FALSE(decode_poll_answer(empty.body)->has_assignment);
  CHECK(rig.ask_as(token, {"GET", "/agent/v1/nodes/n1/poll?epoch=x"}).status == 400);
}

TEST_CASE("a later poll of a node ends an earlier one") {
  auto first = std::make_shared<Publication>();
  first->epoch = 1;
  api::AgentLinks links(first);
  AgentHas has;
  has.assignment = {1, 100};
  auto poll = [&] { return std::get<std::shared_ptr<api::Deferred>>(links.poll("n1", has, 60s)); };
  std::atomic<int> one{0}, two{0};
  auto earlier = poll(), later = poll();
  earlier->on_status([&](int status) { one = status; });
  later->on_status([&](int status) { two = status; });
  CHECK(eventually([&] { return one == 200; }));
  CHECK(two == 0);
  links.stop();
  CHECK(two == 200);  // nobody is left waiting
}

TEST_CASE("a report must be about the node that sends it") {
  ApiRig rig;
  std::string token = join(rig, "n1");
  NodeReport report;
  report.node = "n1";
  report.sequence = 7;
  report.boot = "b";
  auto send = [&](const std::string& body) {
    return rig.ask_as(token, {"POST", "/agent/v1/nodes/n1/report", body, kJson});
  };
  CHECK(send(encode(report)).status == 200);
  REQUIRE(rig.core.reports().size() == 1);
  CHECK(rig.core.reports()[0].sequence == 7);
  report.node = "n2";
  CHECK(send(encode(report)).status == 400);
  CHECK(send("nonsense").status == 400);
  CHECK(rig.core.reports().size() == 1);
}

TEST_CASE("logs go from the agent's connection to the client's") {
  ApiRig rig;
  std::string token = join(rig, "n1");
  rig.core.put(pod_json("web", "n1"));
  AgentPollAnswer now = poll_answer(begin(rig, token, poll_target("n1", {})).read_response());
  Client agent = begin(rig, token, poll_target("n1", now.assignment.at));
  Client client(rig.server->port());
  client.send(rig.head("GET", kPods + "/web/log?follow=true&tailLines=10&timestamps=true"));
  AgentPollAnswer asked = poll_answer(agent.read_response());
  REQUIRE(asked.streams.size() == 1);
  const StreamRequest& wanted = asked.streams[0];
  CHECK(wanted.kind == "logs");
  CHECK(wanted.pod_name == "web");
  CHECK(wanted.container == "c");
  CHECK(wanted.follow);
  CHECK(wanted.timestamps);
  CHECK(wanted.tail_lines == 10);

  std::string target = "/agent/v1/nodes/n1/streams/" + std::to_string(wanted.id);
  CHECK(rig.ask_as(join(rig, "n2"), {"GET", target, "", "Upgrade: mainstay-stream\r\n"}).status == 403);
  CHECK(rig.ask_as(token, {"GET", target}).status == 400);  // no upgrade
  Client stream = begin(rig, token, target, "Connection: Upgrade\r\nUpgrade: mainstay-stream\r\n");
  CHECK(stream.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
  stream.send("hello\n");
  std::string head = client.read_until("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 "));
  CHECK(head.find("text/plain") != std::string::npos);
  CHECK(client.read_until("hello\n\r\n") == "6\r\nhello\n\r\n");
  // More than any buffer: the agent is slowed down, nothing is lost.
  std::string block(100'000, 'x');
  std::thread sender([&] {
    for (int i = 0; i < 100; ++i) stream.send(block);
    stream.close();
  });
  std::string rest = client.read_until("\r\n0\r\n\r\n");
  sender.join();
  CHECK(std::count(rest.begin(), rest.end(), 'x') == 100 * 100'000);
  CHECK(rest.ends_with("0\r\n\r\n"));
  CHECK(rig.ask_as(token, {"GET", target, "", "Upgrade: mainstay-stream\r\n"}).status == 404);  // served once
}

TEST_CASE("a client that leaves ends the agent's stream, and the other way round") {
  ApiRig rig;
  std::string token = join(rig, "n1");
  rig.core.put(pod_json("web", "n1"));
  AgentPollAnswer now = poll_answer(begin(rig, token, poll_target("n1", {})).read_response());
  Client agent = begin(rig, token, poll_target("n1", now.assignment.at));
  Client client(rig.server->port());
  client.send(rig.head("GET", kPods + "/web/log?follow=true"));
  uint64_t id = poll_answer(agent.read_response()).streams.at(0).id;
  Client stream = begin(rig, token, "/agent/v1/nodes/n1/streams/" + std::to_string(id),
                        "Connection: Upgrade\r\nUpgrade: mainstay-stream\r\n");
  stream.read_until("\r\n\r\n");
  client.read_until("\r\n\r\n");
  client.close();
  CHECK(stream.read_all().empty());
}

TEST_CASE("an agent can say that it cannot serve a stream, and need not answer for ever") {
  api::ServiceSettings settings;
  settings.agents.dial_within = 1500ms;
  ApiRig rig(false, settings);
  std::string token = join(rig, "n1");
  rig.core.put(pod_json("web", "n1"));
  AgentPollAnswer now = poll_answer(begin(rig, token, poll_target("n1", {})).read_response());
  Client agent = begin(rig, token, poll_target("n1", now.assignment.at));
  Client client(rig.server->port());
  client.send(rig.head("GET", kPods + "/web/log"));
  uint64_t id = poll_answer(agent.read_response()).streams.at(0).id;
  CHECK(rig.ask_as(token, {"POST", "/agent/v1/nodes/n1/streams/" + std::to_string(id) + "/refuse",
                           R"({"status":400,"message":"no such log"})", kJson}).status == 200);
  std::string refused = client.read_response();
  CHECK(refused.starts_with("HTTP/1.1 400 "));
  CHECK(refused.find("no such log") != std::string::npos);
  client.send(rig.head("GET", kPods + "/web/log"));
  CHECK(client.read_response().starts_with("HTTP/1.1 504 "));
}

TEST_CASE("logs that cannot be are refused in kubectl's words") {
  ApiRig rig;
  rig.core.put(pod_json("web", "n1"));
  rig.core.put(pod_json("pending", ""));
  auto message = [&](const std::string& target) {
    Answered answered = rig.get(kPods + target);
    return std::to_string(answered.status) + " " + std::string(answered.json().string_at("message"));
  };
  CHECK(message("/none/log") == "404 pods \"none\" not found");
  CHECK(message("/web/log?container=x") == "400 container x is not valid for pod web");
  CHECK(message("/web/log?tailLines=x").starts_with("400 "));
  CHECK(message("/web/log?previous=true") == "400 previous terminated container \"c\" in pod \"web\" not found");
  CHECK(message("/pending/log") == "400 pod pending does not have a host assigned");
}

}  // namespace mainstay::test
