// The network stream: what nodes are told equals what the store holds, each item is encoded once for all of them,
// and every past a node may come from leads to the same end.
#include <catch2/catch.hpp>

#include <random>

#include "reconciler/core/network_stream.h"
#include "schema/base/rng.h"
#include "tests/core/report_fixture.h"

namespace mainstay {

using test::parse;

namespace {

NetworkRanges ranges() { return {"cluster.local", "10.244.0.0/16", "10.96.0.0/16", "10.96.0.10"}; }

// A store to write into, and what it has changed since last asked.
class Store {
 public:
  void write(Object object) {
    Transaction txn(view_, now_, rng_);
    bool known = view_.find(object.key()) != nullptr;
    Result<ObjectPtr> done = known ? txn.update(std::move(object)) : txn.create(std::move(object));
    INFO((done.ok() ? "" : done.error().message));
    REQUIRE(done.ok());
    take(txn);
  }
  void write(const std::string& yaml) { write(parse(yaml)); }
  void remove(const Key& key) {
    Transaction txn(view_, now_, rng_);
    txn.remove(key);
    take(txn);
  }
  std::vector<Change> changes() { return std::exchange(changes_, {}); }
  const Snapshot& view() const { return view_; }

 private:
  void take(const Transaction& txn) {
    changes_.insert(changes_.end(), txn.changes().begin(), txn.changes().end());
    view_ = txn.view();
  }
  Now now_{WallTime{std::chrono::seconds{1'700'000'000}}, MonoTime{}};
  Rng rng_{1};
  Snapshot view_;
  std::vector<Change> changes_;
};

Object pod(const std::string& ns, const std::string& name, const std::string& app, const std::string& ip) {
  Object out = make_object<Pod>(ns, name);
  map_slot(out.meta.labels, "app") = app;
  Pod& body = as<Pod>(out);
  body.spec.node_name = "n1";
  body.status.pod_ip = ip;
  body.status.phase = "Running";
  Container& container = body.spec.containers.emplace_back();
  container.name = "main";
  container.ports.emplace_back().name = "web";
  container.ports.back().container_port = app == "db" ? 5432 : 8080;
  return out;
}

Object ns(const std::string& name, const std::string& team) {
  Object out = make_object<Namespace>("", name);
  map_slot(out.meta.labels, "team") = team;
  return out;
}

std::string policy(const std::string& name, const std::string& spec) {
  return "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: " + name +
         ", namespace: shop}, spec: " + spec + "}";
}

// Three pods in shop, one in desk.
Store shop() {
  Store store;
  store.write(ns("shop", "red"));
  store.write(ns("desk", "blue"));
  store.write(pod("shop", "web", "web", "10.1.0.1"));
  store.write(pod("shop", "db", "db", "10.1.0.2"));
  store.write(pod("shop", "db2", "db", "10.1.0.3"));
  store.write(pod("desk", "web", "web", "10.2.0.1"));
  return store;
}

using Texts = std::vector<std::string>;

NetworkPolicyRules rules_of(const Store& store, const std::string& spec) {
  return resolve(read_policy(parse(policy("p", spec))), store.view());
}

// What a node has, taking answers as the agent does.
struct FakeNode {
  NetworkState state;

  AgentHas has() const {
    AgentHas out;
    out.network = state.at;
    out.network_digest = state.digest;
    return out;
  }
  void take(const SharedBytes& bytes) {
    Result<NetworkUpdate> update = decode_network_update(*bytes);
    REQUIRE(update.ok());
    Result<NetworkState> next = applied(state, *update);
    INFO((next.ok() ? "" : next.error().message));
    REQUIRE(next.ok());
    state = std::move(*next);
  }
  // Without number and digest.
  NetworkState content() const {
    NetworkState out = state;
    out.at = {};
    out.digest.clear();
    return out;
  }
};

Object slice(const std::string& name, int endpoints, int not_ready) {
  Object out = make_object<EndpointSlice>("shop", name);
  map_slot(out.meta.labels, "kubernetes.io/service-name") = "web";
  EndpointSlice& body = as<EndpointSlice>(out);
  body.address_type = "IPv4";
  body.ports.emplace_back().port = 8080;
  for (int i = 0; i < endpoints; ++i) {
    Endpoint& endpoint = body.endpoints.emplace_back();
    endpoint.addresses = {"10.1." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1)};
    endpoint.node_name = "node-" + std::to_string(i % 7);
    endpoint.target_ref.ensure().kind = "Pod";
    endpoint.target_ref->name = "web-7c5ddbdf54-" + std::to_string(1000 + i);
    endpoint.conditions.ready = i != not_ready;
  }
  return out;
}

}  // namespace

TEST_CASE("policy: who is selected and who may come in") {
  Store store = shop();
  NetworkPolicyRules rules = rules_of(store, "{podSelector: {matchLabels: {app: db}}, ingress: [{from: "
                                             "[{podSelector: {matchLabels: {app: web}}}]}]}");
  CHECK(rules.addresses == Texts{"10.1.0.2", "10.1.0.3"});
  CHECK(rules.isolates_ingress);
  CHECK_FALSE(rules.isolates_egress);
  REQUIRE(rules.ingress.size() == 1);
  CHECK(rules.ingress[0].peers.addresses == Texts{"10.1.0.1"});  // of its own namespace only
  CHECK(rules.ingress[0].any_port);
  // An empty selector is everybody of the namespace; no rule lets nobody in.
  rules = rules_of(store, "{podSelector: {}}");
  CHECK(rules.addresses.size() == 3);
  CHECK(rules.isolates_ingress);
  CHECK(rules.ingress.empty());
  // An empty rule lets everybody in.
  rules = rules_of(store, "{podSelector: {}, ingress: [{}]}");
  REQUIRE(rules.ingress.size() == 1);
  CHECK(rules.ingress[0].peers.anyone);
  CHECK(rules.ingress[0].any_port);
  // One that matches nobody lets nobody in, and keeps its place.
  rules = rules_of(store, "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: x}}}]}]}");
  REQUIRE(rules.ingress.size() == 1);
  CHECK(rules.ingress[0].peers == NetworkPeers{});
}

TEST_CASE("policy: namespaces, both selectors together, and blocks") {
  Store store = shop();
  auto peers = [&](const std::string& from) {
    NetworkPolicyRules rules = rules_of(store, "{podSelector: {}, ingress: [{from: [" + from + "]}]}");
    REQUIRE(rules.ingress.size() == 1);
    return rules.ingress[0].peers;
  };
  CHECK(peers("{namespaceSelector: {}}").addresses == Texts{"10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1"});
  CHECK(peers("{namespaceSelector: {matchLabels: {team: blue}}}").addresses == Texts{"10.2.0.1"});
  CHECK(peers("{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}").addresses ==
        Texts{"10.1.0.1", "10.2.0.1"});
  // Two elements are either of them.
  CHECK(peers("{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: db}}}")
            .addresses == Texts{"10.1.0.2", "10.1.0.3", "10.2.0.1"});
  NetworkPeers block = peers("{ipBlock: {cidr: 192.0.2.77/24, except: [192.0.2.128/25]}}");
  REQUIRE(block.blocks.size() == 1);
  CHECK(block.blocks[0].cidr == "192.0.2.0/24");
  CHECK(block.blocks[0].except == Texts{"192.0.2.128/25"});
  CHECK(block.addresses.empty());
}

TEST_CASE("policy: pods on the host's network and ended ones do not count") {
  Store store = shop();
  Object host = pod("shop", "host", "web", "192.0.2.1");
  as<Pod>(host).spec.host_network = true;
  store.write(host);
  Object done = pod("shop", "done", "web", "10.1.0.9");
  as<Pod>(done).status.phase = "Succeeded";
  store.write(done);
  Object fresh = pod("shop", "fresh", "web", "");
  store.write(fresh);
  NetworkPolicyRules rules = rules_of(
      store, "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}");
  CHECK(rules.addresses == Texts{"10.1.0.1"});
  CHECK(rules.ingress[0].peers.addresses == Texts{"10.1.0.1", "10.1.0.2", "10.1.0.3"});
}

TEST_CASE("policy: types and ports") {
  Store store = shop();
  CHECK(rules_of(store, "{podSelector: {}, policyTypes: [Egress]}").isolates_egress);
  CHECK_FALSE(rules_of(store, "{podSelector: {}, policyTypes: [Egress]}").isolates_ingress);
  CHECK(rules_of(store, "{podSelector: {}, egress: [{}]}").isolates_ingress);
  CHECK(rules_of(store, "{podSelector: {}, egress: [{}]}").isolates_egress);
  CHECK_FALSE(rules_of(store, "{podSelector: {}, egress: []}").isolates_egress);
  auto ports = [&](const std::string& direction, const std::string& rule) {
    NetworkPolicyRules rules = rules_of(store, "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, "
                                               "Egress], " + direction + ": [" + rule + "]}");
    const std::vector<NetworkRule>& of = direction == "ingress" ? rules.ingress : rules.egress;
    return of.empty() ? std::vector<NetworkRulePort>{} : of[0].ports;
  };
  using Ports = std::vector<NetworkRulePort>;
  CHECK(ports("ingress", "{ports: [{port: 80}, {protocol: UDP, port: 1, endPort: 9}, {protocol: SCTP}]}") ==
        Ports{{"SCTP", 0, 0, ""}, {"TCP", 80, 0, ""}, {"UDP", 1, 9, ""}});
  // A name is looked up in each pod that traffic goes to.
  CHECK(ports("ingress", "{ports: [{port: web}]}") ==
        Ports{{"TCP", 5432, 0, "10.1.0.2"}, {"TCP", 5432, 0, "10.1.0.3"}});
  CHECK(ports("egress", "{ports: [{port: web}], to: [{podSelector: {matchLabels: {app: web}}}]}") ==
        Ports{{"TCP", 8080, 0, "10.1.0.1"}});
  CHECK(ports("egress", "{ports: [{port: web}]}").size() == 4);
  CHECK(ports("ingress", "{ports: [{port: nosuch}]}").empty());
  CHECK(ports("ingress", "{ports: [{port: web, protocol: UDP}]}").empty());
}

TEST_CASE("blocks are read as addresses are written") {
  CHECK(ipv4_block("10.1.2.3/8") == "10.0.0.0/8");
  CHECK(ipv4_block("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(ipv4_block("10.0.0.1/32") == "10.0.0.1/32");
  for (const char* wrong : {"", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/0", "10.0.0.0/-1"}) {
    CHECK_FALSE(ipv4_block(wrong));
  }
}

TEST_CASE("stream: one endpoint of a thousand services, told to a thousand nodes, is encoded once") {
  Store store;
  store.write(ns("shop", "red"));
  constexpr int kServices = 1000, kEndpoints = 10, kNodes = 1000;
  for (int i = 0; i < kServices; ++i) store.write(slice("web-" + std::to_string(i), kEndpoints, -1));
  NetworkStream stream(ranges(), store.view());
  store.changes();
  NetworkAnswers answers;
  answers.set(stream.feed(), 1);
  std::vector<FakeNode> nodes(kNodes);
  for (FakeNode& node : nodes) REQUIRE(answers.answer_for(node.has()));
  CHECK(answers.composed() == 1);
  nodes[0].take(answers.update_for(nodes[0].has()));
  for (FakeNode& node : nodes) node.state = nodes[0].state;
  uint64_t encoded_before = stream.encodings();
  store.write(slice("web-500", kEndpoints, 3));
  answers.set(stream.absorb(store.changes(), store.view()), 1);
  // The items of the one slice are looked at; only the endpoint that differs is told.
  CHECK(stream.encodings() - encoded_before <= kEndpoints + 1);
  const std::string* shared = nullptr;
  for (FakeNode& node : nodes) {
    SharedBytes bytes = answers.answer_for(node.has());
    REQUIRE(bytes);
    if (shared != nullptr) REQUIRE(bytes.get() == shared);
    shared = bytes.get();
    CHECK(bytes->size() < 1024);
  }
  CHECK(answers.composed() == 2);
  nodes[7].take(answers.update_for(nodes[7].has()));
  CHECK(nodes[7].state.slices.at("shop/web-500")->endpoints[4].ip == "10.1.0.4");
  CHECK_FALSE(nodes[7].state.slices.at("shop/web-500")->endpoints[4].ready);
  CHECK(nodes[7].content() == network_of(store.view(), ranges()));
  CHECK_FALSE(answers.answer_for(nodes[7].has()));
}

TEST_CASE("stream: a pod that comes or goes under a policy of a thousand pods is told in under a kilobyte") {
  Store store;
  store.write(ns("shop", "red"));
  for (int i = 0; i < 1000; ++i) {
    std::string ip = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    store.write(pod("shop", "web-" + std::to_string(i), "web", ip));
  }
  store.write(policy("p", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress], "
                          "ingress: [{from: [{podSelector: {}}], ports: [{port: web}]}], egress: [{to: [{podSelector: "
                          "{matchLabels: {app: web}}}]}, {ports: [{port: 53, protocol: UDP}]}]}"));
  NetworkStream stream(ranges(), store.view());
  store.changes();
  NetworkAnswers answers;
  answers.set(stream.feed(), 1);
  FakeNode node;
  node.take(answers.update_for(node.has()));
  CHECK(node.content() == network_of(store.view(), ranges()));
  Object gone = *store.view().find(Kind::kPod, "shop", "web-500");
  as<Pod>(gone).status.phase = "Failed";
  gone.version = 0;
  for (const Object& change : {pod("shop", "web-fresh", "web", "10.1.9.9"), gone}) {
    store.write(change);
    answers.set(stream.absorb(store.changes(), store.view()), 1);
    SharedBytes bytes = answers.update_for(node.has());
    REQUIRE(bytes);
    CHECK(bytes->size() < 1024);
    node.take(bytes);
    CHECK(node.content() == network_of(store.view(), ranges()));
  }
}

TEST_CASE("stream: nothing that nodes see moves no number") {
  Store store = shop();
  store.write(policy("p", "{podSelector: {matchLabels: {app: db}}}"));
  NetworkStream stream(ranges(), store.view());
  store.changes();
  uint64_t before = stream.feed()->number;
  Object web = *store.view().find(Kind::kPod, "shop", "db");
  as<Pod>(web).status.conditions.emplace_back().type = "Ready";
  store.write(web);
  store.write("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}");
  stream.absorb(store.changes(), store.view());
  CHECK(stream.feed()->number == before);
  as<Pod>(web).status.phase = "Failed";
  web.version = 0;
  store.write(web);
  stream.absorb(store.changes(), store.view());
  CHECK(stream.feed()->number == store.view().version());
}

TEST_CASE("stream: a restarted control plane knows a node that has everything by its digest") {
  Store store = shop();
  store.write(slice("web-1", 3, -1));
  NetworkStream first(ranges(), store.view());
  NetworkAnswers answers;
  answers.set(first.feed(), 1);
  FakeNode node;
  node.take(answers.update_for(node.has()));
  store.write("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}");
  NetworkStream second(ranges(), store.view());  // at a later version, with the same items
  CHECK(second.feed()->digest == first.feed()->digest);
  CHECK(second.feed()->number > first.feed()->number);
  answers.set(second.feed(), 1);
  SharedBytes small = answers.update_for(node.has());
  REQUIRE(small);
  CHECK(small->size() < 200);
  node.take(small);
  CHECK(node.state.at == AssignmentNumber{1, second.feed()->number});
  CHECK_FALSE(answers.update_for(node.has()));
  // Another past of the store: what the node has is not ours, whatever the number says.
  node.state.digest = "another";
  SharedBytes whole = answers.update_for(node.has());
  REQUIRE(whole);
  CHECK(decode_network_update(*whole)->whole);
  // A node from the future waits until the epoch has risen past it.
  node.state.at = {1, 1'000'000};
  CHECK_FALSE(answers.update_for(node.has()));
  answers.set(second.feed(), 2);
  REQUIRE(answers.update_for(node.has()));
  node.take(answers.update_for(node.has()));
  CHECK(node.content() == network_of(store.view(), ranges()));
  // An agent that knows no stream is told nothing.
  AgentHas old;
  old.wants_network = false;
  CHECK_FALSE(answers.update_for(old));
}

TEST_CASE("stream: whatever happens, every node ends with what the store holds") {
  uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  Rng rng(seed);
  Store store = shop();
  std::optional<NetworkStream> stream(std::in_place, ranges(), store.view());
  store.changes();
  NetworkAnswers answers;
  std::vector<FakeNode> nodes(5);
  uint64_t epoch = 1;
  const char* specs[] = {
      "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}}]}]}",
      "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], "
      "ports: [{port: web}]}]}",
      "{podSelector: {matchLabels: {app: web}}, egress: [{to: [{podSelector: {}, namespaceSelector: {}}]}, "
      "{ports: [{port: web}]}]}"};
  auto name = [&](const char* prefix, uint64_t of) { return prefix + std::to_string(rng.below(of)); };
  auto drop = [&](Kind kind, const std::string& in, const std::string& which) {
    if (store.view().find(kind, in, which)) store.remove({kind, in, which});
  };
  for (int round = 0; round < 300; ++round) {
    for (uint64_t i = 1 + rng.below(3); i > 0; --i) {
      std::string where = rng.chance(70) ? "shop" : "desk";
      switch (rng.below(8)) {
        case 0:
        case 1: {
          Object one = pod(where, name("p", 8), rng.chance(50) ? "web" : "db", name("10.1.1.", 50));
          if (rng.chance(20)) as<Pod>(one).status.phase = "Failed";
          if (rng.chance(20)) as<Pod>(one).status.pod_ip.clear();
          store.write(one);
          break;
        }
        case 2: drop(Kind::kPod, where, name("p", 8)); break;
        case 3: store.write(slice(name("s", 4), static_cast<int>(rng.below(6)), static_cast<int>(rng.below(6)))); break;
        case 4: drop(Kind::kEndpointSlice, "shop", name("s", 4)); break;
        case 5: store.write(policy(name("n", 3), specs[rng.below(3)])); break;
        case 6: drop(Kind::kNetworkPolicy, "shop", name("n", 3)); break;
        default: {
          Object home = *store.view().find(Kind::kNamespace, "", where);
          map_slot(home.meta.labels, "team") = rng.chance(50) ? "red" : "blue";
          store.write(home);
        }
      }
    }
    if (rng.chance(3)) {  // the process starts anew
      stream.emplace(ranges(), store.view());
      store.changes();
      if (rng.chance(30)) ++epoch;
    }
    stream->absorb(store.changes(), store.view());
    answers.set(stream->feed(), epoch);
    NetworkState truth = network_of(store.view(), ranges());
    for (FakeNode& node : nodes) {
      if (rng.chance(60)) continue;  // away
      if (rng.chance(5)) node = {};  // its disk is lost
      if (SharedBytes bytes = answers.update_for(node.has())) node.take(bytes);
      REQUIRE(node.content() == truth);
      REQUIRE(node.state.digest == stream->feed()->digest);
    }
  }
}

}  // namespace mainstay
