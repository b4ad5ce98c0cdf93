#include "cli/agent_app.h"

#include <sys/file.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "nodeagent/agent.h"
#include "nodeagent/disk.h"
#include "nodeagent/host_network.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/late_network.h"
#include "nodeagent/network/masquerade.h"
#include "nodeagent/network/node_routes.h"
#include "nodeagent/network/other_tables.h"
#include "nodeagent/runtime/oci_runtime.h"
#include "nodeagent/volumes/host_volumes.h"
#include "schema/base/crypto.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

CredentialKeeper::Settings credential_settings(const AgentConfig& config) {
  CredentialKeeper::Settings out;
  out.file = config.data_dir + "/credential";
  out.ca_file = config.data_dir + "/ca.crt";
  out.token_file = config.token_file.empty() ? config.data_dir + "/join-token" : config.token_file;
  out.renew_at = random_renewal();
  return out;
}

// The cluster's certificate: as told, and as it came with this node's credential.
Result<std::string> find_ca(const AgentConfig& config) {
  std::string all;
  if (!config.ca_file.empty()) {
    ASSIGN_OR_RETURN(all, read_file(config.ca_file));
  }
  size_t slash = config.token_file.rfind('/');
  std::string beside = (slash == std::string::npos ? "." : config.token_file.substr(0, slash)) + "/ca.crt";
  Result<std::string> kept = read_file(config.data_dir + "/ca.crt");
  if (!kept.ok() && all.empty()) kept = read_file(beside);
  if (kept.ok()) all += *kept;
  if (!all.empty()) return all;
  return error(
      ErrorCode::kInvalid,
      "the cluster's certificate is needed: give --ca-file, or put ca.crt (the server's pki/ca.crt) beside "
      "the token file");
}

// This node's credential: the stored one, else the token file's; a join token is exchanged for one.
Result<FreshCredential> find_credential(const CredentialKeeper::Settings& settings, ControlLink& link) {
  Result<std::string> known = read_credential(settings.file);
  if (known.ok()) return FreshCredential{*known, ""};
  if (known.error().code != ErrorCode::kNotFound) return known.error();
  Result<std::string> given = read_credential(settings.token_file);
  if (!given.ok()) {
    return given.error().in("this node has no credential yet and needs a join token (`mainstay token create` on the "
                            "server; --token-file)");
  }
  ASSIGN_OR_RETURN(FreshCredential joined, link.join(*given));
  RETURN_IF_ERROR(write_credential(settings, joined));
  return joined;
}

// The process that says in the lock file that it has the lock; 0 if none does.
pid_t lock_holder(const std::string& path) {
  Result<std::string> holder = read_file(path);
  return holder.ok() ? static_cast<pid_t>(std::atol(holder->c_str())) : 0;
}

// One agent per data directory. A new one takes over: the one before is asked to end, which touches no container,
// and is given a few seconds for it.
Result<Fd> lock_dir(const std::string& dir) {
  std::string path = dir + "/lock";
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return errno_error("opening " + path, errno);
  for (int tries = 0; flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    constexpr int kTries = 100;
    pid_t pid = lock_holder(path);
    if (tries == kTries || pid <= 1) {
      return error(ErrorCode::kBusy, "another agent (process " + std::to_string(pid) + ") uses " + dir);
    }
    if (tries == 0) {
      log::info("agent", "taking over from process " + std::to_string(pid));
      kill(pid, SIGTERM);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
  std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd.get(), 0) != 0 || pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    return errno_error("writing " + path, errno);
  }
  return fd;
}

}  // namespace

double random_renewal() {
  return 0.7 + 0.2 * static_cast<unsigned char>(random_bytes(1)[0]) / 255;
}

std::string default_run_dir(const std::string& data_dir) {
  if (data_dir == "/var/lib/mainstay-agent") return "/run/mainstay-agent";
  // Short: paths of sockets below it must fit in 108 bytes.
  return "/run/mainstay-" + hex(sha256(data_dir)).substr(0, 10);
}

struct AgentApp::State {
  Fd lock;
  std::unique_ptr<Images> images;
  std::unique_ptr<LateNetwork> network;
  std::unique_ptr<NodeNetwork> node_network;
  std::unique_ptr<Volumes> volumes;
  std::unique_ptr<Runtime> runtime;
  std::unique_ptr<Agent> agent;
  BeginShutdown shutdown;
  std::string drained_file;

  Status open_doors(const AgentConfig& config, const NodePaths& paths, const NodeFacts& node);
};

