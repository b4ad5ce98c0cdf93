// The network's state on the wire: what is written is read back, and a chain of updates, whole or not, lost,
// repeated or late, ends where the newest one says.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "schema/agent_messages.h"
#include "schema/base/rng.h"
#include "schema/network_state.h"

namespace mainstay {
namespace {

std::string word(Rng& rng, const char* prefix, uint64_t of) { return prefix + std::to_string(rng.below(of)); }

std::vector<std::string> some_addresses(Rng& rng) {
  std::vector<std::string> out;
  for (uint64_t i = rng.below(4); i > 0; --i) out.push_back(word(rng, "10.1.0.", 200));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

NetworkService random_service(Rng& rng, const std::string& name) {
  NetworkService out;
  out.ns = "default";
  out.name = name;
  out.type = rng.chance(30) ? "NodePort" : "ClusterIP";
  out.cluster_ip = rng.chance(20) ? "" : word(rng, "10.96.0.", 250);
  if (rng.chance(20)) out.external_ips = some_addresses(rng);
  if (rng.chance(20)) out.load_balancer_ips = some_addresses(rng);
  if (rng.chance(10)) out.external_name = "db.example.org";
  for (uint64_t i = rng.below(3); i > 0; --i) {
    out.ports.push_back({word(rng, "p", 9), "TCP", static_cast<int32_t>(rng.below(65535) + 1),
                         static_cast<int32_t>(rng.chance(50) ? 30000 + rng.below(100) : 0)});
  }
  out.affinity_seconds = rng.chance(20) ? 10800 : 0;
  out.internal_local = rng.chance(20);
  out.external_local = rng.chance(20);
  out.publish_not_ready = rng.chance(20);
  return out;
}

NetworkSlice random_slice(Rng& rng, const std::string& name) {
  NetworkSlice out{"default", name, word(rng, "svc", 5), {{"http", "TCP", 8080}}, {}};
  std::map<std::string, NetworkEndpoint> by_ip;
  for (uint64_t i = rng.below(6); i > 0; --i) {
    NetworkEndpoint endpoint;
    endpoint.ip = word(rng, "10.1.0.", 30);
    endpoint.node = word(rng, "n", 4);
    endpoint.pod = word(rng, "web-", 1000);
    if (rng.chance(20)) endpoint.hostname = "db-0";
    endpoint.ready = rng.chance(80);
    endpoint.serving = endpoint.ready || rng.chance(50);
    endpoint.terminating = rng.chance(10);
    by_ip[endpoint.ip] = endpoint;
  }
  for (auto& [ip, endpoint] : by_ip) out.endpoints.push_back(endpoint);
  return out;
}

NetworkPolicyRules random_policy(Rng& rng, const std::string& name) {
  NetworkPolicyRules out;
  out.ns = "default";
  out.name = name;
  out.addresses = some_addresses(rng);
  out.isolates_ingress = rng.chance(80);
  out.isolates_egress = rng.chance(40);
  NetworkRule rule;
  rule.peers.anyone = rng.chance(30);
  rule.peers.addresses = some_addresses(rng);
  if (rng.chance(40)) rule.peers.blocks.push_back({"10.0.0.0/8", {"10.1.0.0/16"}});
  rule.any_port = rng.chance(50);
  if (!rule.any_port) rule.ports = {{"SCTP", 0, 0, ""}, {"TCP", 80, 90, ""}, {"UDP", 53, 0, "10.1.0.4"}};
  if (rng.chance(70)) out.ingress.push_back(rule);
  if (rng.chance(40)) out.egress.push_back(rule);
  return out;
}

template <typename T, typename F>
void shuffle_table(std::map<std::string, T>& table, Rng& rng, const char* prefix, F make) {
  for (int i = 0; i < 6; ++i) {
    std::string name = prefix + std::to_string(i);
    if (rng.chance(70)) continue;
    if (rng.chance(30)) {
      table.erase("default/" + name);
    } else {
      table["default/" + name] = make(rng, name);
    }
  }
}

NetworkState mutated(NetworkState state, Rng& rng) {
  ++state.at.number;
  state.digest = rng.name_suffix(8);
  if (rng.chance(10)) state.dns_address = word(rng, "10.96.0.", 20);
  if (rng.chance(10)) state.cluster_cidr = "10.244.0.0/16";
  shuffle_table(state.services, rng, "svc", random_service);
  shuffle_table(state.slices, rng, "slice", random_slice);
  shuffle_table(state.policies, rng, "policy", random_policy);
  for (int i = 0; i < 4; ++i) {
    std::string name = "n" + std::to_string(i);
    if (rng.chance(10)) state.nodes.erase(name);
    if (rng.chance(10)) state.nodes[name] = {name, word(rng, "192.0.2.", 9), word(rng, "10.1.", 9) + ".0/24"};
  }
  return state;
}

// What a control plane sends for the way from one state of `history` to its last: every item that changed on the
// way, also one that is again as it was.
NetworkUpdate difference(const std::vector<NetworkState>& history, size_t from) {
  auto items_of = [](const NetworkState& state) {
    std::map<std::string, std::string> out;
    for (NetworkItem& item : encode_items(state)) out[item.key] = item.json;
    return out;
  };
  std::map<std::string, std::string> changed;
  std::map<std::string, std::string> old = items_of(history[from]);
  for (size_t i = from + 1; i < history.size(); ++i) {
    std::map<std::string, std::string> now = items_of(history[i]);
    for (auto& [key, json] : now) {
      auto known = old.find(key);
      if (known == old.end() || known->second != json) changed[key] = json;
    }
    for (auto& [key, json] : old) {
      if (now.count(key) == 0) changed[key] = "";
    }
    old = std::move(now);
  }
  NetworkUpdate out;
  out.from = history[from].at;
  out.at = history.back().at;
  out.digest = history.back().digest;
  for (auto& [key, json] : changed) out.items.push_back({key, json});
  return out;
}

NetworkUpdate over_the_wire(const NetworkUpdate& update) {
  Result<NetworkUpdate> read = decode_network_update(encode(update));
  REQUIRE(read.ok());
  CHECK(*read == update);
  return *read;
}

}  // namespace

TEST_CASE("network state: a whole update makes the same state again") {
  uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Rng rng(seed);
  NetworkState state;
  state.at = {1, 1};
  for (int i = 0; i < 60; ++i) {
    state = mutated(state, rng);
    Result<NetworkState> made = applied({}, over_the_wire(whole_update(state)));
    REQUIRE(made.ok());
    REQUIRE(*made == state);
  }
}

TEST_CASE("network state: any chain of updates ends where the newest says") {
  uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Rng rng(seed);
  std::vector<NetworkState> history{NetworkState()};
  history.back().at = {1, 1};
  NetworkState node = history.back();
  size_t has = 0;  // in `history`
  for (int i = 0; i < 200; ++i) {
    history.push_back(mutated(history.back(), rng));
    if (rng.chance(40)) continue;  // lost: the next one spans more
    NetworkUpdate update = rng.chance(20) ? whole_update(history.back()) : difference(history, has);
    Result<NetworkState> next = applied(node, over_the_wire(update));
    REQUIRE(next.ok());
    REQUIRE(*next == history.back());
    // Once more, and anything from before: nothing moves.
    Result<NetworkState> again = applied(*next, update);
    REQUIRE(again.ok());
    REQUIRE(*again == *next);
    size_t earlier = rng.below(has + 1);
    std::vector<NetworkState> past(history.begin(), history.begin() + static_cast<ptrdiff_t>(has) + 1);
    Result<NetworkState> late = applied(*next, difference(past, earlier));
    REQUIRE(late.ok());
    REQUIRE(*late == *next);
    // One that starts before what the node has may lack what came and went since.
    Result<NetworkState> wide = applied(node, over_the_wire(difference(history, earlier)));
    REQUIRE(wide.ok() == (earlier == has));
    node = *next;
    has = history.size() - 1;
  }
}

TEST_CASE("network state: an update that does not follow is a conflict, a wrong item takes nothing") {
  NetworkState state;
  state.at = {1, 5};
  state.nodes["n1"] = {"n1", "192.0.2.1", ""};
  NetworkUpdate gap;
  gap.from = {1, 6};
  gap.at = {1, 7};
  CHECK(applied(state, gap).error().code == ErrorCode::kConflict);
  NetworkUpdate wrong;
  wrong.from = {1, 5};
  wrong.at = {1, 6};
  wrong.items = {{"node/n1", ""}, {"service/a/b", "[1]"}};
  CHECK(applied(state, wrong).error().code == ErrorCode::kInvalid);
  wrong.items = {{"node/n1", ""}, {"service/a/b", "{\"type\":"}};
  CHECK_FALSE(applied(state, wrong).ok());
  wrong.items = {{"slice/a/b/10.0.0.1", "{}"}};
  CHECK(applied(state, wrong).error().code == ErrorCode::kInvalid);
  // Items that a later version knows, and members it added, are passed over.
  wrong.items = {{"mesh/a/b", "{\"x\":1}"}, {"node/n2", "{\"address\":\"192.0.2.2\",\"zone\":\"a\"}"}};
  Result<NetworkState> taken = applied(state, wrong);
  REQUIRE(taken.ok());
  CHECK(taken->nodes.at("n2").address == "192.0.2.2");
}

TEST_CASE("network state: one endpoint of a hundred is one small item") {
  NetworkSlice slice{"default", "web-abcde", "web", {{"http", "TCP", 8080}}, {}};
  for (int i = 100; i < 200; ++i) {
    NetworkEndpoint endpoint;
    endpoint.ip = "10.244.1." + std::to_string(i);
    endpoint.node = "node-1";
    endpoint.pod = "web-7c5ddbdf54-" + std::to_string(i);
    slice.endpoints.push_back(endpoint);
  }
  NetworkState before;
  before.at = {1, 1};
  before.slices["default/web-abcde"] = slice;
  NetworkState after = before;
  after.at = {1, 2};
  after.slices["default/web-abcde"].edit().endpoints[42].ready = false;
  NetworkUpdate update = difference({before, after}, 0);
  REQUIRE(update.items.size() == 1);
  CHECK(update.items[0].key == "slice/default/web-abcde/10.244.1.142");
  CHECK(encode(update).size() < 300);
}

TEST_CASE("poll answer: a spliced network update is the same as an encoded one") {
  NetworkState state;
  state.at = {1, 9};
  state.digest = "abc";
  state.nodes["n1"] = {"n1", "192.0.2.1", "10.1.0.0/24"};
  AgentPollAnswer answer;
  answer.streams.push_back({7, "logs", "default", "web", "uid", "main"});
  answer.network = whole_update(state);
  std::string bytes = encode(answer);
  AgentPollAnswer without = answer;
  without.network.reset();
  CHECK(encode_poll_answer(without, encode(*answer.network)) == bytes);
  Result<AgentPollAnswer> read = decode_poll_answer(bytes);
  REQUIRE(read.ok());
  REQUIRE(read->network);
  CHECK(*read->network == *answer.network);
  CHECK_FALSE(decode_poll_answer(encode(without))->network);
}

}  // namespace mainstay
