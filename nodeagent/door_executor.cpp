#include "nodeagent/door_executor.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "nodeagent/images/reference.h"
#include "nodeagent/operation_lanes.h"
#include "nodeagent/prober.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

using Outcome = decltype(OperationResult::outcome);

// Image pulls wait for the network and may take minutes; they never use more than this many threads.
constexpr size_t kPullsAtOnce = 4, kPullsOfRegistry = 2;
constexpr size_t kBesideAtOnce = 64;

template <typename T>
Outcome outcome_of(Result<T> result) {
  if (!result.ok()) return result.error();
  return std::move(result).value();
}
Outcome outcome_of(const Status& status) {
  if (!status.ok()) return status.error();
  return Done{};
}

// What operations are carried out with.
struct Tools {
  Doors doors;
  ServiceTokens tokens;
  std::atomic<bool> cancelled{false};  // probes and hooks end at once
};

// What there is to say of an image without fetching it; nothing if it has to be fetched.
std::optional<Outcome> look_for(Tools& tools, const EnsureImage& order) {
  Result<std::optional<Image>> present = tools.doors.images.present(order.ref);
  if (!present.ok()) {
    bool no_name = present.error().code == ErrorCode::kInvalid;
    return Outcome(no_name ? present.error() : error(ErrorCode::kCorrupt, present.error().message));
  }
  if (*present) return Outcome(ImageEnsured{std::move(**present), false, Duration{0}});
  if (order.policy != PullPolicy::kNever) return std::nullopt;
  return Outcome(error(ErrorCode::kNotFound, "ErrImageNeverPull: container image \"" + order.ref +
                                                 "\" is not present with pull policy of Never"));
}

// `begun` is told before the image is fetched.
Outcome carry_out(Tools& tools, const EnsureImage& order, const std::function<void()>& begun) {
  if (Result<ImageReference> name = parse_reference(order.ref); !name.ok()) return name.error();
  // It may have come since it was looked for, by a pull for another pod.
  if (order.policy != PullPolicy::kAlways) {
    if (std::optional<Outcome> known = look_for(tools, order)) return std::move(*known);
  }
  begun();
  MonoTime before = read_clock().mono;
  PullRequest request;
  request.ref = order.ref;
  request.auth_configs = order.auth_configs;
  Result<Image> pulled = tools.doors.images.pull(request);
  if (!pulled.ok() && pulled.error().code == ErrorCode::kCorrupt) return failed(pulled.error().message);
  if (!pulled.ok()) return pulled.error();
  return ImageEnsured{std::move(*pulled), true, read_clock().mono - before};
}

// Prepares one volume with its tokens in it.
Result<std::string> prepare_volume(Tools& tools, const Object& pod, VolumeSpec volume) {
  Status filled = tools.tokens.fill(pod, volume, read_clock().mono);
  Result<std::string> path = filled.ok() ? tools.doors.volumes.prepare(pod.meta.uid, volume) : filled.error();
  if (!path.ok()) return path.error().in("MountVolume.SetUp failed for volume \"" + volume.name + "\" ");
  return path;
}

Outcome carry_out(Tools& tools, const SetUpPod& order) {
  const Doors& doors = tools.doors;
  const std::string& uid = order.plan.sandbox.uid;
  PodSetUp made;
  SandboxSpec sandbox = order.plan.sandbox;
  for (const VolumeSpec& volume : order.plan.volumes) {
    Result<std::string> path = prepare_volume(tools, *order.pod, volume);
    if (!path.ok()) return path.error();
    made.volume_paths[volume.name] = *path;
  }
  made.renew_after = tools.tokens.renew_after(uid, read_clock().mono);
  if (order.plan.wants_network) {
    Result<PodNetwork> network = doors.network.add(uid);
    if (!network.ok()) return network.error().in("failed to set up the pod's network");
    Status ports = doors.network.publish_ports(uid, order.plan.host_ports);
    if (!ports.ok()) return ports.error().in("failed to set up the pod's host ports");
    made.ip = network->ip;
    sandbox.netns = network->netns;
  }
  Result<std::string> etc =
      doors.volumes.write_etc(uid, render_etc_files(order.plan.names, order.plan.resolver,
                                                    as<Pod>(*order.pod).spec, made.ip, order.node));
  if (!etc.ok()) return etc.error().in("failed to write the pod's files");
  made.etc_dir = *etc;
  Status status = doors.runtime.make_sandbox(sandbox);
  if (!status.ok()) return status.error().in("failed to create the pod's sandbox");
  return made;
}

