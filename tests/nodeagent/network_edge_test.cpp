// Pod networks with the real CNI plugins, volumes with real mounts, and whole pods through all four doors.
// The pods' addresses are of a range nobody else uses here (203.0.113.0/24 is for documentation).
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "nodeagent/disk.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/network/cni_network.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/namespaces.h"
#include "nodeagent/volumes/etc_files.h"
#include "nodeagent/volumes/host_volumes.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

MasqueradeRules test_rules() {
  MasqueradeRules rules;
  rules.table = "mainstay_test_" + std::to_string(getpid());
  rules.node_cidr = "203.0.113.0/28";
  rules.cluster_cidr = "203.0.113.0/24";
  return rules;
}

std::string why_no_network() {
  if (geteuid() != 0) return "pod networks need root";
  for (const char* dir : {"/opt/cni/bin/ptp", "/usr/lib/cni/ptp"}) {
    if (path_exists(dir)) return "";
  }
  return "the CNI plugins are not installed";
}

std::unique_ptr<Network> open_network(const NodePaths& paths) {
  CniNetworkOptions options;
  options.paths = paths;
  options.rules = test_rules();
  auto network = open_cni_network(options);
  REQUIRE_OK(network);
  return std::move(*network);
}

NodePaths paths_in(const TempDir& temp) {
  NodePaths paths;
  paths.data_dir = temp.path() + "/data";
  paths.run_dir = temp.path() + "/run";
  paths.cgroup = "mainstay-test-" + std::to_string(getpid());
  return paths;
}

// The answer to "GET path" of a web server at a pod's address, "" if there is none.
std::string http_get(const std::string& ip, int port, const std::string& path) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval patience{2, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
  std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<size_t>(got));
  return answer;
}

#define NEEDS_NETWORK()                      \
  do {                                       \
    std::string reason_ = why_no_network();  \
    if (!reason_.empty()) {                  \
      WARN("SKIPPED: " << reason_);          \
      return;                                \
    }                                        \
  } while (false)

}  // namespace

TEST_CASE("a pod network is made, listed, checked and removed", "[edge][network]") {
  NEEDS_NETWORK();
  TempDir temp;
  NodePaths paths = paths_in(temp);
  auto network = open_network(paths);
  auto begin = read_clock().mono;
  auto first = network->add("pod-a");
  REQUIRE_OK(first);
  WARN("network add took " << (read_clock().mono - begin).count() / 1000.0 << " ms");
  auto second = network->add("pod-b");
  REQUIRE_OK(second);
  CHECK(first->ip.starts_with("203.0.113."));
  CHECK(first->ip != second->ip);
  CHECK(is_pinned(first->netns));
  CHECK(network->add("pod-a").value().ip == first->ip);
  REQUIRE_OK(network->check("pod-a"));

  auto again = open_network(paths);
  auto list = again->list();
  REQUIRE_OK(list);
  REQUIRE(list->size() == 2);
  CHECK(list->at(0).uid == "pod-a");
  CHECK(list->at(0).ip == first->ip);
  CHECK_FALSE(leftovers(paths, "pod-a").empty());

  // Someone took the interface away.
  ProcessSpec unplug;
  unplug.argv = {find_program("ip"), "link", "del", first->host_interface};
  REQUIRE_OK(run_checked(unplug));
  CHECK(network->check("pod-a").error().code == ErrorCode::kNotFound);
  for (const char* uid : {"pod-a", "pod-b", "pod-b", "pod-never"}) {
    REQUIRE_OK(network->del(uid));
    for (const std::string& line : leftovers(paths, uid)) FAIL_CHECK("left: " << line);
  }
  CHECK(if_nothing_left(second->host_interface));
  CHECK(network->list().value().empty());
}

TEST_CASE("a node whose range is used up says so", "[edge][network]") {
  NEEDS_NETWORK();
  TempDir temp;
  CniNetworkOptions options;
  options.paths = paths_in(temp);
  options.rules = test_rules();
  options.rules.node_cidr = "203.0.113.240/30";  // one address besides the gateway
  auto network = open_cni_network(options);
  REQUIRE_OK(network);
  REQUIRE_OK((*network)->add("pod-1"));
  auto full = (*network)->add("pod-2");
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code == ErrorCode::kFull);
  for (const std::string& line : leftovers(options.paths, "pod-2")) FAIL_CHECK("left: " << line);
  REQUIRE_OK((*network)->del("pod-1"));
  REQUIRE_OK((*network)->add("pod-2"));
  REQUIRE_OK((*network)->del("pod-2"));
}

TEST_CASE("a network of a range that is not the node's any more is made anew", "[edge][network]") {
  NEEDS_NETWORK();
  TempDir temp;
  CniNetworkOptions options;
  options.paths = paths_in(temp);
  options.rules = test_rules();
  auto before = open_cni_network(options);
  REQUIRE_OK(before);
  PodNetwork old = (*before)->add("pod-moved").value();
  REQUIRE_OK((*before)->publish_ports("pod-moved", {{"TCP", "", 29871, 80}}));
  options.rules.node_cidr = "203.0.113.128/28";
  auto after = open_cni_network(options);
  REQUIRE_OK(after);
  REQUIRE_OK((*after)->repair_rules());
  // Its port does not lead to where nobody is.
  CHECK_FALSE(run_nft("list table ip " + options.rules.table + "_ports").ok());
  REQUIRE((*after)->list().value().size() == 1);
  CHECK((*after)->list()->front().ip == "");
  CHECK((*after)->check("pod-moved").error().code == ErrorCode::kNotFound);
  PodNetwork made = (*after)->add("pod-moved").value();
  CHECK(made.ip.starts_with("203.0.113.1"));
  CHECK(made.ip != old.ip);
  CHECK((*after)->list()->front().ip == made.ip);
  REQUIRE_OK((*after)->check("pod-moved"));
  CHECK(eventually([&] { return if_nothing_left(old.host_interface); }));
  REQUIRE_OK((*after)->del("pod-moved"));
  REQUIRE_OK((*after)->remove_rules());
  for (const std::string& line : leftovers(options.paths, "pod-moved")) FAIL_CHECK("left: " << line);
}

