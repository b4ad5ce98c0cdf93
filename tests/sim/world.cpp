#include "tests/sim/world.h"

#include <algorithm>

#include "reconciler/control/event_expiry.h"
#include "reconciler/store/audit.h"
#include "schema/json.h"
#include "schema/encode.h"

namespace mainstay::sim {
namespace {

constexpr Duration kQuiet = 30s;  // without a write, before the cluster counts as settled
// One in so many messages takes the way over the wire's bytes.
constexpr uint64_t kEncodedShare = 8;

WallTime start_of_time() { return *parse_rfc3339("2026-03-01T12:00:00Z"); }

NodeReport over_the_wire(const NodeReport& report) {
  Result<NodeReport> read = decode_node_report(encode(report));
  ENSURE(read.ok(), "a report that we wrote can be read");
  return std::move(*read);
}

AgentPollAnswer over_the_wire(const AgentPollAnswer& answer) {
  Result<AgentPollAnswer> read = decode_poll_answer(encode(answer));
  ENSURE(read.ok(), "an answer that we wrote can be read");
  return std::move(*read);
}

bool is_finished(const Pod& pod) { return pod.status.phase == "Succeeded" || pod.status.phase == "Failed"; }

// An event that nothing was added to for its time: it goes because time passes, not because of a decision.
bool is_expired(const Object& object, WallTime now) {
  return object.kind == Kind::kEvent && last_seen(object) <= now - ControlSettings{}.event_ttl;
}

}  // namespace

World::World(WorldSettings settings)
    : rng_(settings.seed),
      now_{start_of_time(), MonoTime{1000s}},
      links_(static_cast<size_t>(settings.nodes)),
      daemon_(repository_, settings.path, checks_,
              {[this](const PollUp& poll, AgentPollAnswer answer) {
                 size_t node = index_of(poll.node);
                 if (rng_.below(kEncodedShare) == 0) answer = over_the_wire(answer);
                 send(node, [this, node, poll, given = std::move(answer)] {
                   nodes_[node]->take_poll_answer(poll.boot, poll.id, given);
                 });
               },
               [this](const std::string& name, const std::string& boot, uint64_t sequence, Heard heard) {
                 size_t node = index_of(name);
                 send(node, [this, node, boot, sequence, heard] {
                   nodes_[node]->take_report_answer(boot, sequence, heard, now_.mono, rng_);
                 });
               }}) {
  for (int i = 0; i < settings.nodes; ++i) {
    auto index = static_cast<size_t>(i);
    // Connections end with the daemon: what was under way does not reach its next process.
    auto up = [this, index](std::function<void()> deliver) {
      send(index, [this, start = daemon_starts_, deliver = std::move(deliver)] {
        if (start == daemon_starts_) deliver();
      });
    };
    nodes_.push_back(std::make_unique<SimNode>(
        "node-" + std::to_string(i), i,
        SimNode::Up{[this, up](PollUp poll) { up([this, poll] { daemon_.receive(poll, now_); }); },
                    [this, up](NodeReport report) {
                      if (rng_.below(kEncodedShare) == 0) report = over_the_wire(report);
                      up([this, report] { daemon_.receive(report, now_); });
                    }}));
  }
  start_daemon();
  for (auto& node : nodes_) node->start(now_, rng_);
}

size_t World::index_of(const std::string& node) const {
  return static_cast<size_t>(std::stoul(node.substr(node.find('-') + 1)));
}

void World::send(size_t node, std::function<void()> deliver) {
  const LinkQuality& link = links_[node];
  if (link.cut || rng_.chance(link.loss)) return;
  auto arrives = [&] {
    auto longest = static_cast<uint64_t>(link.longest.count());
    return now_.mono + 100us + Duration{static_cast<int64_t>(rng_.below(longest))};
  };
  if (rng_.chance(link.repeated)) events_.add(arrives(), deliver);
  events_.add(arrives(), std::move(deliver));
}

void World::kill_daemon() {
  if (!daemon_.is_up()) return;
  daemon_.kill();
  ++daemon_starts_;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!links_[i].cut) nodes_[i]->connection_lost(now_.mono);
  }
}

void World::start_daemon() {
  if (!daemon_.is_up()) daemon_.start(now_, rng_);
}

void World::restore_database() {
  daemon_.restore();
  went_back_ = true;
}

void World::step_all() {
  MonoTime now = now_.mono;
  while (events_.next() && *events_.next() <= now) events_.take()();
  if (std::optional<MonoTime> due = daemon_.due(now); due && *due <= now) daemon_.step(now_, rng_);
  for (auto& node : nodes_) {
    std::optional<MonoTime> due = node->due(now);
    if (!due || *due > now) continue;
    node->step(now_, rng_);
    if (node->is_up() && node->seen().epoch > 0) checks_.after_agent_step(node->name(), node->seen());
  }
}

void World::check_nodes() {
  std::map<std::string, std::set<std::string>> uids;
  for (auto& node : nodes_) uids[node->name()] = node->uids();
  checks_.nodes_run(uids, went_back_);
}

void World::run_for(Duration span) {
  MonoTime end = now_.mono + span;
  MonoTime looked_at = now_.mono;
  while (checks_.found().empty()) {
    std::optional<MonoTime> next = sooner(events_.next(), daemon_.due(now_.mono));
    for (auto& node : nodes_) next = sooner(next, node->due(now_.mono));
    if (!next || *next > end) break;
    if (*next > now_.mono) {
      now_.wall = now_.wall + (*next - now_.mono);
      now_.mono = *next;
    } else {
      // Nothing takes no time at all: a cluster that spins shows as one that does not settle.
      now_.wall = now_.wall + 50us;
      now_.mono = now_.mono + 50us;
    }
    step_all();
    if (now_.mono - looked_at > 250ms) {
      check_nodes();
      looked_at = now_.mono;
    }
  }
  if (now_.mono < end) {
    now_.wall = now_.wall + (end - now_.mono);
    now_.mono = end;
  }
}

