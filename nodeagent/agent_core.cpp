#include "nodeagent/agent_core.h"

#include <algorithm>
#include <set>

#include "nodeagent/container_exit.h"
#include "nodeagent/pod_plan.h"
#include "nodeagent/pod_step.h"

namespace mainstay {
namespace {

// Events the control plane has not acknowledged are kept up to this many; the oldest go first.
constexpr size_t kMaxEvents = 1000;
// How often what exists is read back although nothing seems to have happened.
constexpr Duration kObserveEvery = std::chrono::seconds{30};

}  // namespace

struct AgentCore::State {
  NodeFacts node;
  std::string boot;
  AgentMemory remembered;  // of before this start; consumed as pods turn up

  Assignment assignment;
  bool has_assignment = false;
  bool has_observed = false;
  NodeConfig config;
  NodePressures pressures;
  std::optional<BeginShutdown> shutdown;
  MonoTime shutdown_begun;
  bool drained = false;
  std::map<std::string, PodRecord> pods;
  std::map<uint64_t, std::string> waiting;  // operation -> uid of the pod that waits for it
  uint64_t last_operation = 0;
  uint64_t observe_operation = 0;
  bool observe_again = false;  // something ended after the observation under way had begun
  MonoTime observe_due;

  uint64_t sequence = 0;
  struct PendingEvent {
    AgentEvent event;
    uint64_t reported_in = 0;
  };
  std::vector<PendingEvent> events;

  std::optional<MonoTime> wake;
  AgentActions actions;

  void wake_at(MonoTime when) {
    if (!wake || when < *wake) wake = when;
  }
  uint64_t submit(OperationBody body, const std::string& uid) {
    // What a start owes must be known although we end in its middle.
    if (std::holds_alternative<StartContainer>(body)) actions.memory_changed = true;
    Operation operation{++last_operation, uid, std::move(body)};
    waiting[operation.id] = uid;
    actions.operations.push_back(std::move(operation));
    return last_operation;
  }
  void note(AgentEvent event) {
    if (events.size() >= kMaxEvents) events.erase(events.begin());
    events.push_back({std::move(event), 0});
  }
  PodStepContext context(Now now) {
    return {now,
            node,
            config,
            pressures,
            assignment.at.number,
            [this](OperationBody body, const std::string& uid) { return submit(std::move(body), uid); },
            [this](AgentEvent event) { note(std::move(event)); },
            [this](MonoTime when) { wake_at(when); }};
  }

  PodRecord& record_of(const std::string& uid, Now now);
  void take(const Assignment& next, Now now);
  void take(const OperationResult& result, Now now);
  void take(const ReportAcknowledged& acknowledged, Now now);
  void take(const EvictPod& order, Now now);
  void take(const NetworkStatePtr& network, Now) { config.network = network; }
  void take(const NodePressures& given, Now now);
  void take(const AgentEvent& event, Now) { note(event); }
  void take(const CollectContainers&, Now now);
  void take(const BeginShutdown& order, Now now);
  void shut_down(Now now);
  void take_observed(const Observed& observed, uint64_t operation, Now now);
  void forget_torn_down();
};

// The record of a pod, made on first sight; back-off of before the agent's start is restored.
PodRecord& AgentCore::State::record_of(const std::string& uid, Now now) {
  auto [found, fresh] = pods.try_emplace(uid);
  PodRecord& record = found->second;
  if (!fresh) return record;
  record.uid = uid;
  record.start_time = now.wall;
  actions.memory_changed = true;
  auto memory = remembered.find(uid);
  if (memory == remembered.end()) return record;
  record.remembered = true;
  record.start_time = memory->second.start_time;
  record.initialized = memory->second.initialized;
  for (const auto& [name, container] : memory->second.containers) {
    ContainerTrack& track = record.containers[name];
    track.first_attempt = container.first_attempt;
    track.owes_post_start = container.owes_post_start;
    track.restored = container.upcoming != Duration{0};
    Backoff& restart = track.restart;
    restart.wait = container.wait;
    restart.upcoming = container.upcoming;
    restart.failed_at = now.mono - std::max(Duration{0}, now.wall - container.failed_at);
  }
  return record;
}

namespace {

bool same_objects(const ObjectsByName& a, const ObjectsByName& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second->version == y.second->version;
  });
}

