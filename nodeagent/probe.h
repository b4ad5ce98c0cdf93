// Probes as a state machine: when to run one next, and what its results mean. Pure; the prober that runs them
// is nodeagent/prober.h. Rules: k8s-semantics section 1.6.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schema/base/time.h"
#include "schema/kinds/container.h"

namespace mainstay {

enum class ProbeKind : uint8_t { kReadiness, kLiveness };

struct ProbeResult {
  bool success = false;
  std::string output;  // for the Unhealthy event, at most 1 KiB
};

// One probe of one running attempt of a container. A new attempt gets a new one.
struct ProbeState {
  MonoTime due;                     // when to run next
  uint64_t operation = 0;           // the one under way; 0: none
  int successes = 0, failures = 0;  // in a row
  bool passed = false;              // readiness: counts as ready; liveness: has not failed
  bool failed_for_good = false;     // liveness: the failure threshold was reached
};

ProbeState start_probe(ProbeKind kind, const Probe& probe, MonoTime container_started);

// Takes a result in and sets the time of the next run.
void take_result(ProbeState& state, ProbeKind kind, const Probe& probe, const ProbeResult& result,
                 MonoTime now);

// Where an HTTP or TCP probe goes: named ports resolved by the container's own list, host by the pod's address.
struct ProbeTarget {
  enum class Kind : uint8_t { kExec, kHttp, kTcp } kind = Kind::kTcp;
  std::vector<std::string> command;
  std::string host;
  int port = 0;
  bool https = false;
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  Duration timeout{std::chrono::seconds{1}};
};
// Nothing if a named port does not exist; the probe then fails.
std::optional<ProbeTarget> probe_target(const Probe& probe, const Container& container,
                                        std::string_view pod_ip);

}  // namespace mainstay