std::vector<std::string> World::unsettled() const {
  std::vector<std::string> out;
  if (!daemon_.is_up()) return {"the daemon is down"};
  if (daemon_.unanswered() > 0) out.push_back(std::to_string(daemon_.unanswered()) + " requests have no answer");
  const Snapshot& view = daemon_.head();
  ObjectPtr app = view.find(Kind::kApplication, "mainstay", kApplication);
  if (!app) return {"there is no Application"};
  const ApplicationStatus& status = as<Application>(*app).status;
  if (!expected_.empty() && status.sync.revision != expected_) {
    out.push_back("the applied commit is " + status.sync.revision + " and not " + expected_);
  }
  if (status.sync.status != "Synced") out.push_back("sync is " + status.sync.status);
  if (status.health.status != "Healthy") out.push_back(status.health.status + ": " + status.health.message);
  for (const ApplicationCondition& condition : status.conditions) {
    // What is only kept is no reason to wait.
    if (condition.type == "ExcludedResourceWarning") continue;
    out.push_back(condition.type + ": " + condition.message);
  }
  for (const auto& node : nodes_) {
    std::set<std::string> assigned;
    for (const ObjectPtr& pod : view.pods_on(node->name())) {
      if (pod->meta.deletion_timestamp != WallTime{}) out.push_back(pod->key().text() + " is being deleted");
      if (!is_finished(as<Pod>(*pod))) assigned.insert(pod->meta.uid);
    }
    for (const std::string& uid : node->uids()) {
      if (assigned.erase(uid) > 0) continue;
      ObjectPtr pod = view.find_uid(uid);
      // A pod that has ended keeps its containers, for their logs, until it is deleted.
      if (pod && as<Pod>(*pod).spec.node_name == node->name()) continue;
      out.push_back(node->name() + " runs " + uid + ", which is not its own");
    }
    for (const std::string& uid : assigned) out.push_back(node->name() + " does not run " + uid);
  }
  NetworkState network = daemon_.network();
  for (const auto& node : nodes_) {
    NetworkState known = node->network();
    known.at = {};
    known.digest.clear();
    if (node->is_up() && !(known == network)) {
      out.push_back(node->name() + " does not know the network as it is; it has number " +
                    std::to_string(node->network().at.number));
    }
  }
  for (const ObjectPtr& pod : view.list(Kind::kPod)) {
    const PodStatus& stands = as<Pod>(*pod).status;
    if (as<Pod>(*pod).spec.node_name.empty()) out.push_back(pod->key().text() + " is not placed");
    for (const PodCondition& condition : stands.conditions) {
      if (condition.type != "Ready" || condition.status == "True" || is_finished(as<Pod>(*pod))) continue;
      out.push_back(pod->key().text() + " on " + as<Pod>(*pod).spec.node_name + " is " + stands.phase +
                    " and not ready: " + condition.reason + " " + condition.message + "; " + to_json(to_value(*pod)));
    }
  }
  return out;
}

std::vector<std::string> World::settle(Duration longest) {
  MonoTime end = now_.mono + longest;
  std::vector<std::string> missing;
  while (now_.mono < end && checks_.found().empty()) {
    run_for(5s);
    missing = unsettled();
    if (!missing.empty()) continue;
    went_back_ = false;
    if (now_.mono - daemon_.last_batch_at() >= kQuiet) return {};
    missing = {"it still writes: the last batch is of " +
               std::to_string((now_.mono - daemon_.last_batch_at()).count() / 1000) + " ms ago"};
  }
  return missing;
}

void World::check_at_rest() {
  for (std::string& finding : audit(daemon_.head(), AuditMoment::kSettled)) {
    checks_.broken("settled audit: " + std::move(finding));
  }
  if (store_hash(daemon_.head()) != store_hash(daemon_.on_disk())) {
    checks_.broken("the head is not what is on the disk");
  }
  MonoTime before = daemon_.last_batch_at();
  const Snapshot calm = daemon_.head();
  run_for(6s);  // at least one turn for its own sake, and heartbeats of some nodes
  if (daemon_.last_batch_at() == before) return;
  std::string written, example;
  size_t expired = 0;
  for (const KindInfo& kind : all_kinds()) {
    for (const ObjectPtr& object : daemon_.head().list(kind.id)) {
      if (object->version <= calm.version()) continue;
      written += " " + object->key().text();
      ObjectPtr was = calm.find(object->key());
      example = (was ? encoded(*was) : "nothing") + "\nbecame " + encoded(*object);
    }
  }
  for (const KindInfo& kind : all_kinds()) {
    for (const ObjectPtr& object : calm.list(kind.id)) {
      if (daemon_.head().find(object->key())) continue;
      if (is_expired(*object, now().wall)) {
        ++expired;
        continue;
      }
      written += " -" + object->key().text();
    }
  }
  if (written.empty() && expired > 0) return;
  checks_.broken("a turn at rest has written" + written + "; of these\n" + example);
}

uint64_t World::hash() const {
  Trace all;
  all.add(checks_.trace_hash());
  all.add(store_hash(daemon_.head()));
  return all.hash();
}

}  // namespace mainstay::sim
