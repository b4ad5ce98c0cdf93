#include "reconciler/core/core.h"

#include <algorithm>
#include <deque>
#include <set>

#include "reconciler/control/node_rules.h"
#include "reconciler/control/service_addresses.h"
#include "reconciler/control/work_queue.h"
#include "reconciler/core/api_write.h"
#include "reconciler/core/application_cursor.h"
#include "reconciler/core/assign.h"
#include "reconciler/core/network_stream.h"
#include "reconciler/core/refusal.h"
#include "reconciler/core/report.h"
#include "reconciler/sched/retry.h"
#include "reconciler/sched/write_placement.h"

namespace mainstay {
namespace {

// Rounds of controllers and placement within one turn; what is not quiet then goes on in the next.
constexpr int kRoundsPerTurn = 32;
constexpr size_t kPodsPerRound = 1000;
// Each looks at a hundred nodes or more, pod by pod.
constexpr size_t kPreemptionsPerRound = 64;
// A turn that has written so much ends: reports and API writes wait for it, and so does the journal's word that
// something is durable. One commit is one transaction all the same, however large; what follows from it comes in
// the next turns.
constexpr size_t kWritesPerTurn = 1000;
// While the journal refuses: how long before it is tried again.
constexpr Duration kRefusedPause = std::chrono::seconds{1};
// Without a write, before events beyond their limit are dropped: a wave of pods, which makes many, is not held up.
constexpr Duration kEventRest = std::chrono::milliseconds{250};

NetworkRanges network_ranges(const ControlSettings& settings) {
  NetworkRanges out;
  out.cluster_cidr = settings.cluster_cidr;
  out.service_cidr = settings.service_cidr;
  out.dns_address = dns_address(settings);
  out.announce = settings.announce_load_balancers;
  return out;
}

std::vector<Key> not_admitted(const Snapshot& view) {
  std::vector<Key> out;
  for (const ObjectPtr& pod : view.list(Kind::kPod)) {
    if (needs_admission(*pod)) out.push_back(pod->key());
  }
  return out;
}

std::vector<AppliedApplication> applied_sets(const ApplicationStates& states) {
  std::vector<AppliedApplication> out;
  for (const auto& [name, state] : states) {
    AppliedApplication& one = out.emplace_back(AppliedApplication{name, state.commit.id, state.applied});
    for (const Hold& hold : state.held) one.held.push_back(hold.key);
  }
  return out;
}

}  // namespace

struct Core::State {
  CoreSettings settings;
  Rng rng;
  MonoTime started;

  // The speculative head and what is derived from it.
  Snapshot head;
  ApplicationStates apps;
  WorkQueue queue;
  ClusterView cluster;
  RetryQueue retry;
  Applications applications;
  uint64_t epoch = 1;
  NetworkStream network;  // of what is durable

  // Durability.
  struct Pending {
    uint64_t batch = 0;
    Snapshot view;
    ApplicationStates apps;
    uint64_t epoch = 1;
    std::vector<Change> changes;
  };
  std::deque<Pending> pending;
  Snapshot durable;
  ApplicationStates durable_apps;
  uint64_t durable_epoch = 1;
  uint64_t last_batch = 0, durable_batch = 0;
  uint64_t speculation = 1;
  std::optional<MonoTime> refused_until;
  bool writable = true;
  std::string refusal_text;
  struct Waiting {
    uint64_t batch = 0;  // the answer may go when this one is durable
    Answer answer;
  };
  std::deque<Waiting> waiting;
  struct WaitingPost {
    uint64_t batch = 0;
    StatusPost post;
  };
  std::deque<WaitingPost> waiting_posts;
  std::shared_ptr<const Publication> publication;

  std::vector<Key> bound;  // pods that may need admission

  std::map<std::string, AgentTrack> agents;
  // The number of the newest assignment each node can have from this process; others have at most the first.
  std::map<std::string, uint64_t> assigned;
  uint64_t first_version = 0;
  std::optional<uint64_t> raise_to;  // an agent has seen a later state than ours
  bool more = false;                 // the last turn ended before all was quiet
  std::optional<MonoTime> drop_events_at;  // if nothing is written before
  Now last_now;