// What a pod waits for may be among the objects that have come: it is tried at once.
void try_again(PodRecord& record, const NodeConfig& config, Now now) {
  if (record.set_up_failed) record.set_up_retry.failed_at = now.mono - record.set_up_retry.wait;
  bool has_login = record.pod && !pull_secrets(*record.pod, config).credentials.empty();
  for (auto& [name, container] : record.containers) {
    if (container.waiting_reason == "CreateContainerConfigError") container.start_after = now.mono;
    if (container.pull_failed && has_login) container.pull.failed_at = now.mono - container.pull.wait;
  }
}

}  // namespace

void AgentCore::State::take(const Assignment& next, Now now) {
  // The same once more, with what a reboot has taken away, is no repetition.
  bool completes = next.at == assignment.at && !config.known && next.config_known;
  if (has_assignment && next.at <= assignment.at && !completes) return;  // late or repeated
  if (has_assignment && next.at.epoch != assignment.at.epoch) {
    // The store went back: what it had acknowledged may be among what it forgot.
    for (auto& [uid, record] : pods) {
      record.dirty = true;
      record.reported_in = 0;
    }
  }
  assignment = next;
  has_assignment = true;
  NodeConfig before = std::exchange(config, NodeConfig{next.config_known, {}, {}, std::nullopt, config.network});
  for (const ObjectPtr& object : next.config_maps)
    config.config_maps[{object->meta.ns, object->meta.name}] = object;
  for (const ObjectPtr& object : next.secrets) config.secrets[{object->meta.ns, object->meta.name}] = object;
  if (next.service_accounts) {
    ObjectsByName& accounts = config.service_accounts.emplace();
    for (const ObjectPtr& object : *next.service_accounts) {
      accounts[{object->meta.ns, object->meta.name}] = object;
    }
  }
  std::set<std::string> assigned;
  for (const ObjectPtr& pod : next.pods) {
    assigned.insert(pod->meta.uid);
    PodRecord& record = record_of(pod->meta.uid, now);
    record.ns = pod->meta.ns;
    record.name = pod->meta.name;
    if (!record.pod) record.status = as<Pod>(*pod).status;  // keeps its transition times
    record.pod = record.last_pod = pod;
  }
  bool news = !same_objects(before.config_maps, config.config_maps) || !same_objects(before.secrets, config.secrets);
  for (auto& [uid, record] : pods) {
    if (assigned.count(uid) == 0) record.pod = nullptr;
    else if (news) try_again(record, config, now);
  }
}

void AgentCore::State::take_observed(const Observed& observed, uint64_t operation, Now now) {
  has_observed = true;
  std::set<ContainerKey> present;
  std::set<std::string> ready;
  for (const RuntimeSandbox& sandbox : observed.runtime.sandboxes) {
    record_of(sandbox.spec.uid, now);
    if (sandbox.ready) ready.insert(sandbox.spec.uid);
  }
  for (const std::string& uid : observed.other_uids) record_of(uid, now);
  // Sorted by key: the newest attempt of a container comes last and wins.
  for (const RuntimeContainer& container : observed.runtime.containers) {
    present.insert(container.key);
    PodRecord& record = record_of(container.key.uid, now);
    PodStepContext step = context(now);
    take_container(record, container, step);
  }
  for (auto& [uid, record] : pods) {
    // What an operation has made since may not have been there yet when this was read.
    if (record.operation != 0 || record.settled >= operation) continue;
    record.sandbox_gone = ready.count(uid) == 0;
    for (auto& [name, container] : record.containers) {
      // What vanished without our doing (a wiped disk, a foreign hand) has ended.
      if (container.seen && present.count(container.seen->key) == 0) take_loss(container, now);
    }
  }
}

void AgentCore::State::take(const OperationResult& result, Now now) {
  if (!std::holds_alternative<PullBegun>(result.outcome)) waiting.erase(result.id);
  if (result.id == observe_operation) {
    observe_operation = 0;
    observe_due = now.mono + kObserveEvery;
    const auto* observed = std::get_if<Observed>(&result.outcome);
    if (observed != nullptr) take_observed(*observed, result.id, now);
    return;
  }
  auto found = pods.find(result.uid);
  if (found == pods.end()) return;
  PodStepContext step = context(now);
  if (found->second.operation == result.id) found->second.settled = last_operation;
  take_operation_result(found->second, result, step);
  actions.memory_changed = true;
}

