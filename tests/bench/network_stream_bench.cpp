// One endpoint of 1,000 Services changes, and 1,000 agents in step ask for it: how often it is encoded and put
// together, how many bytes each gets. The same of a pod under a policy of 1,000 pods.
#include <algorithm>

#include "reconciler/core/network_stream.h"
#include "schema/base/clock.h"
#include "schema/decode.h"
#include "schema/yaml.h"
#include "tests/bench/benchmark.h"

namespace mainstay::bench {
namespace {

constexpr size_t kEndpoints = 10;

// A store's view, and what has changed of it since last asked.
class Cluster {
 public:
  Status write(Object object) {
    Transaction txn(view_, now_, rng_);
    bool known = view_.find(object.key()) != nullptr;
    Result<ObjectPtr> done = known ? txn.update(std::move(object)) : txn.create(std::move(object));
    if (!done.ok()) return done.error();
    changes_.insert(changes_.end(), txn.changes().begin(), txn.changes().end());
    view_ = txn.view();
    return {};
  }
  std::vector<Change> changes() { return std::exchange(changes_, {}); }
  const Snapshot& view() const { return view_; }

 private:
  Now now_{WallTime{std::chrono::seconds{1'700'000'000}}, MonoTime{}};
  Rng rng_{1};
  Snapshot view_;
  std::vector<Change> changes_;
};

std::string nth_ip(size_t i) { return "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1); }

Object slice_with(size_t number, size_t fresh) {
  std::string name = "service-" + std::to_string(number);
  Object out = make_object<EndpointSlice>("shop", name + "-1");
  map_slot(out.meta.labels, "kubernetes.io/service-name") = name;
  EndpointSlice& body = as<EndpointSlice>(out);
  body.address_type = "IPv4";
  body.ports.emplace_back().port = 8080;
  for (size_t i = 0; i < kEndpoints; ++i) {
    Endpoint& endpoint = body.endpoints.emplace_back();
    endpoint.addresses = {nth_ip(number * kEndpoints + i)};
    if (i == 3 && fresh > 0) endpoint.addresses = {"10.2." + std::to_string(fresh / 250) + "." + std::to_string(fresh % 250 + 1)};
    endpoint.node_name = "node-" + std::to_string(i);
    endpoint.target_ref.ensure().kind = "Pod";
    endpoint.target_ref->name = name + "-7c5ddbdf54-" + std::to_string(10000 + i);
    endpoint.conditions.ready = true;
  }
  return out;
}

Object pod_at(const std::string& name, const std::string& ip) {
  Object out = make_object<Pod>("shop", name);
  map_slot(out.meta.labels, "app") = "web";
  as<Pod>(out).spec.node_name = "node-1";
  as<Pod>(out).status.pod_ip = ip;
  as<Pod>(out).status.phase = "Running";
  return out;
}

Result<Object> policy_of_all() {
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(
      "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: "
      "{matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}, {from: [{podSelector: {matchLabels: {app: web}}}]}]}}",
      diagnostics);
  std::optional<Object> object = decode_object(documents.at(0).root, {}, diagnostics);
  if (!object) return failed(diagnostics.render());
  return std::move(*object);
}

struct Told {
  std::vector<double> absorb_ms, answer_us;
  size_t bytes = 0;
  uint64_t encoded = 0, composed = 0;  // most for one change
};

// All agents ask for what `changes` made of the view, and take it.
void tell(Cluster& cluster, NetworkStream& stream, NetworkAnswers& answers, std::vector<AgentHas>& agents, Told& told) {
  uint64_t encoded = stream.encodings(), composed = answers.composed();
  MonoTime begin = read_clock().mono;
  std::shared_ptr<const NetworkFeed> feed = stream.absorb(cluster.changes(), cluster.view());
  answers.set(feed, 1);
  told.absorb_ms.push_back(milliseconds(read_clock().mono - begin));
  begin = read_clock().mono;
  for (AgentHas& agent : agents) {
    SharedBytes bytes = answers.answer_for(agent);
    told.bytes = std::max(told.bytes, bytes ? bytes->size() : size_t{1} << 30);
    agent.network = {1, feed->number};
    agent.network_digest = feed->digest;
  }
  told.answer_us.push_back(milliseconds(read_clock().mono - begin) * 1e3 / static_cast<double>(agents.size()));
  told.encoded = std::max(told.encoded, stream.encodings() - encoded);
  told.composed = std::max(told.composed, answers.composed() - composed);
}

}  // namespace

Result<Finding> bench_network_stream(const Setting& setting) {
  const size_t services = setting.sized(1'000), pods = setting.sized(1'000);
  Cluster cluster;
  RETURN_IF_ERROR(cluster.write(make_object<Namespace>("", "shop")));
  for (size_t i = 0; i < services; ++i) RETURN_IF_ERROR(cluster.write(slice_with(i, 0)));
  for (size_t i = 0; i < pods; ++i) {
    RETURN_IF_ERROR(cluster.write(pod_at("web-" + std::to_string(i), "10.3." + std::to_string(i / 250) + "." +
                                                                          std::to_string(i % 250 + 1))));
  }
  ASSIGN_OR_RETURN(Object policy, policy_of_all());
  RETURN_IF_ERROR(cluster.write(std::move(policy)));
  NetworkStream stream({"cluster.local", "10.0.0.0/9", "10.240.0.0/16", "10.240.0.10"}, cluster.view());
  cluster.changes();
  NetworkAnswers answers;
  answers.set(stream.feed(), 1);
  AgentHas in_step;
  in_step.wants_network = true;
  in_step.network = {1, stream.feed()->number};
  in_step.network_digest = stream.feed()->digest;
  std::vector<AgentHas> agents(setting.sized(1'000), in_step);
  Told endpoint, pod;
  for (size_t i = 1; i <= setting.sized(200); ++i) {
    RETURN_IF_ERROR(cluster.write(slice_with(i * 7 % services, i)));
    tell(cluster, stream, answers, agents, endpoint);
    RETURN_IF_ERROR(cluster.write(pod_at("fresh-" + std::to_string(i), "10.4.0." + std::to_string(i))));
    tell(cluster, stream, answers, agents, pod);
  }
  Finding out;
  out.values.set("bytes_per_agent_one_endpoint", static_cast<int64_t>(endpoint.bytes));
  out.values.set("bytes_per_agent_one_pod_of_a_policy", static_cast<int64_t>(pod.bytes));
  out.values.set("items_encoded_one_endpoint", static_cast<int64_t>(endpoint.encoded));
  out.values.set("endpoint_absorbed_ms", median(endpoint.absorb_ms));
  out.values.set("policy_pod_absorbed_ms", median(pod.absorb_ms));
  out.values.set("answer_us_per_agent", median(endpoint.answer_us));
  out.expected.set("bytes_per_agent_one_endpoint", 400);
  out.gates.push_back({"updates put together for all agents, for each change",
                       static_cast<double>(std::max(endpoint.composed, pod.composed)), 1, true});
  out.gates.push_back({"items encoded for one endpoint, of its slice's", static_cast<double>(endpoint.encoded) /
                       static_cast<double>(kEndpoints + 1), 1, true});
  out.gates.push_back({"bytes per agent for one endpoint, of 1 KB", static_cast<double>(endpoint.bytes) / 1024, 1, true});
  out.gates.push_back({"bytes per agent for one pod of a policy, of 1 KB", static_cast<double>(pod.bytes) / 1024, 1, true});
  return out;
}

}  // namespace mainstay::bench