Outcome carry_out(Tools& tools, const UpdateVolumes& order) {
  for (const VolumeSpec& volume : order.volumes) {
    Result<std::string> path = prepare_volume(tools, *order.pod, volume);
    if (!path.ok()) return path.error();
  }
  return VolumesUpdated{tools.tokens.renew_after(order.pod->meta.uid, read_clock().mono)};
}

Outcome carry_out(Tools& tools, const StartContainer& order) {
  ContainerSpec spec = order.spec;
  for (const SubPathMount& part : order.sub_paths) {
    VolumeSpec volume = part.volume;
    Status filled = tools.tokens.fill(*order.pod, volume, read_clock().mono);
    if (!filled.ok()) return filled.error();
    Result<std::string> path = tools.doors.volumes.sub_path(spec.key.uid, volume, part.sub_path, part.slot);
    if (!path.ok()) {
      return error(ErrorCode::kInvalid, "failed to prepare subPath for volumeMount \"" + volume.name +
                                            "\" of container \"" + spec.key.container + "\": " + path.error().message);
    }
    spec.mounts[part.mount].host_path = *path;
  }
  return outcome_of(tools.doors.runtime.start(spec));
}
Outcome carry_out(Tools& tools, const StopContainer& order) {
  return outcome_of(tools.doors.runtime.stop(order.key));
}
Outcome carry_out(Tools& tools, const KillContainer& order) {
  return outcome_of(tools.doors.runtime.kill(order.key));
}
Outcome carry_out(Tools& tools, const RemoveContainer& order) {
  return outcome_of(tools.doors.runtime.remove(order.key));
}

// Everything is tried even if something fails; the first failure is told, and the whole is tried again.
Outcome carry_out(Tools& tools, const TearDownPod& order) {
  const Doors& doors = tools.doors;
  tools.tokens.forget(order.uid);
  Status sandbox = doors.runtime.remove_sandbox(order.uid);
  if (!sandbox.ok()) return sandbox.error();
  Status network = doors.network.del(order.uid);
  Status volumes = doors.volumes.remove(order.uid);
  if (!network.ok()) return network.error();
  return outcome_of(volumes);
}

// What was held only while containers ran.
Outcome carry_out(Tools& tools, const ReleasePod& order) {
  const Doors& doors = tools.doors;
  tools.tokens.forget(order.uid);
  Status network = doors.network.del(order.uid);
  Status volumes = doors.volumes.remove(order.uid);
  if (!network.ok()) return network.error();
  return outcome_of(volumes);
}

ProbeResult reach(Tools& tools, const ContainerKey& key, const ProbeTarget& target) {
  if (target.kind != ProbeTarget::Kind::kExec) return probe_network(target, &tools.cancelled);
  constexpr size_t kOutput = 1024;
  Result<ExecResult> ran = tools.doors.runtime.exec(key, target.command, target.timeout, kOutput);
  if (!ran.ok()) return {false, ran.error().message, false, true};
  if (ran->timed_out) {
    auto span = std::chrono::duration_cast<std::chrono::seconds>(target.timeout).count();
    std::string command = target.command.empty() ? "" : target.command.front();
    return {false, "command timed out: \"" + command + "\" timed out after " + std::to_string(span) + "s", false,
            false};
  }
  return {ran->exit_code == 0, ran->output, false, false};
}

Outcome carry_out(Tools& tools, const RunProbe& order) { return reach(tools, order.key, order.target); }
Outcome carry_out(Tools& tools, const RunHook& order) { return reach(tools, order.key, order.target); }

Outcome carry_out(Tools& tools, const Observe&) {
  const Doors& doors = tools.doors;
  Observed out;
  Result<RuntimeList> runtime = doors.runtime.list();
  if (!runtime.ok()) return runtime.error();
  out.runtime = std::move(*runtime);
  std::set<std::string> others, without_address;
  if (Result<std::vector<PodNetwork>> networks = doors.network.list(); networks.ok()) {
    for (const PodNetwork& network : *networks) {
      others.insert(network.uid);
      if (network.ip.empty()) without_address.insert(network.uid);
    }
  }
  if (Result<std::vector<std::string>> volumes = doors.volumes.list(); volumes.ok()) {
    others.insert(volumes->begin(), volumes->end());
  }
  for (RuntimeSandbox& sandbox : out.runtime.sandboxes) {
    others.erase(sandbox.spec.uid);
    // Its pod cannot be reached: it is made anew with everything in it.
    if (without_address.count(sandbox.spec.uid) > 0) sandbox.ready = false;
  }
  out.other_uids.assign(others.begin(), others.end());
  return out;
}

