#include "tests/sim/node.h"

#include <algorithm>

namespace mainstay::sim {
namespace {

constexpr Duration kHeartbeat = 10s;
constexpr Duration kAnswerWithin = 15s;
constexpr Duration kRetry = 500ms;

}  // namespace

SimNode::SimNode(std::string name, int number, Up up)
    : name_(std::move(name)), up_(std::move(up)), machine_("10.244." + std::to_string(number)) {
  facts_.name = name_;
  facts_.address = "10.0.0." + std::to_string(10 + number);
  facts_.memory_bytes = int64_t{8} << 30;
}

NodeStatus SimNode::status() const {
  NodeStatus out;
  for (ResourceList* room : {&out.capacity, &out.allocatable}) {
    map_slot(*room, "cpu") = Quantity::of(4);
    map_slot(*room, "memory") = Quantity::of(facts_.memory_bytes, Quantity::Format::kBinarySi);
    map_slot(*room, "pods") = Quantity::of(110);
  }
  out.addresses = {{"InternalIP", facts_.address}, {"Hostname", name_}};
  out.node_info.operating_system = "linux";
  out.node_info.architecture = "amd64";
  NodeCondition ready;
  ready.type = "Ready";
  ready.status = "True";
  ready.reason = "KubeletReady";
  ready.message = "kubelet is posting ready status";
  out.conditions.push_back(ready);
  return out;
}

void SimNode::start(Now now, Rng& rng) {
  kill();
  speaks_as_ = boot_ = rng.uuid();
  agent_ = std::make_unique<AgentCore>(facts_, boot_, disk_.memory);
  if (disk_.assignment) inputs_.emplace_back(*disk_.assignment);
  network_ = disk_.network;
  ask_whole_network_ = false;
  if (network_.at != AssignmentNumber{}) inputs_.emplace_back(std::make_shared<const NetworkState>(network_));
  heartbeat_at_ = now.mono;
  report_from_ = poll_at_ = now.mono;
  look_ = report_due_ = whole_next_ = true;
}

void SimNode::kill() {
  agent_.reset();
  boot_.clear();
  speaks_as_.clear();
  inputs_.clear();
  results_.clear();
  outstanding_ = 0;
  report_until_.reset();
}

void SimNode::power_loss() {
  kill();
  machine_.power_loss();
  // The config lies in /run, which a reboot empties: pods that need it wait for the control plane.
  if (!disk_.assignment) return;
  disk_.assignment->config_maps.clear();
  disk_.assignment->secrets.clear();
}

void SimNode::crash_one(Now now, Rng& rng) {
  if (!agent_ || agent_->pods().empty()) return;
  auto pod = agent_->pods().begin();
  std::advance(pod, static_cast<ptrdiff_t>(rng.below(agent_->pods().size())));
  for (const auto& [container, record] : pod->second.containers) {
    if (machine_.crash(pod->first, container, 137, now)) look_ = true;
  }
}

std::optional<MonoTime> SimNode::due(MonoTime now) const {
  std::optional<MonoTime> out = machine_.next_end();
  auto at = [&](MonoTime when) {
    if (!out || when < *out) out = when;
  };
  if (!agent_) return out;
  if (!inputs_.empty() || look_) at(now);
  if (!results_.empty()) at(results_.begin()->first);
  if (std::optional<MonoTime> wake = agent_->next_wake()) at(*wake);
  at(heartbeat_at_);
  at(poll_at_);
  if (report_until_) at(*report_until_);
  else if (report_due_) at(report_from_);
  return out;
}

// Half of the operations that fail had been done before the error: doing them again must do no harm.
void SimNode::carry_out(const Operation& operation, Now now, Rng& rng) {
  bool fails = rng.chance(trouble_.failing);
  Duration later{0};
  auto slower = static_cast<uint64_t>(trouble_.slower.count());
  if (slower > 0) later = Duration{static_cast<int64_t>(rng.below(slower))};
  if (fails && rng.chance(50)) {
    Error ill = error(ErrorCode::kUnavailable, "the simulated runtime is ill");
    results_.emplace(now.mono + 1ms + later, OperationResult{operation.id, operation.uid, std::move(ill)});
    return;
  }
  SimulatedNode::Reply reply = machine_.carry_out(operation, now);
  if (fails) reply.result.outcome = error(ErrorCode::kTimeout, "the runtime did not answer in time");
  results_.emplace(reply.at + later, std::move(reply.result));
}

void SimNode::step(Now now, Rng& rng) {
  if (machine_.advance(now)) look_ = true;
  if (!agent_) return;
  while (!results_.empty() && results_.begin()->first <= now.mono) {
    inputs_.emplace_back(std::move(results_.begin()->second));
    results_.erase(results_.begin());
  }
  if (look_) agent_->look_again();
  look_ = false;
  AgentActions actions = agent_->step(now, std::exchange(inputs_, {}));
  for (const Operation& operation : actions.operations) carry_out(operation, now, rng);
  if (actions.memory_changed) disk_.memory = agent_->memory(now);
  bool beats = now.mono >= heartbeat_at_;
  report_due_ = report_due_ || actions.report_due || beats;
  if (beats) {
    heartbeat_at_ = now.mono + kHeartbeat;
    disk_.network = network_;
  }
  if (report_until_ && now.mono >= *report_until_) report_failed(now.mono);
  if (report_due_ && outstanding_ == 0 && now.mono >= report_from_) send_report(now);
  if (now.mono >= poll_at_) send_poll(now);
}

void SimNode::send_report(Now now) {
  NodeReport report = agent_->take_report(whole_next_);
  // Told with every heartbeat and with every whole report, as the real loop does.
  bool beat = heartbeat_at_ == now.mono + kHeartbeat;
  if (report.whole || whole_next_ || beat) report.node_status = Box<NodeStatus>(status());
  report.network_seen = network_.at;
  whole_next_ = report_due_ = false;
  outstanding_ = report.sequence;
  report_until_ = now.mono + kAnswerWithin;
  up_.report(std::move(report));
}

void SimNode::report_failed(MonoTime now) {
  outstanding_ = 0;
  report_until_.reset();
  whole_next_ = report_due_ = true;
  report_from_ = now + kRetry;
}

void SimNode::send_poll(Now now) {
  ++poll_;
  poll_at_ = now.mono + kAnswerWithin;
  AgentHas has;
  has.assignment = agent_->seen();
  if (!ask_whole_network_) {
    has.network = network_.at;
    has.network_digest = network_.digest;
  }
  up_.poll({name_, boot_, poll_, has});
}

void SimNode::take_poll_answer(const std::string& boot, uint64_t poll, const AgentPollAnswer& answer) {
  if (!agent_ || boot != boot_) return;
  if (poll == poll_) poll_at_ = {};  // ask again at once
  if (answer.network) take_network(*answer.network);
  if (!answer.has_assignment) return;
  // It is written down before it is acted upon.
  const Assignment& assignment = answer.assignment;
  if (!disk_.assignment || disk_.assignment->at < assignment.at) disk_.assignment = assignment;
  inputs_.emplace_back(assignment);
}

// As NetworkKeeper: what does not follow is asked for whole.
void SimNode::take_network(const NetworkUpdate& update) {
  Result<NetworkState> next = applied(network_, update);
  ask_whole_network_ = !next.ok();
  if (!next.ok()) return;
  network_ = std::move(*next);
  inputs_.emplace_back(std::make_shared<const NetworkState>(network_));
}

void SimNode::take_report_answer(const std::string& boot, uint64_t sequence, Heard heard, MonoTime now,
                                 Rng& rng) {
  if (!agent_ || boot != speaks_as_) return;
  if (heard == Heard::kYes) inputs_.emplace_back(ReportAcknowledged{sequence});
  if (sequence != outstanding_) return;
  if (heard == Heard::kAnew) agent_->speak_as(speaks_as_ = rng.uuid());
  if (heard != Heard::kYes) return report_failed(now);
  outstanding_ = 0;
  report_until_.reset();
}

void SimNode::connection_lost(MonoTime now) {
  if (!agent_) return;
  if (outstanding_ != 0) report_failed(now);
  poll_at_ = now + kRetry;
}

}  // namespace mainstay::sim