TEST_CASE("masquerade rules are repaired and removed", "[edge][network]") {
  NEEDS_NETWORK();
  TempDir temp;
  auto network = open_network(paths_in(temp));
  std::string table = test_rules().table;
  auto repaired = network->repair_rules();
  REQUIRE_OK(repaired);
  CHECK(*repaired);
  auto listing = run_nft("list table ip " + table);
  REQUIRE_OK(listing);
  CHECK(listing->find("ip saddr 203.0.113.0/28 ip daddr != 203.0.113.0/24") != std::string::npos);
  CHECK(listing->find("masquerade") != std::string::npos);
  CHECK_FALSE(network->repair_rules().value());
  REQUIRE_OK(run_nft("flush chain ip " + table + " outbound"));
  CHECK(network->repair_rules().value());
  CHECK(run_nft("list table ip " + table).value() == *listing);
  REQUIRE_OK(run_nft("delete table ip " + table));
  CHECK(network->repair_rules().value());
  REQUIRE_OK(network->remove_rules());
  REQUIRE_OK(network->remove_rules());
  CHECK(run_nft("list table ip " + table).error().code == ErrorCode::kNotFound);
}

TEST_CASE("network operations killed at any moment can be repeated", "[edge][network][crash]") {
  NEEDS_NETWORK();
  TempDir temp;
  NodePaths paths = paths_in(temp);
  auto network = open_network(paths);
  for (int delay_ms : {0, 2, 4, 6, 9, 12, 16, 20, 30}) {
    INFO("killed after " << delay_ms << " ms");
    kill_after(delay_ms, [&] { (void)network->add("pod-x"); });
    auto made = network->add("pod-x");
    REQUIRE_OK(made);
    REQUIRE_OK(network->check("pod-x"));
    kill_after(delay_ms, [&] { (void)network->del("pod-x"); });
    REQUIRE_OK(network->del("pod-x"));
    CHECK(eventually([&] { return if_nothing_left(made->host_interface); }));
    for (const std::string& line : leftovers(paths, "pod-x")) FAIL_CHECK("left: " << line);
  }
}

TEST_CASE("a whole pod: network, volumes, image, container, answer, removal", "[edge][pod]") {
  NEEDS_NETWORK();
  NEEDS_IMAGES();
  NEEDS_CONTAINERS();
  EdgeNode node;
  auto network = open_network(node.paths());
  auto volumes = open_host_volumes(node.paths());
  REQUIRE_OK(volumes);
  auto images = open_store_at(node.paths());
  TempDir temp;
  REQUIRE_OK(images->import_archive(pack_example_images(temp.path()) + "/web-v1.tar"));

  std::string uid = "pod-whole-" + std::to_string(getpid());
  auto begin = read_clock().mono;
  auto image = images->present("localhost/mainstay/web:v1");
  auto wired = network->add(uid);
  REQUIRE_OK(wired);
  SandboxSpec sandbox;
  sandbox.uid = uid;
  sandbox.hostname = "web-1";
  sandbox.netns = wired->netns;
  REQUIRE_OK(node.runtime().make_sandbox(sandbox));
  auto etc = (*volumes)->write_etc(
      uid, {render_hosts(wired->ip, "web-1", "", {}), "nameserver 192.0.2.1\n", "web-1\n"});
  REQUIRE_OK(etc);
  VolumeSpec config;
  config.name = "config";
  config.kind = VolumeSpec::Kind::kFiles;
  config.files = {{"greeting", "hello", 0444}};
  auto prepared = (*volumes)->prepare(uid, config);
  REQUIRE_OK(prepared);
  ContainerSpec spec;
  spec.key = {uid, "web", 0};
  spec.image = **image;
  spec.mounts = {{*prepared, "/config", true}, {*etc + "/hosts", "/etc/hosts", false}};
  auto started = node.runtime().start(spec);
  REQUIRE_OK(started);
  WARN("one pod from doors to running took " << (read_clock().mono - begin).count() / 1000.0 << " ms");

  REQUIRE(eventually([&] { return http_get(wired->ip, 8080, "/healthz").ends_with("\r\n\r\nok\n"); }));
  CHECK(http_get(wired->ip, 8080, "/").ends_with("mainstay example web v1\n"));
  auto seen = node.runtime().exec(spec.key, {"/bin/cat", "/config/greeting", "/etc/hosts"}, 10s, 4096);
  REQUIRE_OK(seen);
  CHECK(seen->output.starts_with("hello# Written by Mainstay"));
  CHECK(seen->output.find(wired->ip + "\tweb-1") != std::string::npos);
  config.files[0].bytes = "changed";
  REQUIRE_OK((*volumes)->prepare(uid, config));
  CHECK(node.runtime().exec(spec.key, {"/bin/cat", "/config/greeting"}, 10s, 4096).value().output ==
        "changed");

  REQUIRE_OK(node.runtime().stop(spec.key));
  CHECK(wait_until_exited(node.runtime(), spec.key).exit_code == 0);
  REQUIRE_OK(node.runtime().remove_sandbox(uid));
  REQUIRE_OK((*volumes)->remove(uid));
  REQUIRE_OK(network->del(uid));
  for (const std::string& line : leftovers(node.paths(), uid)) FAIL_CHECK("left: " << line);
  CHECK((*volumes)->list().value().empty());
}