void AgentCore::State::take(const ReportAcknowledged& acknowledged, Now) {
  for (auto& [uid, record] : pods) {
    if (record.reported_in != 0 && record.reported_in <= acknowledged.sequence) {
      record.dirty = false;
      record.reported_in = 0;
    }
  }
  std::erase_if(events, [&](auto& pending) {
    return pending.reported_in != 0 && pending.reported_in <= acknowledged.sequence;
  });
}

void AgentCore::State::take(const EvictPod& order, Now now) {
  auto found = pods.find(order.uid);
  if (found == pods.end() || !found->second.pod) return;
  PodStepContext step = context(now);
  note({found->second.ns, found->second.name, order.uid, "", true, order.reason, order.message});
  found->second.disrupted = true;
  fail_pod(found->second, order.reason, order.message, order.grace, step);
}

void AgentCore::State::take(const NodePressures& given, Now) {
  pressures = given;
  pressures.shutting_down = shutdown.has_value();
}

void AgentCore::State::take(const CollectContainers&, Now) {
  for (auto& [uid, record] : pods) {
    if (!record.released || record.ending == Ending::kLeaving || record.collected) continue;
    record.collected = true;
    for (const auto& [name, container] : record.containers) {
      if (!container.seen) continue;
      if (container.attempt > 0) submit(RemoveContainer{{uid, name, container.attempt - 1}}, uid);
      submit(RemoveContainer{{uid, name, container.attempt}}, uid);
    }
  }
}

void AgentCore::State::take(const BeginShutdown& order, Now now) {
  if (shutdown) return;
  shutdown = order;
  shutdown_begun = now.mono;
  pressures.shutting_down = true;
}

// Ends the node's pods in their order. Nothing is to be taken for drained before it is known what there is.
void AgentCore::State::shut_down(Now now) {
  if (!shutdown) return;
  ShutdownStep next = step_shutdown(pods, *shutdown, shutdown_begun, now.mono);
  for (const ShutdownVictim& victim : next.victims) {
    PodRecord& record = pods.at(victim.uid);
    if (record.ending != Ending::kNone && record.ending != Ending::kSandboxLost) continue;
    PodStepContext step = context(now);
    record.disrupted = true;
    fail_pod(record, std::string(kShutdownReason), std::string(kShutdownMessage), victim.grace, step);
  }
  if (next.wake) wake_at(*next.wake);
  drained = next.drained;
}

bool is_deleted(const PodRecord& record) {
  return !record.pod || record.pod->meta.deletion_timestamp != WallTime{};
}

// A pod of which nothing is left on the node: said once, and forgotten when it is assigned no more.
void AgentCore::State::forget_torn_down() {
  for (auto it = pods.begin(); it != pods.end();) {
    PodRecord& record = it->second;
    bool over = record.torn_down && is_deleted(record);
    if (!over) {
      ++it;
      continue;
    }
    actions.memory_changed = actions.memory_changed || !record.gone_said;
    if (!record.pod) {
      it = pods.erase(it);
      continue;
    }
    if (!record.gone_said) {
      record.dirty = true;
      record.reported_in = 0;
    }
    record.gone_said = true;
    ++it;
  }
}

AgentCore::AgentCore(NodeFacts node, std::string boot, AgentMemory memory)
    : state_(std::make_unique<State>()) {
  state_->node = std::move(node);
  state_->boot = std::move(boot);
  state_->remembered = std::move(memory);
}
AgentCore::~AgentCore() = default;
AgentCore::AgentCore(AgentCore&&) noexcept = default;

AgentActions AgentCore::step(Now now, std::vector<AgentInput> inputs) {
  State& s = *state_;
  s.actions = {};
  s.wake.reset();
  for (const AgentInput& input : inputs) {
    std::visit([&](const auto& given) { s.take(given, now); }, input);
  }
  if (s.observe_operation == 0 && (!s.has_observed || s.observe_again || now.mono >= s.observe_due)) {
    s.observe_again = false;
    s.observe_operation = s.submit(Observe{}, "");
  }
  if (s.observe_operation == 0) s.wake_at(s.observe_due);
  // Until both are known, what runs is left alone: a pod that seems nobody's may only not be assigned *yet*.
  if (s.has_assignment && s.has_observed) {
    s.shut_down(now);
    for (auto& [uid, record] : s.pods) {
      PodStepContext context = s.context(now);
      step_pod(record, context);
    }
    s.forget_torn_down();
  }
  // What take_report() would not say yet is no reason for one.
  auto unsaid = [&](auto& pod) {
    return s.has_observed && pod.second.dirty && pod.second.reported_in == 0 && pod.second.pod;
  };
  s.actions.report_due =
      std::any_of(s.pods.begin(), s.pods.end(), unsaid) ||
      std::any_of(s.events.begin(), s.events.end(), [](auto& pending) { return pending.reported_in == 0; });
  return std::move(s.actions);
}

