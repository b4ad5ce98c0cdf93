#include "nodeagent/agent.h"

#include <algorithm>

#include "nodeagent/agent_state.h"
#include "nodeagent/disk.h"
#include "nodeagent/images/image_report.h"
#include "nodeagent/local_state.h"
#include "nodeagent/log_stream.h"
#include "nodeagent/network/kept_addresses.h"
#include "nodeagent/timed_executor.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr size_t kOperationThreads = 8;
constexpr Duration kLongestSleep = std::chrono::seconds{5};
constexpr Duration kFirstRetry = std::chrono::milliseconds{250};
constexpr Duration kLongestRetry = std::chrono::seconds{10};
constexpr Duration kUselessPause = std::chrono::seconds{1};
// For the reports of a shutdown after its time.
constexpr Duration kLastWords = std::chrono::seconds{5};

std::string new_boot() { return hex(random_bytes(8)); }

}  // namespace

void Agent::State::take(AgentActions actions, Now now) {
  // Before anything is done: what is to be run anew must be known although we end in the middle of it.
  if (actions.memory_changed) {
    Status saved = save_memory(settings.paths, core->memory(now));
    if (!saved.ok()) log::warning("agent", "cannot write down its memory: " + saved.error().message);
  }
  for (Operation& operation : actions.operations) executor->submit(std::move(operation));
  pods.store(core->pods().size());
}

void Agent::State::offer_report(Now) {
  std::scoped_lock lock(core_mutex, report_mutex);
  if (sending || outgoing) return;
  outgoing = core->take_report(whole_next);
  // Until the first assignment is known, and what runs was looked at, a report cannot be whole: it is still owed.
  if (whole_next) outgoing->labels = settings.labels;
  whole_next = whole_next && !outgoing->whole;
  report_ready.notify_one();
}

// Whether it is another one than before.
bool Agent::State::learn_range(const Assignment& assignment) {
  if (assignment.pod_cidr.empty() || !settings.range_known) return false;
  Status known = settings.range_known(assignment.pod_cidr, assignment.cluster_cidr);
  if (!known.ok()) log::error("agent", "pod addresses " + assignment.pod_cidr + ": " + known.error().message);
  std::string before = std::exchange(range, assignment.pod_cidr);
  bool moved = !before.empty() && before != range;
  if (moved) log::warning("agent", "this node has the range " + range + " instead of " + before +
                                       " now; its pods are made anew");
  return moved;
}

// What a node is assigned that was deleted: nothing, after all that it was told before (also what it has read from its
// disk and not taken in yet), and below the version at which it was deleted.
AgentInput Agent::State::nothing_after(const AssignmentNumber& newest) const {
  Assignment nothing;
  nothing.at = {newest.epoch, newest.number + 1};
  nothing.node = facts.name;
  return nothing;
}

// What the core is to know; the rest is seen to at once.
TurnWork Agent::State::sort_out(std::vector<AgentMessage> messages) {
  TurnWork out;
  AssignmentNumber newest = core->assigned();
  for (AgentMessage& message : messages) {
    if (auto* stream = std::get_if<StreamRequest>(&message)) {
      serve(*stream);
    } else if (auto* again = std::get_if<ReportAgain>(&message)) {
      out.report = true;
      out.as_another = out.as_another || again->as_another;
    } else if (std::holds_alternative<LookAgain>(message)) {
      out.look = true;
    } else {
      bool left = std::holds_alternative<LeftCluster>(message);
      AgentInput& input =
          out.inputs.emplace_back(left ? nothing_after(newest) : std::move(std::get<AgentInput>(message)));
      // The node's own state is to be said soon.
      bool ails = std::holds_alternative<NodePressures>(input) || std::holds_alternative<BeginShutdown>(input);
      out.report = out.report || ails;
      const auto* assignment = std::get_if<Assignment>(&input);
      if (assignment == nullptr) continue;
      newest = std::max(newest, assignment->at);
      out.look = learn_range(*assignment) || out.look;
      Status saved = save_assignment(settings.paths, *assignment);
      if (!saved.ok()) log::warning("agent", "cannot write the assignment down: " + saved.error().message);
    }
  }
  return out;
}

void Agent::State::step_loop() {
  MonoTime heartbeat_due = read_clock().mono;
  bool report_due = true;
  while (!stopping.load()) {
    Duration wait = std::min(kLongestSleep, heartbeat_due - read_clock().mono);
    if (std::optional<MonoTime> wake = core->next_wake()) wait = std::min(wait, *wake - read_clock().mono);
    std::vector<AgentMessage> messages = inbox.take_all(std::max(wait, Duration{0}));
    TurnWork work = sort_out(std::move(messages));
    Now now = read_clock();
    AgentActions actions;
    {
      std::lock_guard lock(core_mutex);
      if (work.look) core->look_again();
      if (work.as_another) core->speak_as(new_boot());
      actions = core->step(now, std::move(work.inputs));
    }
    report_due = report_due || work.report || actions.report_due || now.mono >= heartbeat_due;
    take(std::move(actions), now);
    {
      std::lock_guard lock(seen_mutex);
      seen = core->seen();
    }
    if (report_due) {
      offer_report(now);
      report_due = false;
    }
    if (now.mono >= heartbeat_due) heartbeat_due = now.mono + settings.heartbeat;
  }
}

