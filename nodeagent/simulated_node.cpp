#include "nodeagent/simulated_node.h"

#include <algorithm>
#include <cstdlib>

#include "schema/base/crypto.h"

namespace mainstay {
namespace {

using State = ProcessStatus::State;

constexpr Duration kQuick{1000};

const std::string* annotation(const Object& pod, std::string_view name) {
  return map_find(pod.meta.annotations, "mainstay/simulated-" + std::string(name));
}

void read_duration(const Object& pod, std::string_view name, Duration& to) {
  const std::string* text = annotation(pod, name);
  if (text == nullptr) return;
  if (std::optional<Duration> value = parse_duration(*text)) to = *value;
}

bool read_flag(const Object& pod, std::string_view name) {
  const std::string* text = annotation(pod, name);
  return text != nullptr && *text == "true";
}

}  // namespace

SimulatedNode::PodTraits SimulatedNode::traits_of(const Object& pod) {
  PodTraits out;
  read_duration(pod, "start-delay", out.start_delay);
  read_duration(pod, "stop-delay", out.stop_delay);
  if (const std::string* text = annotation(pod, "stop-delay")) out.ignores_stop = *text == "never";
  if (annotation(pod, "run-time") != nullptr) {
    Duration run_time{0};
    read_duration(pod, "run-time", run_time);
    out.run_time = run_time;
  }
  if (const std::string* text = annotation(pod, "exit-code")) out.exit_code = std::atoi(text->c_str());
  read_duration(pod, "init-run-time", out.init_run_time);
  const std::string* init_code = annotation(pod, "init-exit-code");
  if (init_code != nullptr) out.init_exit_code = std::atoi(init_code->c_str());
  for (const Container& container : as<Pod>(pod).spec.init_containers) {
    (container.restart_policy == "Always" ? out.sidecars : out.inits).insert(container.name);
  }
  out.unready = read_flag(pod, "unready");
  out.unhealthy = read_flag(pod, "unhealthy");
  out.unstarted = read_flag(pod, "unstarted");
  out.pull_failure = read_flag(pod, "pull-failure");
  out.hook_failure = read_flag(pod, "hook-failure");
  return out;
}

SimulatedNode::Reply SimulatedNode::carry_out(const Operation& operation, Now now) {
  advance(now);
  Duration takes = kQuick;
  Reply reply;
  reply.result.id = operation.id;
  reply.result.uid = operation.uid;
  reply.result.outcome =
      std::visit([&](const auto& order) { return apply(order, operation.uid, now, takes); }, operation.body);
  reply.at = now.mono + takes;
  return reply;
}

SimulatedNode::Outcome SimulatedNode::apply(const EnsureImage& order, const std::string& uid, Now,
                                            Duration& takes) {
  takes = Duration{5000};
  auto traits = traits_.find(uid);
  if (traits != traits_.end() && traits->second.pull_failure) {
    return error(ErrorCode::kUnavailable,
                 "failed to pull image \"" + order.ref + "\": the simulation says so");
  }
  ImageEnsured out;
  out.image.name = order.ref;
  out.image.id = "sha256:" + hex(sha256(order.ref));
  out.image.digest = out.image.id;
  return out;
}

SimulatedNode::Outcome SimulatedNode::apply(const SetUpPod& order, const std::string& uid, Now,
                                            Duration& takes) {
  takes = Duration{5000};
  traits_[uid] = traits_of(*order.pod);
  sandboxes_[uid] = order.plan.sandbox;
  PodSetUp out;
  for (const VolumeSpec& volume : order.plan.volumes)
    out.volume_paths[volume.name] = "/simulated/" + volume.name;
  out.etc_dir = "/simulated/etc";
  if (!order.plan.wants_network) return out;
  auto [found, fresh] = addresses_.try_emplace(uid);
  if (fresh) {
    found->second = network_ + "." + std::to_string(next_address_);
    next_address_ = next_address_ >= 254 ? 2 : next_address_ + 1;
  }
  out.ip = found->second;
  return out;
}

SimulatedNode::Outcome SimulatedNode::apply(const UpdateVolumes&, const std::string&, Now, Duration&) {
  return VolumesUpdated{};
}

SimulatedNode::Outcome SimulatedNode::apply(const StartContainer& order, const std::string& uid, Now now,
                                            Duration& takes) {
  const PodTraits& traits = traits_[uid];
  takes = traits.start_delay;
  auto [found, fresh] = containers_.try_emplace(order.spec.key);
  Running& running = found->second;
  if (!fresh) return running.container;
  running.container.key = order.spec.key;
  running.container.id = hex(sha256(uid + order.spec.key.container + std::to_string(order.spec.key.attempt)));
  running.container.number = order.spec.number;
  running.container.image_name = order.spec.image.name;
  running.container.image_id = order.spec.image.id;
  running.container.image_digest = order.spec.image.digest;
  running.container.status.state = State::kRunning;
  running.container.status.pid = 1;
  running.container.status.started_at = now.wall + takes;
  running.container.note = order.spec.note;
  if (traits.inits.count(order.spec.key.container) > 0) {
    running.exit_code = traits.init_exit_code;
    running.ends_at = now.mono + takes + traits.init_run_time;
  } else if (traits.sidecars.count(order.spec.key.container) == 0) {
    running.exit_code = traits.exit_code;
    if (traits.run_time) running.ends_at = now.mono + takes + *traits.run_time;
  }
  return running.container;
}

SimulatedNode::Outcome SimulatedNode::apply(const StopContainer& order, const std::string& uid, Now now,
                                            Duration&) {
  auto found = containers_.find(order.key);
  const PodTraits& traits = traits_[uid];
  if (found == containers_.end() || found->second.container.status.state != State::kRunning) return Done{};
  if (traits.ignores_stop) return Done{};
  found->second.ends_at = now.mono + traits.stop_delay;
  found->second.exit_code = 143;
  return Done{};
}

SimulatedNode::Outcome SimulatedNode::apply(const KillContainer& order, const std::string&, Now now,
                                            Duration&) {
  auto found = containers_.find(order.key);
  if (found == containers_.end() || found->second.container.status.state != State::kRunning) return Done{};
  found->second.ends_at = now.mono + kQuick;
  found->second.exit_code = 137;
  return Done{};
}

SimulatedNode::Outcome SimulatedNode::apply(const RemoveContainer& order, const std::string&, Now,
                                            Duration&) {
  containers_.erase(order.key);
  return Done{};
}

SimulatedNode::Outcome SimulatedNode::apply(const ReleasePod& order, const std::string&, Now,
                                            Duration& takes) {
  takes = Duration{5000};
  addresses_.erase(order.uid);
  return Done{};
}

SimulatedNode::Outcome SimulatedNode::apply(const TearDownPod& order, const std::string&, Now,
                                            Duration& takes) {
  takes = Duration{5000};
  std::erase_if(containers_, [&](auto& item) { return item.first.uid == order.uid; });
  sandboxes_.erase(order.uid);
  addresses_.erase(order.uid);
  traits_.erase(order.uid);
  return Done{};
}

SimulatedNode::Outcome SimulatedNode::apply(const RunProbe& order, const std::string& uid, Now, Duration&) {
  auto found = containers_.find(order.key);
  const PodTraits& traits = traits_[uid];
  bool runs = found != containers_.end() && found->second.container.status.state == State::kRunning;
  bool fails = order.kind == ProbeKind::kReadiness  ? traits.unready
               : order.kind == ProbeKind::kLiveness ? traits.unhealthy
                                                    : traits.unstarted;
  return ProbeResult{runs && !fails, fails ? "the simulation says so" : "", false, false};
}

SimulatedNode::Outcome SimulatedNode::apply(const RunHook&, const std::string& uid, Now, Duration& takes) {
  takes = Duration{5000};
  bool fails = traits_[uid].hook_failure;
  return ProbeResult{!fails, fails ? "the simulation says so" : "", false, false};
}

SimulatedNode::Outcome SimulatedNode::apply(const Observe&, const std::string&, Now, Duration&) {
  Observed out;
  for (const auto& [uid, sandbox] : sandboxes_) out.runtime.sandboxes.push_back({sandbox, true});
  for (const auto& [key, running] : containers_) out.runtime.containers.push_back(running.container);
  for (const auto& [uid, address] : addresses_) {
    if (sandboxes_.count(uid) == 0) out.other_uids.push_back(uid);
  }
  return out;
}

void SimulatedNode::end(Running& running, int exit_code, Now now) {
  running.ends_at.reset();
  running.container.status.state = State::kExited;
  running.container.status.pid = 0;
  running.container.status.exit_code = exit_code;
  running.container.status.finished_at = now.wall;
}

bool SimulatedNode::advance(Now now) {
  bool any = false;
  for (auto& [key, running] : containers_) {
    if (!running.ends_at || *running.ends_at > now.mono) continue;
    end(running, running.exit_code, now);
    any = true;
  }
  return any;
}

std::optional<MonoTime> SimulatedNode::next_end() const {
  std::optional<MonoTime> out;
  for (const auto& [key, running] : containers_) {
    if (running.ends_at && (!out || *running.ends_at < *out)) out = running.ends_at;
  }
  return out;
}

bool SimulatedNode::crash(const std::string& uid, const std::string& container, int exit_code, Now now) {
  for (auto& [key, running] : containers_) {
    if (key.uid != uid || key.container != container) continue;
    if (running.container.status.state != State::kRunning) continue;
    end(running, exit_code, now);
    return true;
  }
  return false;
}

void SimulatedNode::power_loss() {
  containers_.clear();
  sandboxes_.clear();
  addresses_.clear();
}

std::set<std::string> SimulatedNode::uids() const {
  std::set<std::string> out;
  for (const auto& [uid, sandbox] : sandboxes_) out.insert(uid);
  for (const auto& [uid, address] : addresses_) out.insert(uid);
  for (const auto& [key, running] : containers_) out.insert(key.uid);
  return out;
}

}  // namespace mainstay
