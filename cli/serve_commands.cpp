#include "cli/serve_commands.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "cli/output.h"
#include "cli/memory.h"
#include "cli/server_app.h"
#include "nodeagent/agent.h"
#include "reconciler/store/private_file.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

// Blocked before any thread starts, so that only wait_for_stop() takes them.
void block_stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

// Returns when the process is told to stop, or `poll` (called about once a second) says so. `shut_down` is called when
// the node is to be shut down (SIGUSR1, from `mainstay agent --shutdown`).
template <typename Poll, typename ShutDown>
void wait_for_stop(Poll poll, ShutDown shut_down) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  for (;;) {
    timespec second{1, 0};
    int got = sigtimedwait(&set, nullptr, &second);
    if (got == SIGTERM || got == SIGINT) return;
    if (got == SIGUSR1) shut_down();
    if (got < 0 && errno == EAGAIN && poll()) return;
  }
}

template <typename Poll>
void wait_for_stop(Poll poll) {
  wait_for_stop(poll, [] {});
}

std::string own_program() {
  char path[4096] = {};
  ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : "mainstay";
}

// The agent as a process of its own, started again when it dies.
class AgentProcess {
 public:
  AgentProcess(std::vector<std::string> arguments) : arguments_(std::move(arguments)) { start(); }
  ~AgentProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }

  void keep_alive() {
    int status = 0;
    if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
      log::warning("up", "the agent has ended; it is started again");
      start();
    }
  }

 private:
  void start() {
    std::string program = own_program();
    std::vector<char*> argv;
    argv.push_back(program.data());
    for (std::string& argument : arguments_) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }

  std::vector<std::string> arguments_;
  pid_t pid_ = -1;
};

Result<std::unique_ptr<Agent>> simulated_agent(const ServerConfig& config, ServerApp& server, int number) {
  std::string name = "node-" + std::to_string(number + 1);
  ASSIGN_OR_RETURN(std::string credential, server.node_credential(name));
  AgentSettings settings;
  settings.machine.name = name;
  settings.machine.address = "10.255.255." + std::to_string(number % 250 + 1);
  settings.machine.data_dir = settings.paths.data_dir = config.data_dir + "/simulated/" + name;
  settings.paths.run_dir = settings.paths.data_dir + "/run";
  settings.machine.runtime_version = "simulated://1.0";
  settings.credential.renew_at = random_renewal();
  ASSIGN_OR_RETURN(settings.machine.kept.eviction, parse_eviction_flags({}));
  LinkSettings link{server.url(), name, credential, server.ca_pem()};
  auto agent = std::make_unique<Agent>(std::move(settings), make_https_link(std::move(link)),
                                       "10.255." + std::to_string(number % 250));
  RETURN_IF_ERROR(agent->start());
  return agent;
}

}  // namespace

int serve(const ServerConfig& config) {
  block_stop_signals();
  Result<std::unique_ptr<ServerApp>> app = ServerApp::start(config);
  if (!app.ok()) return complain(app.error());
  wait_for_stop([] { return false; });
  log::info("server", "stopping");
  return 0;
}

int run_agent(const AgentConfig& config) {
  keep_little_memory();
  if (config.remove_network) {
    Status removed = remove_agent_network(config);
    if (!removed.ok()) return complain(removed.error());
    log::info("agent", "nothing of the cluster's network is left on this node");
    return 0;
  }
  if (config.shut_down) {
    Status ended = shut_down_node(config);
    return ended.ok() ? 0 : complain(ended.error());
  }
  if (config.server.empty()) {
    return complain(error(ErrorCode::kInvalid, "--server is missing: https://host:port of the control plane"));
  }
  block_stop_signals();
  Result<std::unique_ptr<AgentApp>> app = AgentApp::start(config);
  if (!app.ok()) return complain(app.error());
  wait_for_stop([] { return false; }, [&app] {
    log::info("agent", "the node is shut down: its pods are ended");
    (*app)->shut_down();
  });
  log::info("agent", "stopping; containers run on");
  return 0;
}

int run_up(const UpOptions& options) {
  block_stop_signals();
  Result<std::unique_ptr<ServerApp>> app = ServerApp::start(options.server);
  if (!app.ok()) return complain(app.error());
  std::vector<std::unique_ptr<Agent>> agents;
  std::unique_ptr<AgentProcess> process;
  if (options.simulated) {
    for (int i = 0; i < options.nodes; ++i) {
      Result<std::unique_ptr<Agent>> agent = simulated_agent(options.server, **app, i);
      if (!agent.ok()) return complain(agent.error());
      agents.push_back(std::move(*agent));
    }
  } else {
    std::string dir = std::filesystem::absolute(options.server.data_dir).lexically_normal() / "agent";  // as mounts want it
    char host[256] = {};
    gethostname(host, sizeof(host) - 1);
    // A credential that is good is kept: an agent that outlived us still uses it.
    Status written = write_private_file(dir + "/ca.crt", (*app)->ca_pem());
    Result<std::string> known = read_credential(dir + "/credential");
    if (written.ok() && !(known.ok() && (*app)->is_node_credential(*known))) {
      Result<std::string> credential = (*app)->node_credential(host);
      if (!credential.ok()) return complain(credential.error());
      written = write_private_file(dir + "/credential", *credential + "\n");
    }
    if (!written.ok()) return complain(written.error());
    std::vector<std::string> arguments = {"agent", "--server", (*app)->url(), "--data-dir",
                                          dir,     "--name",   host};
    if (!options.oci_runtime.empty()) {
      arguments.push_back("--oci-runtime");
      arguments.push_back(options.oci_runtime);
    }
    process = std::make_unique<AgentProcess>(std::move(arguments));
  }
  std::printf("kubectl --kubeconfig %s get nodes\n", (*app)->kubeconfig_path().c_str());
  std::fflush(stdout);
  wait_for_stop([&] {
    if (process) process->keep_alive();
    return false;
  });
  log::info("up", "stopping; containers run on");
  for (auto& agent : agents) agent->stop();
  return 0;
}

}  // namespace mainstay