  State(CoreSettings given, Loaded loaded, Now now, uint64_t seed)
      : settings(std::move(given)),
        rng(seed),
        started(now.mono),
        head(loaded.snapshot),
        cluster(loaded.snapshot),
        retry(loaded.snapshot),
        applications(settings.applications, loaded.applications),
        epoch(loaded.epoch),
        network(network_ranges(settings.control), loaded.snapshot),
        first_version(loaded.snapshot.version()),
        last_now(now) {
    apps = applications.initial();
    durable = head;
    durable_apps = apps;
    durable_epoch = epoch;
    bound = not_admitted(head);
    queue.resync(head);
    applications.mark_all_dirty();
    auto first = std::make_shared<Publication>();
    first->view = durable;
    first->epoch = epoch;
    first->cluster_cidr = settings.control.cluster_cidr;
    first->network = network.feed();
    first->applied = applied_sets(durable_apps);
    publication = std::move(first);
  }

  void watch_clock(Now now);
  void take_durable(const JournalDurable& durable_now, Effects& out);
  void take_refusal(const JournalRefused& refused, Now now, Effects& out);
  void take(Transaction& txn, const ApiWrite& write);
  void take(Transaction& txn, const ReportIn& in);
  void take(const ApplicationOrder& order, Batch& batch);
  // Its batch and version are set when the turn is sealed.
  void answer(Answer given) { waiting.push_back({0, std::move(given)}); }
  void answer_unavailable(Ticket ticket) {
    if (ticket == 0) return;
    Answer given;
    given.ticket = ticket;
    given.error = store_unavailable(refusal_text);
    waiting.push_back({durable_batch, std::move(given)});
  }
  void settle(Transaction& txn, Batch& batch, Effects& out);
  size_t admit_pods(Transaction& txn, size_t& cursor);
  size_t place_pods(Transaction& txn, size_t& cursor);
  void preempt_for(Transaction& txn, const Placement& placement, size_t& cursor);
  void follow(Transaction& txn, size_t& cursor);
  void seal(Transaction& txn, Batch batch, Effects& out);
  void release(Effects& out);
};

// After a jump of the clock, or a pause of the whole process, silence means nothing: every node gets its grace anew.
void Core::State::watch_clock(Now now) {
  if (now.mono - last_now.mono > std::chrono::seconds{30}) started = now.mono;
  last_now = now;
}

void Core::State::take_durable(const JournalDurable& word, Effects& out) {
  durable_batch = std::max(durable_batch, word.number);
  if (!writable) out.log.push_back("the store takes writes again");
  writable = true;
  refused_until.reset();
  auto next = std::make_shared<Publication>();
  if (out.publication) next->changes = out.publication->changes;  // two acknowledgements in one turn
  bool any = false;
  while (!pending.empty() && pending.front().batch <= durable_batch) {
    Pending& done = pending.front();
    durable = std::move(done.view);
    durable_apps = std::move(done.apps);
    durable_epoch = done.epoch;
    std::move(done.changes.begin(), done.changes.end(), std::back_inserter(next->changes));
    pending.pop_front();
    any = true;
  }
  if (!any) return;
  next->view = durable;
  next->epoch = durable_epoch;
  next->cluster_cidr = settings.control.cluster_cidr;
  next->network = network.absorb(next->changes, durable);
  next->applied = applied_sets(durable_apps);
  next->touched_nodes = touched_nodes(next->changes, durable);
  for (const std::string& node : next->touched_nodes) assigned[node] = durable.version();
  // The agent of a node that is deleted counts that as its newest assignment: none.
  for (const Change& change : next->changes) {
    if (change.key.kind == Kind::kNode && !change.after) assigned[change.key.name] = durable.version();
  }
  publication = next;
  out.publication = std::move(next);
}

// The journal wrote nothing of this speculation: go back to what is on disk and start from there.
void Core::State::take_refusal(const JournalRefused& refused, Now now, Effects& out) {
  if (refused.speculation != speculation) return;  // a later batch of one we have given up already
  ++speculation;
  refusal_text = std::string(journal_refusal_text(refused.reason));
  if (writable) out.log.push_back("the store refuses writes: " + refusal_text + " (" + refused.message + ")");
  writable = false;
  refused_until = now.mono + kRefusedPause;
  head = durable;
  apps = durable_apps;
  epoch = durable_epoch;
  pending.clear();
  std::deque<Waiting> kept;
  for (Waiting& waiter : waiting) {
    if (waiter.batch > durable_batch) {
      Answer given;
      given.ticket = waiter.answer.ticket;
      given.error = store_unavailable(refusal_text);
      waiter = {durable_batch, std::move(given)};
    }
    kept.push_back(std::move(waiter));
  }
  waiting = std::move(kept);
  std::erase_if(waiting_posts, [&](auto& post) { return post.batch > durable_batch; });
  for (auto& [node, track] : agents) track.events_seen = 0;  // what the lost turns wrote of them is said again
  cluster = ClusterView(head);
  retry = RetryQueue(head);
  bound = not_admitted(head);
  queue = WorkQueue();
  queue.resync(head);
  applications.mark_all_dirty();
}

void Core::State::take(Transaction& txn, const ApiWrite& write) {
  answer(handle_write(txn, write, settings.control));
}

void Core::State::take(Transaction& txn, const ReportIn& in) {
  const NodeReport& report = in.report;
  AgentTrack& track = agents[report.node];
  // An agent that this process has not heard yet, and that was told something by one before it: what that one had
  // acknowledged may be missing here, if the store was restored from a backup.
  bool owes_all = track.boot != report.boot && !report.whole && report.seen > AssignmentNumber{};
  // Late words of a process before it can come after its first ones, and then pass for a newer process. Whoever
  // lives says so; who does not says nothing.
  bool retired = is_retired(track, report);
  if (retired && are_two(track, txn.now().mono)) {
    record_note(txn, {{Kind::kNode, "", report.node}, "", true, "NodeNameConflict",
                      "Two agents speak as node " + report.node + ", and each runs its pods: was its data directory or "
                      "credential copied to another machine? Stop one of them and let it join with a name of its own.",
                      "core", "", ""});
  }
  if (is_news(track, report, txn.now().mono)) {
    take_report(txn, track, report, epoch);
    // Hearing of a silent node again is no change in the store: nothing else would wake its controller soon.
    ObjectPtr node = txn.view().find(Kind::kNode, "", report.node);
    if (node && node_health(as<Node>(*node)) == NodeHealth::kUnknown) {
      queue.wake(kNodeLifecycleController, node->key());
    }
  }
  // Compared with what this node can have from us, not with our version: a restored store may have gone past what
  // the agent saw before it speaks up.
  auto given_last = assigned.find(report.node);
  AssignmentNumber ours{epoch, given_last == assigned.end() ? first_version : given_last->second};
  AssignmentNumber our_network{epoch, network.feed()->number};
  if (report.seen > ours || report.network_seen > our_network) {
    if (!raise_to) {
      record_note(txn, {{Kind::kNode, "", report.node}, "", true, "StoreWentBack",
                        "The agent has seen a later state than this store holds: was it restored from a backup?",
                        "core", "", ""});
    }
    raise_to = raise_epoch(epoch, std::max(report.seen.epoch, report.network_seen.epoch));
  }
  // Somebody has deleted the node: nothing was taken of a report that does not register it anew. Refused, the agent
  // says everything again; acknowledged, it would never again say which pods are gone.
  Answer given;
  given.ticket = in.ticket;
  if (!txn.view().find(Kind::kNode, "", report.node)) {
    given.error = not_found(kind_info(Kind::kNode), report.node);
  } else if (retired) {
    given.error = conflict(kind_info(Kind::kNode), report.node,
                           "another process of its agent has spoken since: report everything as a new one");
  } else if (owes_all) {
    given.error = conflict(kind_info(Kind::kNode), report.node, "its agent was not heard here yet: report everything");
  }
  answer(std::move(given));
}

// An order that was taken is written down with its turn, whether or not anything else follows from it: else a crash
// or a refused batch would take back what has been answered.
void Core::State::take(const ApplicationOrder& order, Batch& batch) {
  Answer given;
  given.ticket = order.ticket;
  if (std::optional<std::string> no = applications.take_order(order, apps)) {
    given.error = bad_request(*no);
  } else {
    batch.cursors.push_back(cursor_row(order.application, apps.at(order.application)));
  }
  answer(std::move(given));
}

// Lets every follower of the store see the changes made since `cursor`.
void Core::State::follow(Transaction& txn, size_t& cursor) {
  if (cursor == txn.changes().size()) return;
  std::vector<Change> fresh(txn.changes().begin() + static_cast<ptrdiff_t>(cursor), txn.changes().end());
  cursor = txn.changes().size();
  queue.absorb(fresh, txn.view());
  cluster.apply(fresh);
  retry.apply(fresh);
  applications.absorb(fresh, apps);
  for (const Change& change : fresh) {
    if (change.key.kind == Kind::kPod && change.after && needs_admission(*change.after)) bound.push_back(change.key);
  }
}

// Pods that came with a node's name.
size_t Core::State::admit_pods(Transaction& txn, size_t& cursor) {
  std::vector<ObjectPtr> pods;
  std::set<Key> seen;  // one that was written more than once is there as often
  for (const Key& key : std::exchange(bound, {})) {
    ObjectPtr pod = seen.insert(key).second ? txn.view().find(key) : nullptr;
    if (pod && needs_admission(*pod)) pods.push_back(std::move(pod));
  }
  if (pods.empty()) return 0;
  std::vector<Admission> judged = admit_bound(cluster, pods);
  txn.set_cause({"default-scheduler", ""});
  for (const Admission& one : judged) write_admission(txn, one);
  follow(txn, cursor);
  return judged.size();
}

size_t Core::State::place_pods(Transaction& txn, size_t& cursor) {
  std::vector<ObjectPtr> pods;
  for (const Key& key : retry.due(txn.now().mono, kPodsPerRound)) {
    if (ObjectPtr pod = txn.view().find(key)) pods.push_back(std::move(pod));
  }
  if (pods.empty()) return 0;
  Placement placement = place(cluster, std::move(pods), rng);
  txn.set_cause({"default-scheduler", ""});
  write_placement(txn, placement);
  for (const Unplaced& unplaced : placement.unplaced) retry.refused(unplaced, txn.now().mono);
  preempt_for(txn, placement, cursor);
  return placement.bindings.size() + placement.unplaced.size();
}

// Makes room for pods that found none, the highest priority first, each on what the one before has left.
void Core::State::preempt_for(Transaction& txn, const Placement& placement, size_t& cursor) {
  size_t tries = 0;
  std::set<const std::string*> hopeless;  // pods refused alike share their message; lower ones come later
  for (const Unplaced& unplaced : placement.unplaced) {
    const PodSpec& spec = as<Pod>(*unplaced.pod).spec;
    bool nominated = !as<Pod>(*unplaced.pod).status.nominated_node_name.empty(), may = may_preempt(cluster, spec);
    if (unplaced.reason != "Unschedulable" || (!may && !nominated)) continue;
    if (!nominated && hopeless.count(unplaced.message.get()) > 0) continue;
    if (++tries > kPreemptionsPerRound) return;
    follow(txn, cursor);
    ObjectPtr pod = txn.view().find(unplaced.pod->key());
    if (!pod || !needs_placement(*pod)) continue;
    Preemption found = preempt(cluster, txn.view(), *pod, rng);
    if (may && found.outcome == Preemption::Outcome::kNone) hopeless.insert(unplaced.message.get());
    write_preemption(txn, *pod, found);
  }
}

// Applications, controllers and placement, round after round until nothing moves or the turn is long enough.
void Core::State::settle(Transaction& txn, Batch& batch, Effects& out) {
  ControlContext context{txn, settings.control,
                         [this](std::string_view node) -> std::optional<MonoTime> {
                           auto found = agents.find(std::string(node));
                           if (found == agents.end()) return std::nullopt;
                           return found->second.heard;
                         },
                         started};
  size_t cursor = 0, keys = 0;
  follow(txn, cursor);
  more = true;
  for (int round = 0; round < kRoundsPerTurn && keys < settings.keys_per_turn; ++round) {
    if (txn.changes().size() >= kWritesPerTurn) return;
    size_t before = txn.changes().size(), worked = 0;
    if (applications.any_dirty(txn.now().mono)) {
      ApplicationOutcome outcome = applications.reconcile(txn, apps);
      auto move_all = [](auto& from, auto& to) {
        std::move(from.begin(), from.end(), std::back_inserter(to));
      };
      move_all(outcome.commits, batch.commits);
      move_all(outcome.desired, batch.desired);
      move_all(outcome.origins, batch.origins);
      move_all(outcome.cursors, batch.cursors);
      move_all(outcome.log, out.log);
      move_all(outcome.reads, out.reads);
      move_all(outcome.drafts, out.drafts);
      for (StatusPost& post : outcome.posts) waiting_posts.push_back({0, std::move(post)});
      follow(txn, cursor);
      if (txn.changes().size() >= kWritesPerTurn) return;
      ++worked;
    }
    worked += run_controllers(context, queue, settings.keys_per_turn - keys);
    keys += worked;
    follow(txn, cursor);
    worked += admit_pods(txn, cursor);
    worked += place_pods(txn, cursor);
    follow(txn, cursor);
    if (worked == 0 && txn.changes().size() == before) {
      more = false;
      return;
    }
  }
}

void Core::State::seal(Transaction& txn, Batch batch, Effects& out) {
  bool rows =
      !batch.commits.empty() || !batch.desired.empty() || !batch.origins.empty() || !batch.cursors.empty();
  if (raise_to) {
    epoch = *raise_to;
    batch.epoch = epoch;
    raise_to.reset();
    rows = true;
    out.log.push_back(
        "an agent has seen a later state than this store holds (restored from a backup?): epoch " +
        std::to_string(epoch));
  }
  if (!txn.empty() || rows) {
    head = txn.view();
    batch.number = ++last_batch;
    batch.speculation = speculation;
    batch.version = head.version();
    batch.at = txn.now().wall;
    batch.changes = txn.changes();
    batch.causes = txn.causes();
    pending.push_back({last_batch, head, apps, epoch, batch.changes});
    out.batch = std::move(batch);
  }
  // Whatever was decided in this turn was decided on its end state: it waits for the last batch that led there.
  uint64_t needed = pending.empty() ? durable_batch : pending.back().batch;
  for (Waiting& waiter : waiting) {
    if (waiter.batch != 0) continue;
    waiter.batch = needed;
    waiter.answer.version = head.version();
  }
  for (WaitingPost& post : waiting_posts) {
    if (post.batch == 0) post.batch = needed;
  }
}

void Core::State::release(Effects& out) {
  while (!waiting.empty() && waiting.front().batch <= durable_batch) {
    if (waiting.front().answer.ticket != 0) out.answers.push_back(std::move(waiting.front().answer));
    waiting.pop_front();
  }
  while (!waiting_posts.empty() && waiting_posts.front().batch <= durable_batch) {
    out.posts.push_back(std::move(waiting_posts.front().post));
    waiting_posts.pop_front();
  }
  out.writable = writable;
}

Core::Core(CoreSettings settings, Loaded loaded, Now now, uint64_t seed)
    : state_(std::make_unique<State>(std::move(settings), std::move(loaded), now, seed)) {}
Core::~Core() = default;

Effects Core::turn(Now now, std::vector<Message> messages) {
  State& s = *state_;
  Effects out;
  s.watch_clock(now);
  for (const Message& message : messages) {
    if (const auto* durable = std::get_if<JournalDurable>(&message)) s.take_durable(*durable, out);
    if (const auto* refused = std::get_if<JournalRefused>(&message)) s.take_refusal(*refused, now, out);
    if (const auto* news = std::get_if<SourceNews>(&message)) s.applications.take_news(*news);
    if (const auto* draft = std::get_if<Draft>(&message)) s.applications.take_draft(*draft);
  }
  if (s.refused_until && now.mono < *s.refused_until) {
    for (const Message& message : messages) {
      if (const auto* write = std::get_if<ApiWrite>(&message)) s.answer_unavailable(write->ticket);
      if (const auto* report = std::get_if<ReportIn>(&message)) s.answer_unavailable(report->ticket);
      if (const auto* order = std::get_if<ApplicationOrder>(&message)) s.answer_unavailable(order->ticket);
    }
    s.release(out);
    return out;
  }
  Transaction txn(s.head, now, s.rng);
  Batch batch;
  for (const Message& message : messages) {
    if (const auto* write = std::get_if<ApiWrite>(&message)) s.take(txn, *write);
    if (const auto* report = std::get_if<ReportIn>(&message)) s.take(txn, *report);
    if (const auto* order = std::get_if<ApplicationOrder>(&message)) s.take(*order, batch);
  }
  if (s.drop_events_at && now.mono >= *s.drop_events_at) drop_oldest_events(txn);
  s.settle(txn, batch, out);
  s.seal(txn, std::move(batch), out);
  if (s.head.count(Kind::kEvent) <= kEventLimit) s.drop_events_at.reset();
  else if (out.batch || !s.drop_events_at) s.drop_events_at = now.mono + kEventRest;
  s.release(out);
  return out;
}

std::optional<MonoTime> Core::next_wake() const {
  const State& s = *state_;
  if (s.refused_until) return s.refused_until;
  if (s.more) return s.last_now.mono;
  std::optional<MonoTime> wake;
  for (std::optional<MonoTime> candidate :
       {s.queue.next_wake(), s.retry.next_wake(), s.applications.next_wake(), s.drop_events_at}) {
    if (candidate && (!wake || *candidate < *wake)) wake = candidate;
  }
  return wake;
}

std::shared_ptr<const Publication> Core::published() const { return state_->publication; }
const Snapshot& Core::head() const { return state_->head; }

}  // namespace mainstay
