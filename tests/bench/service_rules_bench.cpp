// Packet rules of 1,000 Services with 10 endpoints each: how long a changed endpoint takes to the kernel, how
// long the whole table, what memory that holds, and what a connection's first packet pays. In a network
// namespace of its own.
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <memory>

#include "nodeagent/disk.h"
#include "nodeagent/network/service_rules.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/namespaces.h"
#include "schema/base/clock.h"
#include "schema/base/rng.h"
#include "tests/bench/benchmark.h"
#include "tests/support/processes.h"

namespace mainstay::bench {
namespace {

constexpr size_t kServices = 1'000, kEndpoints = 10;
constexpr char kTable[] = "bench_services", kServer[] = "10.9.0.1";
constexpr int kServerPort = 8080;

std::string service_ip(size_t i) {
  return "10.96." + std::to_string(i / 250 + 1) + "." + std::to_string(i % 250 + 1);
}

std::string pod_ip(size_t i) {
  return "10.88." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
}

std::string service_name(size_t i) { return "service-" + std::to_string(i); }

// The last service's endpoints are the one server there is.
NetworkState cluster(size_t services) {
  NetworkState out;
  out.service_cidr = "10.96.0.0/12";
  out.cluster_cidr = "10.88.0.0/16";
  out.nodes["a"] = {"a", kServer, "10.88.0.0/24"};
  for (size_t i = 0; i < services; ++i) {
    NetworkService service;
    service.ns = "default";
    service.name = service_name(i);
    service.type = "ClusterIP";
    service.cluster_ip = service_ip(i);
    service.ports = {{"", "TCP", 80, 0}};
    NetworkSlice slice;
    slice.ns = "default";
    slice.name = service.name + "-1";
    slice.service = service.name;
    slice.ports = {{"", "TCP", kServerPort}};
    for (size_t j = 0; j < kEndpoints; ++j) {
      NetworkEndpoint endpoint;
      bool server = i + 1 == services;
      endpoint.ip = server ? kServer : pod_ip(i * kEndpoints + j);
      endpoint.node = "node-" + std::to_string(j);
      endpoint.pod = service.name + "-7c5ddbdf54-" + std::to_string(j);
      slice.endpoints.push_back(endpoint);
      if (server) break;
    }
    out.services["default/" + service.name] = service;
    out.slices["default/" + slice.name] = slice;
  }
  return out;
}

struct NftCloser {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

size_t resident_kb() {
  std::ifstream status("/proc/self/statm");
  size_t size = 0, resident = 0;
  status >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / 1024;
}

Result<std::string> run_program(const std::string& name, std::vector<std::string> words) {
  ProcessSpec spec;
  spec.argv = std::move(words);
  spec.argv.insert(spec.argv.begin(), find_program(name));
  spec.env = plain_environment();
  spec.max_output = 64 << 20;
  ASSIGN_OR_RETURN(ProcessResult result, run_checked(spec));
  return std::move(result.out);
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  auto place = static_cast<size_t>(part * static_cast<double>(values.size()));
  return values.at(std::min(values.size() - 1, place));
}

// Milliseconds of one connection, made, accepted and closed.
Result<double> connect_once(int listener, const std::string& ip, int port) {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip.c_str(), &there.sin_addr);
  Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  MonoTime begin = read_clock().mono;
  if (connect(client.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) != 0)
    return errno_error("connecting to " + ip, errno);
  double took = milliseconds(read_clock().mono - begin);
  Fd peer(accept(listener, nullptr, nullptr));
  return took;
}

struct Measured {
  std::vector<double> full, nft_file, change, element, through, direct;
  size_t memory_kb = 0, update_bytes = 0;
};

Status measure_connections(const Setting& setting, size_t services, Measured& out) {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = htons(kServerPort);
  inet_pton(AF_INET, kServer, &here.sin_addr);
  bool bound = bind(listener.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) == 0;
  if (!bound || listen(listener.get(), 16) != 0) return errno_error("listening", errno);
  for (size_t i = 0; i < setting.sized(4'000); ++i) {
    ASSIGN_OR_RETURN(double direct, connect_once(listener.get(), kServer, kServerPort));
    ASSIGN_OR_RETURN(double through, connect_once(listener.get(), service_ip(services - 1), 80));
    out.direct.push_back(direct);
    out.through.push_back(through);
  }
  return {};
}

// What the control plane sends when an endpoint of a slice gives way to another.
std::string one_endpoint_replaced(const NetworkState& state, const std::string& slice, Rng& rng,
                                  const std::string& fresh) {
  const auto& endpoints = state.slices.at("default/" + slice)->endpoints;
  NetworkEndpoint changed = endpoints[rng.below(endpoints.size())];
  NetworkUpdate update;
  update.from = state.at;
  update.at = {state.at.epoch, state.at.number + 1};
  update.items.push_back({"slice/default/" + slice + "/" + changed.ip, ""});
  changed.ip = fresh;
  NetworkSlice only;
  only.ns = "default";
  only.name = slice;
  only.endpoints = {changed};
  update.items.push_back(encode_items(only).back());
  return encode(update);
}

// One endpoint in a random service gives way to another: ours, from the update's bytes on; and the least that
// libnftables can do for it.
Status measure_changes(const Setting& setting, ServiceRules& rules, NetworkState& state, Measured& out) {
  std::unique_ptr<nft_ctx, NftCloser> bare(nft_ctx_new(NFT_CTX_DEFAULT));
  nft_ctx_buffer_error(bare.get());
  Rng rng(7);
  size_t services = state.services.size();
  for (size_t i = 0; i < setting.sized(1'000); ++i) {
    size_t which = rng.below(services - 1);
    std::string fresh = "10.89." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    std::string update = one_endpoint_replaced(state, service_name(which) + "-1", rng, fresh);
    out.update_bytes = std::max(out.update_bytes, update.size());
    MonoTime begin = read_clock().mono;
    ASSIGN_OR_RETURN(NetworkUpdate read, decode_network_update(update));
    ASSIGN_OR_RETURN(state, applied(state, read));
    RETURN_IF_ERROR(rules.apply(state));
    out.change.push_back(milliseconds(read_clock().mono - begin));

    std::string key = "10.200.0.1 . 80 . " + std::to_string(i);
    std::string add = std::string("add element ip ") + kTable + " tcp_endpoints { " + key + " : 10.89.9.9 . 80 }";
    begin = read_clock().mono;
    int outcome = nft_run_cmd_from_buffer(bare.get(), add.c_str());
    out.element.push_back(milliseconds(read_clock().mono - begin));
    if (outcome != 0) return failed(nft_ctx_get_error_buffer(bare.get()));
    std::string undo = std::string("delete element ip ") + kTable + " tcp_endpoints { " + key + " }";
    outcome = nft_run_cmd_from_buffer(bare.get(), undo.c_str());
    if (outcome != 0) return failed(nft_ctx_get_error_buffer(bare.get()));
  }
  return {};
}

Status measure(const Setting& setting, const std::string& dir, Measured& out) {
  for (const char* line : {"link add v0 type veth peer name v1", "link set v0 up", "link set v1 up", "link set lo up",
                           "addr add 10.9.0.1/24 dev v0", "route add default via 10.9.0.2"}) {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    ASSIGN_OR_RETURN(std::string ignored, run_program("ip", words));
  }
  NetworkState state = cluster(setting.sized(kServices));
  ServiceRulesOptions options;
  options.node = "a";
  options.table = kTable;
  std::string file = dir + "/table.nft";
  std::unique_ptr<ServiceRules> rules;
  for (int i = 0; i < setting.repetitions(5); ++i) {
    rules.reset();
    malloc_trim(0);
    size_t before = resident_kb();
    ASSIGN_OR_RETURN(rules, ServiceRules::open(options));
    MonoTime begin = read_clock().mono;
    RETURN_IF_ERROR(rules->apply(state));
    out.full.push_back(milliseconds(read_clock().mono - begin));
    malloc_trim(0);
    out.memory_kb = std::max(out.memory_kb, resident_kb() - std::min(before, resident_kb()));
    // The same content by the program, in the same state of the kernel: it replaces the table, too.
    ASSIGN_OR_RETURN(std::string listing, run_program("nft", {"list", "table", "ip", kTable}));
    std::string head = std::string("delete table ip ") + kTable + "\n";
    RETURN_IF_ERROR(write_file(file, head + listing, 0600));
    begin = read_clock().mono;
    ASSIGN_OR_RETURN(std::string ignored, run_program("nft", {"-f", file}));
    out.nft_file.push_back(milliseconds(read_clock().mono - begin));
    if (i == 0) RETURN_IF_ERROR(rules->remove());
  }
  RETURN_IF_ERROR(rules->remove());
  RETURN_IF_ERROR(rules->apply(state));
  RETURN_IF_ERROR(measure_changes(setting, *rules, state, out));
  return measure_connections(setting, state.services.size(), out);
}

}  // namespace

Result<Finding> bench_service_rules(const Setting& setting) {
  test::TempDir temp;
  std::string netns = temp / "netns";
  RETURN_IF_ERROR(pin_namespaces({{NamespaceKind::kNet, netns}}, ""));
  Measured got;
  Status outcome = in_network_namespace(netns, [&] { return measure(setting, temp.path(), got); });
  RETURN_IF_ERROR(unpin_namespace(netns));
  RETURN_IF_ERROR(outcome);
  Finding out;
  out.values.set("endpoint_change_p50_ms", median(got.change));
  out.values.set("endpoint_change_p99_ms", percentile(got.change, 0.99));
  out.values.set("full_load_ms", median(got.full));
  out.values.set("update_bytes", static_cast<int64_t>(got.update_bytes));
  out.values.set("memory_kb", static_cast<int64_t>(got.memory_kb));
  out.values.set("connect_through_service_us", median(got.through) * 1000);
  out.limits.set("one_element_p50_ms", median(got.element));
  out.limits.set("one_element_p99_ms", percentile(got.element, 0.99));
  out.limits.set("nft_file_ms", median(got.nft_file));
  out.limits.set("connect_directly_us", median(got.direct) * 1000);
  out.expected.set("endpoint_change_p99_ms", 2);
  out.expected.set("full_load_ms", 250);
  out.gates.push_back({"a changed endpoint, p99, against one element through libnftables",
                       percentile(got.change, 0.99) / median(got.element), 20, true});
  out.gates.push_back(
      {"the whole table against nft -f of the same", median(got.full) / median(got.nft_file), 2, true});
  out.gates.push_back({"a connection through a Service against one without",
                       median(got.through) / median(got.direct), 2, true});
  return out;
}

}  // namespace mainstay::bench
