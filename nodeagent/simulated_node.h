// SimulatedNode: a node without containers. It carries operations out in memory: containers "run" until they are
// stopped, or end and fail as the pod's annotations ask. A pure function of (what it holds, operation, now), so
// that the simulator drives thousands of them in virtual time; `--runtime simulated` puts a timer around it.
//
// Annotations of a pod (durations as "1.5s"):
//   mainstay/simulated-start-delay   from start to running (default 50ms)
//   mainstay/simulated-stop-delay    from SIGTERM to the end (default 20ms); "never" ignores SIGTERM
//   mainstay/simulated-run-time      ends by itself after that long
//   mainstay/simulated-exit-code     with this code (default 0)
//   mainstay/simulated-unready       "true": readiness probes fail
//   mainstay/simulated-unhealthy     "true": liveness probes fail
//   mainstay/simulated-unstarted     "true": startup probes fail
//   mainstay/simulated-pull-failure  "true": images cannot be pulled
//   mainstay/simulated-hook-failure  "true": lifecycle hooks fail
//   mainstay/simulated-init-run-time, -init-exit-code   the same of init containers (default 20ms, 0)
// Run time and exit code are those of the containers proper; sidecars run until they are stopped.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "nodeagent/operation.h"
#include "schema/base/time.h"

namespace mainstay {

class SimulatedNode {
 public:
  // `network` is the first three numbers of the node's pod addresses: "10.88.0".
  explicit SimulatedNode(std::string network) : network_(std::move(network)) {}

  struct Reply {
    OperationResult result;
    MonoTime at;  // when it is to be delivered
  };
  Reply carry_out(const Operation& operation, Now now);

  // Ends what is due to end by itself; true if something did (the agent should look again then).
  bool advance(Now now);
  // The next time at which advance() will end something.
  std::optional<MonoTime> next_end() const;

  // Ends a container as a crash does. False if it does not run.
  bool crash(const std::string& uid, const std::string& container, int exit_code, Now now);
  // A power loss: all containers are gone when it comes back.
  void power_loss();
  // The pods that still have a sandbox, containers or an address.
  std::set<std::string> uids() const;

 private:
  struct Running {
    RuntimeContainer container;
    std::optional<MonoTime> ends_at;
    int exit_code = 0;
  };
  struct PodTraits {
    Duration start_delay{50000}, stop_delay{20000};
    bool ignores_stop = false, unready = false, unhealthy = false, unstarted = false;
    bool pull_failure = false, hook_failure = false;
    std::optional<Duration> run_time;
    int exit_code = 0;
    Duration init_run_time{20000};
    int init_exit_code = 0;
    std::set<std::string> inits, sidecars;
  };
  using Outcome = decltype(OperationResult::outcome);

  Outcome apply(const EnsureImage& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const SetUpPod& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const UpdateVolumes& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const StartContainer& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const StopContainer& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const KillContainer& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const RemoveContainer& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const ReleasePod& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const TearDownPod& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const RunProbe& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const RunHook& order, const std::string& uid, Now now, Duration& takes);
  Outcome apply(const Observe& order, const std::string& uid, Now now, Duration& takes);
  void end(Running& running, int exit_code, Now now);
  static PodTraits traits_of(const Object& pod);

  std::string network_;
  int next_address_ = 2;
  std::map<std::string, std::string> addresses_;  // by uid
  std::map<std::string, SandboxSpec> sandboxes_;
  std::map<std::string, PodTraits> traits_;
  std::map<ContainerKey, Running> containers_;
};

}  // namespace mainstay