namespace {

// nft takes no '-' in a table's name.
std::string table_name(const NodePaths& paths) {
  std::string out = paths.cgroup;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

NodePaths paths_of(const AgentConfig& config) {
  NodePaths paths;
  paths.data_dir = config.data_dir;
  paths.run_dir = config.run_dir.empty() ? default_run_dir(config.data_dir) : config.run_dir;
  if (config.data_dir != "/var/lib/mainstay-agent") {
    paths.cgroup = "mainstay-" + hex(sha256(config.data_dir)).substr(0, 10);
  }
  return paths;
}

HostNetworkOptions host_network_options(const AgentConfig& config, const NodePaths& paths,
                                        const std::string& node) {
  HostNetworkOptions out;
  out.node = node;
  out.table = table_name(paths) + "_services";
  out.overlay = config.overlay;
  return out;
}

}  // namespace

Status AgentApp::State::open_doors(const AgentConfig& config, const NodePaths& paths, const NodeFacts& node) {
  OciRuntimeOptions runtime_options;
  runtime_options.paths = paths;
  runtime_options.oci_runtime = config.oci_runtime;
  Result<OpenedRuntime> opened = open_oci_runtime(runtime_options);
  if (!opened.ok()) return opened.error();
  for (const std::string& note : opened->notes) log::info("agent", note);
  runtime = std::move(opened->runtime);
  ImageStoreOptions image_options;
  image_options.paths = paths;
  image_options.auth_file = config.registry_auth_file;
  for (const std::string& text : config.registry_mirrors) {
    ASSIGN_OR_RETURN(auto mirror, parse_mirror(text));
    image_options.mirrors[mirror.first].push_back(mirror.second);
  }
  ASSIGN_OR_RETURN(images, open_image_store(image_options));
  ASSIGN_OR_RETURN(volumes, open_host_volumes(paths));
  CniNetworkOptions network_options;
  network_options.paths = paths;
  network_options.plugin_dir = config.plugin_dir;
  network_options.rules.table = table_name(paths);
  if (config.overlay) {
    ASSIGN_OR_RETURN(network_options.mtu, pod_mtu(node.address, true));
  }
  network = std::make_unique<LateNetwork>(network_options);
  ASSIGN_OR_RETURN(node_network, open_host_network(host_network_options(config, paths, node.name)));
  ASSIGN_OR_RETURN(std::string others, other_tables_warning(table_name(paths)));
  if (!others.empty()) log::warning("agent", others);
  return {};
}

namespace {

// Below the run directory: there once a shutdown has ended all pods.
std::string drained_file(const NodePaths& paths) { return paths.run_dir + "/drained"; }

Result<Duration> span_of(std::string_view flag, const std::string& text) {
  std::optional<Duration> span = parse_duration(text);
  if (span && *span >= Duration{0}) return *span;
  return error(ErrorCode::kInvalid, std::string(flag) + ": '" + text + "' is no span of time");
}

Result<BeginShutdown> shutdown_of(const AgentConfig& config) {
  BeginShutdown out;
  ASSIGN_OR_RETURN(out.period, span_of("--shutdown-grace-period", config.shutdown_period));
  ASSIGN_OR_RETURN(out.critical, span_of("--shutdown-grace-period-critical-pods", config.shutdown_critical));
  if (out.critical <= out.period) return out;
  return error(ErrorCode::kInvalid,
               "--shutdown-grace-period-critical-pods must not be longer than --shutdown-grace-period");
}

// What the node is told about looking after itself.
Status set_node_care(AgentSettings& settings, const AgentConfig& config) {
  HousekeepingSettings& care = settings.housekeeping;
  ASSIGN_OR_RETURN(care.eviction, parse_eviction_flags(config.eviction));
  care.images = config.image_gc;
  ASSIGN_OR_RETURN(care.images.minimum_age, span_of("--minimum-image-ttl-duration", config.image_min_age));
  RETURN_IF_ERROR(check_image_gc(care.images));
  NodeReservations& kept = settings.machine.kept;
  kept.eviction = care.eviction;
  ASSIGN_OR_RETURN(kept.system, parse_reservation("--system-reserved", config.system_reserved));
  ASSIGN_OR_RETURN(kept.kube, parse_reservation("--kube-reserved", config.kube_reserved));
  ASSIGN_OR_RETURN(settings.labels, parse_node_labels(config.node_labels));
  NodeFacts facts = read_node_facts(settings.machine);
  return check_reservations(read_node_status(settings.machine, facts, {}).capacity, kept);
}

}  // namespace

AgentApp::AgentApp(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<AgentApp>> AgentApp::start(const AgentConfig& config) {
  NodePaths paths = paths_of(config);
  RETURN_IF_ERROR(check_paths(paths));
  RETURN_IF_ERROR(make_dirs(paths.data_dir, 0700));
  RETURN_IF_ERROR(make_dirs(paths.run_dir, 0700));
  auto state = std::make_unique<State>();
  ASSIGN_OR_RETURN(state->lock, lock_dir(paths.data_dir));
  AgentSettings settings;
  settings.machine.name = config.name;
  settings.machine.address = config.address;
  settings.machine.data_dir = paths.data_dir;
  settings.machine.runtime_version = "simulated://1.0";
  settings.machine.pids_limit = config.pids_limit;
  settings.machine.allowed_sysctls = config.allowed_sysctls;
  settings.paths = paths;
  RETURN_IF_ERROR(set_node_care(settings, config));
  ASSIGN_OR_RETURN(state->shutdown, shutdown_of(config));
  state->drained_file = drained_file(paths);
  LinkSettings link;
  link.server = config.server;
  link.node = read_node_facts(settings.machine).name;
  ASSIGN_OR_RETURN(link.ca_pem, find_ca(config));
  settings.credential = credential_settings(config);
  std::unique_ptr<ControlLink> control = make_https_link(link);
  ASSIGN_OR_RETURN(FreshCredential credential, find_credential(settings.credential, *control));
  control->use_credential(credential);
  settings.machine.name = link.node;
  if (config.simulated) {
    state->agent = std::make_unique<Agent>(std::move(settings), std::move(control), std::string("10.255.0"));
  } else {
    RETURN_IF_ERROR(state->open_doors(config, paths, read_node_facts(settings.machine)));
    settings.node_network = state->node_network.get();
    settings.machine.runtime_version = state->runtime->version();
    LateNetwork* network = state->network.get();
    settings.range_known = [network](const std::string& node, const std::string& cluster) {
      return network->set_range(node, cluster);
    };
    Doors doors{*state->images, *state->network, *state->volumes, *state->runtime};
    state->agent = std::make_unique<Agent>(std::move(settings), std::move(control), doors);
  }
  RETURN_IF_ERROR(state->agent->start());
  log::info("agent", "node " + link.node + " serves " + link.server);
  return std::unique_ptr<AgentApp>(new AgentApp(std::move(state)));
}

Status remove_agent_network(const AgentConfig& config) {
  NodePaths paths = paths_of(config);
  MachineOptions machine;
  machine.name = config.name;
  std::string path = paths.data_dir + "/lock";
  Fd lock(open(path.c_str(), O_RDWR | O_CLOEXEC));
  // Its pods would be cut off, and whoever starts it again meanwhile would find half of everything.
  if (lock.open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return error(ErrorCode::kBusy, "an agent (process " + std::to_string(lock_holder(path)) + ") runs with " +
                                       paths.data_dir + ": its network is not taken away under it; stop it first");
  }
  ASSIGN_OR_RETURN(std::unique_ptr<NodeNetwork> network,
                   open_host_network(host_network_options(config, paths, read_node_facts(machine).name)));
  RETURN_IF_ERROR(network->remove());
  // The tables of pods' way out and of host ports.
  RETURN_IF_ERROR(remove_nft_table(table_name(paths)));
  return remove_nft_table(table_name(paths) + "_ports");
}

void AgentApp::shut_down() {
  state_->agent->shut_down(state_->shutdown);
  Status said = write_file(state_->drained_file, "", 0600);
  if (!said.ok()) log::warning("agent", "cannot say that the node is drained: " + said.error().message);
}

Status shut_down_node(const AgentConfig& config) {
  NodePaths paths = paths_of(config);
  ASSIGN_OR_RETURN(BeginShutdown order, shutdown_of(config));
  std::string path = paths.data_dir + "/lock";
  Fd lock(open(path.c_str(), O_RDWR | O_CLOEXEC));
  pid_t pid = lock_holder(path);
  // Whoever can take the lock is alone: the number in it is then somebody else's by now.
  bool alone = !lock.open() || flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
  if (alone || pid <= 1) return error(ErrorCode::kUnavailable, "no agent runs on " + paths.data_dir);
  unlink(drained_file(paths).c_str());
  if (kill(pid, SIGUSR1) != 0) return errno_error("telling process " + std::to_string(pid), errno);
  constexpr Duration kPause = std::chrono::milliseconds{100};
  for (Duration left = order.period + std::chrono::minutes{1}; left > Duration{0}; left -= kPause) {
    if (path_exists(drained_file(paths))) return {};
    std::this_thread::sleep_for(kPause);
  }
  return error(ErrorCode::kTimeout, "the agent has not said that the node's pods have ended");
}

AgentApp::~AgentApp() {
  if (state_->agent) state_->agent->stop();
}

}  // namespace mainstay
