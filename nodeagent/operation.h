// What the agent wants done in the world, and what came of it: plain values between the agent's pure core and
// whoever carries them out (nodeagent/executor.h). Every operation is idempotent. Those of one pod are carried
// out one after another in the order they were handed over, images and probes excepted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/pod_plan.h"
#include "nodeagent/probe.h"
#include "schema/base/result.h"

namespace mainstay {

enum class PullPolicy : uint8_t { kAlways, kIfNotPresent, kNever };

struct EnsureImage {  // kCorrupt: it cannot be told whether the image is here
  std::string ref;
  PullPolicy policy = PullPolicy::kIfNotPresent;
  std::vector<std::string> auth_configs;
};
// Volumes, network, files and sandbox, in this order.
struct SetUpPod {
  SetUp plan;
  ObjectPtr pod;
  NodeFacts node;
};
struct StartContainer {
  ContainerSpec spec;
  std::vector<SubPathMount> sub_paths;  // whose host paths are filled in before
  ObjectPtr pod;
};
// Brings the content of volumes up to date in sight of the running containers: config, labels, tokens.
struct UpdateVolumes {
  std::vector<VolumeSpec> volumes;
  ObjectPtr pod;
};
struct StopContainer {
  ContainerKey key;
};
struct KillContainer {
  ContainerKey key;
};
struct RemoveContainer {
  ContainerKey key;
};
// Network and volumes of a pod that has ended; its containers' logs and states stay.
struct ReleasePod {
  std::string uid;
};
// Containers, sandbox, network, volumes: afterwards nothing of the pod is left.
struct TearDownPod {
  std::string uid;
};
struct RunProbe {
  ContainerKey key;
  ProbeKind kind = ProbeKind::kReadiness;
  ProbeTarget target;
};
// A lifecycle hook of a running container; its result is a ProbeResult.
struct RunHook {
  ContainerKey key;
  ProbeTarget target;
};
// Reads back what exists: containers, sandboxes, pods with a network or volumes left.
struct Observe {};

using OperationBody = std::variant<EnsureImage, SetUpPod, UpdateVolumes, StartContainer, StopContainer,
                                   KillContainer, RemoveContainer, ReleasePod, TearDownPod, RunProbe, RunHook,
                                   Observe>;

struct Operation {
  uint64_t id = 0;
  std::string uid;  // of the pod; "" for EnsureImage and Observe
  OperationBody body;
};

struct ImageEnsured {
  Image image;
  bool pulled = false;
  Duration took{0};
};
// Not the end of an EnsureImage: the image is not here and begins to be fetched. Told by executors that can.
struct PullBegun {};
struct PodSetUp {
  std::string ip;                                   // "" with the host's network
  std::map<std::string, std::string> volume_paths;  // by volume name
  std::string etc_dir;
  std::optional<Duration> renew_after;              // when a token among the volumes is to be replaced
};
struct VolumesUpdated {
  std::optional<Duration> renew_after;
};
struct Observed {
  RuntimeList runtime;
  std::vector<std::string> other_uids;  // pods of which only a network or volumes are left
};
struct Done {};

struct OperationResult {
  uint64_t id = 0;
  std::string uid;
  // An Error, or what the operation makes; Done where it makes nothing.
  std::variant<Error, Done, ImageEnsured, PullBegun, PodSetUp, VolumesUpdated, RuntimeContainer, ProbeResult,
               Observed>
      outcome = Done{};
};

}  // namespace mainstay