void AgentCore::speak_as(std::string boot) { state_->boot = std::move(boot); }

void AgentCore::look_again() { state_->observe_again = true; }

bool AgentCore::is_running(const StreamRequest& request) const {
  auto pod = state_->pods.find(request.pod_uid);
  if (pod == state_->pods.end()) return false;
  auto container = pod->second.containers.find(request.container);
  if (container == pod->second.containers.end()) return false;
  const std::optional<RuntimeContainer>& seen = container->second.seen;
  return seen && seen->status.state == ProcessStatus::State::kRunning;
}

std::optional<MonoTime> AgentCore::next_wake() const { return state_->wake; }

NodeReport AgentCore::take_report(bool whole) {
  State& s = *state_;
  NodeReport report;
  report.node = s.node.name;
  report.boot = s.boot;
  report.sequence = ++s.sequence;
  report.seen = s.assignment.at;
  report.whole = whole && s.has_assignment && s.has_observed;
  for (auto& [uid, record] : s.pods) {
    if (!record.pod || !s.has_observed || !(record.dirty || whole)) continue;
    report.pods.push_back(
        {record.ns, record.name, uid, record.status, record.torn_down && is_deleted(record)});
    record.reported_in = report.sequence;
  }
  for (State::PendingEvent& pending : s.events) {
    if (pending.event.since == 0) pending.event.since = report.sequence;
    report.events.push_back(pending.event);
    pending.reported_in = report.sequence;
  }
  return report;
}

AgentMemory AgentCore::memory(Now now) const {
  AgentMemory out;
  for (const auto& [uid, record] : state_->pods) {
    PodMemory& memory = out[uid];
    memory.start_time = record.start_time;
    memory.initialized = record.initialized;
    for (const auto& [name, container] : record.containers) {
      bool plain = container.restart.upcoming == Duration{0} && container.first_attempt == 0;
      if (plain && !container.owes_post_start) continue;
      memory.containers[name] = {container.restart.wait, container.restart.upcoming,
                                 now.wall - (now.mono - container.restart.failed_at), container.first_attempt,
                                 container.owes_post_start};
    }
  }
  return out;
}

AssignmentNumber AgentCore::assigned() const { return state_->assignment.at; }

AssignmentNumber AgentCore::seen() const { return state_->config.known ? state_->assignment.at : AssignmentNumber{}; }

const std::map<std::string, PodRecord>& AgentCore::pods() const { return state_->pods; }

bool AgentCore::knows_node() const { return state_->has_assignment && state_->has_observed; }
NodePressures AgentCore::pressures() const { return state_->pressures; }

bool AgentCore::is_drained() const {
  return state_->drained && std::none_of(state_->pods.begin(), state_->pods.end(),
                                         [](const auto& one) { return one.second.pod && one.second.dirty; });
}

std::vector<std::string> AgentCore::layers_in_use() const {
  std::set<std::string> layers;
  for (const auto& [uid, record] : state_->pods) {
    if (record.collected) continue;
    for (const auto& [name, container] : record.containers) {
      if (container.seen) layers.insert(container.seen->layers.begin(), container.seen->layers.end());
      if (container.image) layers.insert(container.image->layers.begin(), container.image->layers.end());
    }
  }
  return {layers.begin(), layers.end()};
}

Result<ContainerKey> AgentCore::log_of(const StreamRequest& request) const {
  auto pod = state_->pods.find(request.pod_uid);
  if (pod == state_->pods.end())
    return error(ErrorCode::kNotFound, "pod " + request.pod_name + " is not on this node");
  auto container = pod->second.containers.find(request.container);
  if (container == pod->second.containers.end()) {
    return error(ErrorCode::kNotFound, "container " + request.container + " has not been started");
  }
  ContainerKey key{request.pod_uid, request.container, container->second.attempt};
  bool newest_made = container->second.seen.has_value();
  if (request.previous || !newest_made) {
    if (key.attempt == 0) {
      return error(ErrorCode::kNotFound,
                   (request.previous ? "previous terminated container \"" : "container \"") +
                       request.container + "\" in pod \"" + request.pod_name + "\" not found");
    }
    key.attempt--;
  }
  return key;
}

}  // namespace mainstay