class DoorExecutor : public Executor {
 public:
  DoorExecutor(Doors doors, size_t threads, Deliver deliver, IssueToken issue)
      : tools_{doors, ServiceTokens(std::move(issue)), false}, deliver_(std::move(deliver)) {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~DoorExecutor() override { stop(); }

  void submit(Operation operation) override {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    const OperationBody& body = operation.body;
    bool beside = std::holds_alternative<RunProbe>(body) || std::holds_alternative<RunHook>(body);
    if (beside) return submit_beside(std::move(operation));
    lanes_.push(std::move(operation));
    ready_.notify_all();
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      stopping_ = true;
      ready_.notify_all();
    }
    tools_.cancelled.store(true);
    tools_.doors.runtime.cancel_execs();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  // Probes and hooks wait for what containers do, for as long as their manifests allow: they have threads of
  // their own, made as they are needed. The lock is held.
  void submit_beside(Operation operation) {
    beside_.push_back(std::move(operation));
    if (beside_idle_ < beside_.size() && beside_threads_ < kBesideAtOnce) {
      try {
        threads_.emplace_back([this] { run_beside(); });
        ++beside_threads_;
      } catch (const std::system_error&) {
        // No thread to be had now: those there are do it, or the next one that can be made.
      }
    }
    ready_.notify_all();
  }

  void run_beside() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (beside_.empty()) {
        ++beside_idle_;
        ready_.wait(lock);
        --beside_idle_;
        continue;
      }
      Operation operation = std::move(beside_.front());
      beside_.pop_front();
      lock.unlock();
      deliver_(carry_out_one(operation));
      lock.lock();
    }
  }

  static OperationResult result_of(const Operation& operation, Outcome outcome) {
    OperationResult result;
    result.id = operation.id;
    result.uid = operation.uid;
    result.outcome = std::move(outcome);
    return result;
  }

  Outcome carry_out_body(const Operation& operation) {
    auto begun = [&] { deliver_(result_of(operation, PullBegun{})); };
    return std::visit(
        [&](const auto& order) -> Outcome {
          constexpr bool kFetches = std::is_same_v<std::decay_t<decltype(order)>, EnsureImage>;
          if constexpr (kFetches) return carry_out(tools_, order, begun);
          else return carry_out(tools_, order);
        },
        operation.body);
  }

  OperationResult carry_out_one(const Operation& operation) { return result_of(operation, carry_out_body(operation)); }

  // Nothing for an image that has to be fetched, which is for another lane.
  std::optional<OperationResult> carry_out_turn(const OperationLanes::Turn& turn) {
    const auto* image = std::get_if<EnsureImage>(&turn.operation.body);
    if (image == nullptr || turn.pulls) return carry_out_one(turn.operation);
    std::optional<Outcome> known = look_for(tools_, *image);
    return known ? std::optional(result_of(turn.operation, std::move(*known))) : std::nullopt;
  }

  // The next operation that may run; waits for one. Nothing once stopped.
  std::optional<OperationLanes::Turn> next() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (auto work = lanes_.take()) return work;
      ready_.wait(lock);
    }
    return std::nullopt;
  }

  void run() {
    while (auto turn = next()) {
      std::optional<OperationResult> result = carry_out_turn(*turn);
      bool fetch = !result;
      if (result) deliver_(std::move(*result));
      std::lock_guard lock(mutex_);
      lanes_.done(turn->lane);
      if (fetch) lanes_.push_pull(std::move(turn->operation));
      ready_.notify_all();
    }
  }

  Tools tools_;
  Deliver deliver_;
  std::mutex mutex_;
  std::condition_variable ready_;
  OperationLanes lanes_{kPullsAtOnce, kPullsOfRegistry};
  std::deque<Operation> beside_;
  size_t beside_threads_ = 0, beside_idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Executor> make_door_executor(Doors doors, size_t threads, Executor::Deliver deliver,
                                             IssueToken issue) {
  return std::make_unique<DoorExecutor>(doors, threads, std::move(deliver), std::move(issue));
}

}  // namespace mainstay
