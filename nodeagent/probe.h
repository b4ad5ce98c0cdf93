// Probes as a state machine: when to run one next, and what its results mean. And where probes and lifecycle
// hooks go. Pure; the prober that runs them is nodeagent/prober.h. Rules: k8s-semantics section 1.6.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/base/time.h"
#include "schema/kinds/container.h"

namespace mainstay {

enum class ProbeKind : uint8_t { kReadiness, kLiveness, kStartup };

struct ProbeResult {
  bool success = false;
  std::string output;    // for the event, at most 1 KiB
  bool warning = false;  // a success that is worth an event: a redirect to another host
  bool errored = false;  // it could not be run at all; counts as a failure
};

// One probe of one running attempt of a container. A new attempt gets a new one.
struct ProbeState {
  MonoTime due;                     // when to run next
  uint64_t operation = 0;           // the one under way; 0: none
  int successes = 0, failures = 0;  // in a row
  bool passed = false;              // readiness: counts as ready; startup: has started; liveness: is well
  bool failed_for_good = false;     // liveness, startup: the failure threshold was reached
};

ProbeState start_probe(ProbeKind kind, const Probe& probe, MonoTime container_started);

// Takes a result in and sets the time of the next run.
void take_result(ProbeState& state, ProbeKind kind, const Probe& probe, const ProbeResult& result,
                 MonoTime now);

// Where a probe or a hook goes: named ports resolved by the container's own list, host by the pod's address.
struct ProbeTarget {
  enum class Kind : uint8_t { kExec, kHttp, kTcp, kGrpc } kind = Kind::kTcp;
  std::vector<std::string> command;
  std::string host;
  int port = 0;
  bool https = false;
  std::string path;
  std::string service;  // gRPC
  std::vector<std::pair<std::string, std::string>> headers;
  bool any_status = false;  // HTTP: every answer will do
  Duration timeout{std::chrono::seconds{1}};
};
// Nothing if a named port does not exist; the probe then fails.
std::optional<ProbeTarget> probe_target(const Probe& probe, const Container& container,
                                        std::string_view pod_ip);

// The same for a hook that is not `sleep`. Its HTTP answer's status does not count.
std::optional<ProbeTarget> hook_target(const LifecycleHandler& hook, const Container& container,
                                       std::string_view pod_ip, Duration timeout);

}  // namespace mainstay
