// `mainstay server`, `agent` and `up`: the long-running commands. Each returns the exit code when it is told
// to stop (SIGTERM, SIGINT).
#pragma once

#include "cli/agent_app.h"
#include "cli/config.h"

namespace mainstay {

int serve(const ServerConfig& config);
int run_agent(const AgentConfig& config);

struct UpOptions {
  ServerConfig server;
  bool simulated = false;
  int nodes = 1;  // more than one only when simulated
  std::string oci_runtime;
};
// Server and agents on this machine. With containers the agent is a process of its own, so that either may die
// alone.
int run_up(const UpOptions& options);

}  // namespace mainstay
