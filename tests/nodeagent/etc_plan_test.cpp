// Host names, /etc/hosts and /etc/resolv.conf of pods, as Kubernetes has them.
#include <catch2/catch.hpp>

#include "nodeagent/etc_plan.h"

using namespace mainstay;

namespace {

Object pod_named(const std::string& name) {
  Object out = make_object<Pod>("shop", name);
  as<Pod>(out).spec.dns_policy = "ClusterFirst";
  return out;
}

PodSpec& spec_of(Object& pod) { return as<Pod>(pod).spec; }

void carry(Object& pod, const std::string& field, Value value) {
  PodSpec& spec = spec_of(pod);
  if (!spec.carried) spec.carried = Box<Value>(Value(ValueMap{}));
  spec.carried->set(field, std::move(value));
}

Value strings(std::initializer_list<const char*> texts) {
  Value out = Value::list();
  for (const char* text : texts) out.push(Value(std::string(text)));
  return out;
}

NodeFacts node() {
  NodeFacts out;
  out.hostname = "machine-7";
  out.resolver =
      parse_resolv_conf("nameserver 192.0.2.53\nsearch corp.example svc.cluster.local\noptions timeout:3\n");
  out.hosts = "127.0.0.1 localhost\n192.0.2.9 neighbour";
  return out;
}

NetworkState cluster() {
  NetworkState out;
  out.dns_address = "10.96.0.10";
  return out;
}

std::string resolv(const Object& pod, const NetworkState* network) {
  return render_resolv_conf(pod_resolver(pod, node(), network));
}

const char kClusterFirst[] =
    "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\n"
    "nameserver 10.96.0.10\noptions ndots:5\n";
const char kNodes[] = "search corp.example svc.cluster.local\nnameserver 192.0.2.53\noptions timeout:3\n";

}  // namespace

TEST_CASE("resolv.conf: each policy, with and without the host's network") {
  NetworkState network = cluster();
  Object pod = pod_named("web");
  CHECK(resolv(pod, &network) == kClusterFirst);
  spec_of(pod).host_network = true;
  CHECK(resolv(pod, &network) == kNodes);
  spec_of(pod).dns_policy = "ClusterFirstWithHostNet";
  CHECK(resolv(pod, &network) == kClusterFirst);
  spec_of(pod).host_network = false;
  spec_of(pod).dns_policy = "Default";
  CHECK(resolv(pod, &network) == kNodes);
  spec_of(pod).dns_policy = "None";
  CHECK(resolv(pod, &network) == "");
}

TEST_CASE("resolv.conf: without cluster DNS the node's servers are asked") {
  Object pod = pod_named("web");
  NetworkState network;
  CHECK(resolv(pod, &network) == kNodes);
  CHECK(resolv(pod, nullptr) == kNodes);
}

TEST_CASE("resolv.conf: another cluster domain") {
  NetworkState network = cluster();
  network.cluster_domain = "example.test";
  CHECK(resolv(pod_named("web"), &network)
            .starts_with("search shop.svc.example.test svc.example.test example.test "));
}

TEST_CASE("resolv.conf: dnsConfig adds servers and searches, its options replace ours, within the limits") {
  NetworkState network = cluster();
  Object pod = pod_named("web");
  Value config = Value(ValueMap{});
  config.set("nameservers", strings({"1.1.1.1", "10.96.0.10", "1.1.1.2", "1.1.1.3"}));
  config.set("searches", strings({"my.dns", "cluster.local"}));
  Value ndots = Value(ValueMap{}), edns = Value(ValueMap{});
  ndots.set("name", Value(std::string("ndots")));
  ndots.set("value", Value(std::string("2")));
  edns.set("name", Value(std::string("edns0")));
  Value options = Value::list();
  options.push(ndots);
  options.push(edns);
  config.set("options", options);
  carry(pod, "dnsConfig", config);
  CHECK(resolv(pod, &network) ==
        "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example my.dns\n"
        "nameserver 10.96.0.10\nnameserver 1.1.1.1\nnameserver 1.1.1.2\noptions ndots:2 edns0\n");
  spec_of(pod).dns_policy = "None";
  CHECK(resolv(pod, &network) ==
        "search my.dns cluster.local\nnameserver 1.1.1.1\nnameserver 10.96.0.10\nnameserver 1.1.1.2\n"
        "options ndots:2 edns0\n");
  Value many = Value::list();
  for (int i = 0; i < 40; ++i) many.push(Value("s" + std::to_string(i)));
  config.set("searches", many);
  carry(pod, "dnsConfig", config);
  CHECK(pod_resolver(pod, node(), &network).searches.size() == 32);
  Value longest = Value::list();
  for (int i = 0; i < 12; ++i) longest.push(Value(std::string(250, 'a') + std::to_string(i)));
  config.set("searches", longest);
  carry(pod, "dnsConfig", config);
  CHECK(pod_resolver(pod, node(), &network).searches.size() == 8);
}

TEST_CASE("a pod's names") {
  Object pod = pod_named("web-1");
  CHECK(pod_names(pod, "cluster.local", node())->kernel == "web-1");
  CHECK(pod_names(pod, "cluster.local", node())->fqdn.empty());
  spec_of(pod).subdomain = "db";
  spec_of(pod).hostname = "one";
  Result<PodNames> names = pod_names(pod, "cluster.local", node());
  CHECK(names->kernel == "one");
  CHECK(names->fqdn == "one.db.shop.svc.cluster.local");
  carry(pod, "setHostnameAsFQDN", Value(true));
  CHECK(pod_names(pod, "cluster.local", node())->kernel == "one.db.shop.svc.cluster.local");
  CHECK(pod_names(pod, "cluster.local", node())->hostname == "one");
  spec_of(pod).hostname = std::string(40, 'x');
  Result<PodNames> large = pod_names(pod, "cluster.local", node());
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().message ==
        "Failed to construct FQDN from Pod hostname and cluster domain, FQDN " + std::string(40, 'x') +
            ".db.shop.svc.cluster.local is too long (64 characters is the max, 66 characters requested)");
  Object longest = pod_named(std::string(62, 'a') + "-b");
  CHECK(pod_names(longest, "cluster.local", node())->hostname == std::string(62, 'a'));
  spec_of(longest).host_network = true;
  CHECK(pod_names(longest, "cluster.local", node())->kernel == "machine-7");
}

TEST_CASE("/etc/hosts of a pod, and of one with the host's network") {
  Object pod = pod_named("web");
  spec_of(pod).subdomain = "db";
  spec_of(pod).host_aliases = {{"1.2.3.4", {"a", "b.example"}}};
  PodNames names = *pod_names(pod, "cluster.local", node());
  EtcFiles files = render_etc_files(names, {}, spec_of(pod), "10.244.1.2", node());
  CHECK(files.hostname == "web\n");
  CHECK(files.hosts.find("127.0.0.1\tlocalhost\n") != std::string::npos);
  CHECK(files.hosts.ends_with(
      "10.244.1.2\tweb.db.shop.svc.cluster.local\tweb\n\n# Entries added by HostAliases.\n"
      "1.2.3.4\ta\tb.example\n"));
  spec_of(pod).host_network = true;
  files = render_etc_files(names, {}, spec_of(pod), "", node());
  CHECK(
      files.hosts.ends_with("127.0.0.1 localhost\n192.0.2.9 neighbour\n\n# Entries added by HostAliases.\n"
                            "1.2.3.4\ta\tb.example\n"));
}
