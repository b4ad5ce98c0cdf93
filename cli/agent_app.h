// A node agent put together, with real doors or simulated. The composition root of `mainstay agent`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nodeagent/housekeeping/housekeeper.h"
#include "schema/base/result.h"

namespace mainstay {

struct AgentConfig {
  std::string server;  // "https://host:port"
  std::string
      ca_file;  // the cluster's certificate authority; "" looks beside the token file, then in data_dir
  std::string token_file;  // a join token; "" is join-token in data_dir
  std::string name;        // "" takes the host name
  std::string address;     // "" finds it
  std::string data_dir = "/var/lib/mainstay-agent";
  std::string run_dir;      // "" is /run/mainstay-agent, or for another data_dir a folder named after it
  std::string oci_runtime;  // path; "" takes the first that works
  std::string plugin_dir;   // CNI plugins; "" finds them
  bool overlay = false;     // VXLAN to the other nodes, where they share no segment
  bool simulated = false;
  bool remove_network = false;  // only takes away what remove_agent_network() does
  int64_t pids_limit = 4096;                  // of one container; 0: none
  std::vector<std::string> allowed_sysctls;   // besides the safe ones; names, or beginnings that end in '*'
  std::vector<std::string> registry_mirrors;  // "docker.io=mirror.example.org:5000"
  std::string registry_auth_file;             // credentials for every pull, as in a .dockerconfigjson
  EvictionFlags eviction;
  ImageGcPolicy image_gc;              // its minimum age is image_min_age
  std::string image_min_age = "2m";
  std::string system_reserved, kube_reserved;
  std::string node_labels;
  std::string shutdown_period = "30s", shutdown_critical = "10s";
  bool shut_down = false;  // only does what shut_down_node() does
};

class AgentApp {
 public:
  static Result<std::unique_ptr<AgentApp>> start(const AgentConfig& config);
  // Ends the node's pods in their order and for good; the agent goes on without taking new ones.
  void shut_down();
  // Ends the agent; containers run on.
  ~AgentApp();

 private:
  struct State;
  explicit AgentApp(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Takes away what an agent leaves on its node for the cluster's network: packet rules, routes, the DNS interface. The
// agent must not run.
Status remove_agent_network(const AgentConfig& config);

// A share of a credential's life, 0.7 to 0.9, for CredentialKeeper.
double random_renewal();

// Tells the agent that runs on this data directory to end the node's pods, and waits until it has.
// kUnavailable: none runs there; kTimeout: it has not answered within its period and a minute.
Status shut_down_node(const AgentConfig& config);

// The run directory that goes with a data directory.
std::string default_run_dir(const std::string& data_dir);

}  // namespace mainstay