// Sends one report at a time. A failed one is not repeated: the next says all that it said, and more.
void Agent::State::report_loop() {
  Duration retry = kFirstRetry;
  MonoTime status_due{};
  NodePressures told;
  while (!stopping.load()) {
    NodeReport report;
    {
      std::unique_lock lock(report_mutex);
      report_ready.wait(lock, [this] { return stopping.load() || outgoing.has_value(); });
      if (stopping.load()) return;
      report = std::move(*outgoing);
      outgoing.reset();
      sending = true;
    }
    MonoTime now = read_clock().mono;
    NodePressures ails;
    {
      std::lock_guard lock(core_mutex);
      ails = core->pressures();
    }
    if (report.whole || now >= status_due || !(ails == told)) {
      NodeStatus status = read_node_status(settings.machine, facts, ails);
      Result<std::vector<Image>> images = doors ? doors->images.list() : std::vector<Image>{};
      if (images.ok()) status.images = reported_images(*images);
      report.node_status = Box<NodeStatus>(std::move(status));
      told = ails;
      status_due = now + settings.heartbeat - std::chrono::seconds{1};
    }
    report.network_seen = network_keeper->seen();
    Status sent = link->report(report);
    {
      std::lock_guard lock(report_mutex);
      sending = false;
      whole_next = whole_next || !sent.ok();
    }
    if (sent.ok()) {
      if (!reachable.exchange(true)) log::info("agent", "the control plane is back");
      retry = kFirstRetry;
      inbox.push(ReportAcknowledged{report.sequence});
      continue;
    }
    if (sent.error().code == ErrorCode::kConflict) {
      inbox.push(ReportAgain{true});
      continue;
    }
    in_contact(false);
    if (reachable.exchange(false)) {
      log::warning("agent", sent.error().message + (link->node_deleted() ? "" : "; pods go on without it"));
    }
    status_due = {};
    sleep(retry);
    retry = std::min(retry * 2, kLongestRetry);
    inbox.push(ReportAgain{});
  }
}

// Renews the node's credential before it ends.
void Agent::State::credential_loop() {
  CredentialKeeper keeper(settings.credential, *link);
  while (!stopping.load()) {
    Duration wait = keeper.look();
    std::unique_lock lock(sleep_mutex);
    sleep_over.wait_for(lock, wait, [this] { return stopping.load() || credential_refused; });
    credential_refused = false;
  }
}

void Agent::State::look_at_refusal() {
  std::lock_guard lock(sleep_mutex);
  credential_refused = true;
  sleep_over.notify_all();
}

// The control plane has deleted this node and its pods with it: they end here too. An agent that only cannot reach
// it, or whose credential has ended, keeps them.
void Agent::State::leave_cluster() {
  log::warning("agent", "this node was deleted from the cluster; its pods end");
  inbox.push(LeftCluster{});
}

void Agent::State::poll_loop() {
  Duration retry = kFirstRetry;
  bool left = false;
  while (!stopping.load()) {
    AgentHas has;
    {
      std::lock_guard lock(seen_mutex);
      has.assignment = seen;
    }
    network_keeper->present(has);
    Result<AgentPollAnswer> answer = link->poll(has, settings.poll_wait);
    if (stopping.load()) return;
    if (!answer.ok()) {
      in_contact(false);
      if (answer.error().code == ErrorCode::kDenied) look_at_refusal();
      if (!left && link->node_deleted()) {
        leave_cluster();
        left = true;
      }
      sleep(retry);
      retry = std::min(retry * 2, kLongestRetry);
      continue;
    }
    retry = kFirstRetry;
    left = false;
    for (StreamRequest& stream : answer->streams) inbox.push(std::move(stream));
    if (answer->network) take_network(*answer->network);
    in_contact(true);
    if (!answer->has_assignment) continue;
    {
      // The next poll asks for what comes after this one, also before the core has taken it in.
      std::lock_guard lock(seen_mutex);
      seen = std::max(seen, answer->assignment.at);
    }
    inbox.push(std::move(answer->assignment));
  }
}

void Agent::State::take_network(const NetworkUpdate& update) {
  Result<bool> news = network_keeper->take(update);
  if (news.ok() && *news) return;
  if (!news.ok()) log::warning("agent", "the network's state: " + news.error().message);
  // Asking again at once would bring the same again.
  sleep(kUselessPause);
}

void Agent::State::reap_streams(bool all) {
  std::lock_guard lock(stream_mutex);
  for (auto it = streams.begin(); it != streams.end();) {
    if (!all && !it->second->load()) {
      ++it;
      continue;
    }
    it->first.join();
    it = streams.erase(it);
  }
}

void Agent::State::serve(const StreamRequest& request) {
  reap_streams(false);
  std::lock_guard lock(stream_mutex);
  auto ended = std::make_shared<std::atomic<bool>>(false);
  bool room = streams.size() < settings.streams;
  streams.emplace_back(std::thread([this, request, ended, room] {
                         LogSource source;
                         source.locate = [this, request]() -> Result<std::string> {
                           if (!doors)
                             return error(ErrorCode::kUnsupported, "simulated containers write no log");
                           std::lock_guard core_lock(core_mutex);
                           Result<ContainerKey> key = core->log_of(request);
                           if (!key.ok()) return key.error();
                           return doors->runtime.log_path(*key);
                         };
                         source.running = [this, request] {
                           std::lock_guard core_lock(core_mutex);
                           return core->is_running(request);
                         };
                         source.stopping = [this] { return stopping.load(); };
                         if (room) {
                           serve_log(*link, request, source);
                         } else {
                           link->refuse(request.id, 429, "too many streams are open on this node").ok();
                         }
                         ended->store(true);
                       }),
                       ended);
}

Agent::Agent(AgentSettings settings, std::unique_ptr<ControlLink> link, Doors doors)
    : state_(std::make_unique<State>(std::move(settings), std::move(link))) {
  state_->doors.emplace(doors);
}

Agent::Agent(AgentSettings settings, std::unique_ptr<ControlLink> link, std::string network)
    : state_(std::make_unique<State>(std::move(settings), std::move(link))) {
  state_->network = std::move(network);
}

Agent::~Agent() { stop(); }

Status Agent::start() {
  State& s = *state_;
  RETURN_IF_ERROR(make_dirs(s.settings.paths.data_dir, 0700));
  RETURN_IF_ERROR(make_dirs(s.settings.paths.run_dir, 0700));
  s.facts = read_node_facts(s.settings.machine);
  s.core = std::make_unique<AgentCore>(s.facts, new_boot(), load_memory(s.settings.paths));
  auto deliver = [&s](OperationResult result) { s.inbox.push(std::move(result)); };
  if (s.doors) {
    s.executor = make_door_executor(*s.doors, kOperationThreads, deliver,
                                    [&s](const TokenOrder& order) { return s.link->issue_token(order); });
  } else {
    s.executor = make_timed_executor(s.network, deliver, [&s] { s.inbox.push(LookAgain{}); });
  }
  NodeNetwork* node_network = s.settings.node_network != nullptr ? s.settings.node_network : &s.recorded;
  NetworkKeeper::Settings keeping;
  keeping.known = [&s](const NetworkStatePtr& state) {
    s.inbox.push(state);
    if (!s.doors) return;
    Status kept = s.doors->network.keep_clear(kept_addresses(*state));
    if (!kept.ok()) log::warning("agent", "host ports may hide the cluster's own addresses: " + kept.error().message);
  };
  keeping.troubled = [&s](const std::string& trouble) {
    s.inbox.push(AgentEvent{"", "", "", "", true, "NetworkNotReady", "network is not ready: " + trouble});
  };
  // Without a network of its own there is no hurry to have it again, and such nodes come by the hundred.
  if (s.settings.node_network == nullptr) keeping.save_every = std::chrono::minutes{1};
  s.network_keeper = std::make_unique<NetworkKeeper>(s.settings.paths, *node_network, std::move(keeping));
  s.network_keeper->start();
  if (std::optional<Assignment> known = load_assignment(s.settings.paths)) s.inbox.push(std::move(*known));
  s.threads.emplace_back([&s] { s.step_loop(); });
  s.threads.emplace_back([&s] { s.poll_loop(); });
  s.threads.emplace_back([&s] { s.report_loop(); });
  s.threads.emplace_back([&s] { s.credential_loop(); });
  if (s.doors) {
    s.threads.emplace_back([&s] { s.exit_loop(); });
    s.threads.emplace_back([&s] { s.log_loop(); });
    s.threads.emplace_back([&s] { s.rules_loop(); });
    s.threads.emplace_back([&s] { s.storage_loop(); });
    s.threads.emplace_back([&s] { s.housekeeping_loop(); });
  }
  return {};
}

void Agent::shut_down(const BeginShutdown& order) {
  State& s = *state_;
  s.inbox.push(order);
  MonoTime deadline = read_clock().mono + order.period + kLastWords;
  while (!s.stopping.load() && read_clock().mono < deadline) {
    s.sleep(std::chrono::milliseconds{100});
    std::lock_guard lock(s.core_mutex);
    if (s.core->is_drained()) return;
  }
}

void Agent::stop() {
  State& s = *state_;
  if (s.stopping.exchange(true)) return;
  s.link->interrupt();
  s.inbox.close();
  {
    std::lock_guard lock(s.report_mutex);
    s.report_ready.notify_all();
  }
  {
    std::lock_guard lock(s.sleep_mutex);
    s.sleep_over.notify_all();
  }
  for (std::thread& thread : s.threads) thread.join();
  if (s.network_keeper) s.network_keeper->stop();
  s.reap_streams(true);
  if (s.executor) s.executor->stop();
}

size_t Agent::pod_count() const { return state_->pods.load(); }

}  // namespace mainstay
