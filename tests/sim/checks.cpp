#include "tests/sim/checks.h"

#include <algorithm>

#include "reconciler/control/node_rules.h"
#include "reconciler/control/rollout.h"
#include "reconciler/sched/footprint.h"
#include "reconciler/sched/pod_profile.h"
#include "reconciler/store/audit.h"

namespace mainstay::sim {
namespace {

constexpr size_t kFindings = 20;
constexpr std::string_view kScheduler = "default-scheduler";

bool has_condition(const Pod& pod, std::string_view type) {
  return std::any_of(pod.status.conditions.begin(), pod.status.conditions.end(),
                     [&](auto& condition) { return condition.type == type && condition.status == "True"; });
}

// The manifests here set no minReadySeconds: ready is available.
bool is_available(const ObjectPtr& pod) {
  if (!pod || pod->meta.deletion_timestamp != WallTime{}) return false;
  const PodStatus& status = as<Pod>(*pod).status;
  return status.phase != "Succeeded" && status.phase != "Failed" && has_condition(as<Pod>(*pod), "Ready");
}

// The Deployment two owners up; null if there is none.
ObjectPtr deployment_of(const Snapshot& view, const Object& pod) {
  for (const OwnerReference& owner : pod.meta.owner_references) {
    ObjectPtr set = view.find_uid(owner.uid);
    if (!set || set->kind != Kind::kReplicaSet) continue;
    for (const OwnerReference& above : set->meta.owner_references) {
      ObjectPtr deployment = view.find_uid(above.uid);
      if (deployment && deployment->kind == Kind::kDeployment) return deployment;
    }
  }
  return nullptr;
}

// A required anti-affinity term of `pod` means `other`, which stands in the same place.
bool keeps_away(const Snapshot& view, const Object& pod, const Object& other) {
  ObjectPtr here = view.find(Kind::kNode, "", as<Pod>(pod).spec.node_name);
  ObjectPtr there = view.find(Kind::kNode, "", as<Pod>(other).spec.node_name);
  ObjectPtr ns = view.find(Kind::kNamespace, "", other.meta.ns);
  if (!has_wishes(as<Pod>(pod).spec) || !here || !there) return false;
  for (const WishedTerm& wish : profile_of(pod).terms) {
    if (wish.use != TermUse::kRequiredAnti) continue;
    const std::string* mine = map_find(here->meta.labels, wish.term.topology_key);
    const std::string* its = map_find(there->meta.labels, wish.term.topology_key);
    if (mine == nullptr || its == nullptr || *mine != *its) continue;
    if (means(wish.term, other.meta.ns, other.meta.labels, ns ? ns->meta.labels : StringMap{})) return true;
  }
  return false;
}

// What a Deployment's sets are asked for, and how their pods stood before a turn and stand after it.
std::string told_sets(const Turn& turn, const std::string& uid) {
  std::string out;
  for (const ObjectPtr& set : turn.after.owned_by(uid, Kind::kReplicaSet)) {
    out += "; " + set->meta.name + " of " + std::to_string(as<ReplicaSet>(*set).spec.replicas.value_or(1)) + ":";
    for (const Snapshot* view : {&turn.before, &turn.after}) {
      size_t pods = 0, available = 0, leaving = 0;
      for (const ObjectPtr& pod : view->owned_by(set->meta.uid, Kind::kPod)) {
        ++pods;
        available += is_available(pod) ? 1 : 0;
        leaving += pod->meta.deletion_timestamp != WallTime{} ? 1 : 0;
      }
      out += (view == &turn.before ? " " : " -> ") + std::to_string(pods) + " pods, " + std::to_string(available) +
             " available, " + std::to_string(leaving) + " leaving";
    }
  }
  return out;
}

// How the pods of one Deployment fared in one turn.
struct Losses {
  int removed = 0;    // available ones that we deleted by choice
  int failed = 0;     // available ones that are so no longer, without our choice
  int available = 0;  // afterwards
};

}  // namespace

void Trace::add(std::string_view bytes) {
  for (unsigned char byte : bytes) hash_ = (hash_ ^ byte) * 1099511628211ULL;
}

void Trace::add(uint64_t number) {
  for (int i = 0; i < 8; ++i) hash_ = (hash_ ^ (number >> (8 * i) & 0xff)) * 1099511628211ULL;
}

void Checks::broken(std::string sentence) {
  if (found_.size() < kFindings) found_.push_back(std::move(sentence));
}

void Checks::after_turn(const Turn& turn) {
  add_to_trace(turn);
  check_durable(turn);
  if (!turn.effects.batch) return;  // the head is one that was audited
  for (std::string& finding : audit(turn.after, AuditMoment::kAny)) broken("audit: " + std::move(finding));
  if (!turn.by_api) check_availability(turn);
  check_company(turn);
}

void Checks::check_durable(const Turn& turn) {
  for (const Answer& answer : turn.effects.answers) {
    if (answer.version > turn.durable_version) {
      broken("an answer of version " + std::to_string(answer.version) + " was let out, durable is " +
             std::to_string(turn.durable_version));
    }
  }
  if (!turn.effects.publication) return;
  const Publication& publication = *turn.effects.publication;
  AssignmentNumber now{publication.epoch, publication.view.version()};
  if (now.number > turn.durable_version || now.epoch > turn.durable_epoch) {
    broken("version " + std::to_string(now.number) + " of epoch " + std::to_string(now.epoch) +
           " was published and is not durable");
  }
  if (now < published_) broken("publications went back to version " + std::to_string(now.number));
  published_ = now;
}

// By our own choice no Deployment falls below the least number of available pods: whenever we take an
// available pod away, enough others are left, counting those that are lost in this very turn. What the
// node lifecycle takes, because a node is gone or its taint is not tolerated, and what the scheduler takes
// for a pod of higher priority, is no choice: as in Kubernetes, maxUnavailable bounds what a rollout does,
// not what befalls the pods.
void Checks::check_availability(const Turn& turn) {
  std::map<std::string, Losses> by_uid;
  const Batch& batch = *turn.effects.batch;
  for (size_t i = 0; i < batch.changes.size(); ++i) {
    const Change& change = batch.changes[i];
    if (change.key.kind != Kind::kPod || !change.before) continue;
    bool leaves = !change.after || change.after->meta.deletion_timestamp != WallTime{};
    if (!leaves || !is_available(change.before)) continue;
    ObjectPtr deployment = deployment_of(turn.after, *change.before);
    if (!deployment) continue;
    Losses& losses = by_uid[deployment->meta.uid];
    const std::string& actor = batch.causes[i].actor;
    bool befallen = actor == kNodeLifecycleController || actor == kScheduler;
    ++(befallen ? losses.failed : losses.removed);
  }
  for (auto& [uid, losses] : by_uid) {
    ObjectPtr deployment = turn.after.find_uid(uid);
    const DeploymentSpec& spec = as<Deployment>(*deployment).spec;
    if (spec.strategy.type == "Recreate" || deployment->meta.deletion_timestamp != WallTime{}) continue;
    for (const ObjectPtr& set : turn.after.owned_by(uid, Kind::kReplicaSet)) {
      for (const ObjectPtr& pod : turn.after.owned_by(set->meta.uid, Kind::kPod)) {
        if (is_available(pod)) {
          ++losses.available;
        } else if (pod->meta.deletion_timestamp == WallTime{}) {  // what leaves is counted above
          losses.failed += is_available(turn.before.find(pod->key())) ? 1 : 0;
        }
      }
    }
    if (losses.removed == 0) continue;
    int least = rollout_limits(spec).min_available;
    if (losses.available + losses.failed >= least) continue;
    broken(deployment->key().text() + " was brought down to " + std::to_string(losses.available) +
           " available pods by removing " + std::to_string(losses.removed) + "; at least " +
           std::to_string(least) + " must stay" + told_sets(turn, uid));
  }
}

// No pod bound in this turn stands in one place with a pod that must not be there for it, or it for that one.
void Checks::check_company(const Turn& turn) {
  for (const Change& change : turn.effects.batch->changes) {
    if (change.key.kind != Kind::kPod || !change.before || !change.after) continue;
    if (!as<Pod>(*change.before).spec.node_name.empty() || as<Pod>(*change.after).spec.node_name.empty()) continue;
    ObjectPtr pod = turn.after.find(change.key);
    if (!pod || pod->meta.uid != change.after->meta.uid) continue;
    for (const ObjectPtr& other : turn.after.list(Kind::kPod)) {
      if (other == pod || !takes_room(*other)) continue;
      if (!keeps_away(turn.after, *pod, *other) && !keeps_away(turn.after, *other, *pod)) continue;
      broken(pod->key().text() + " was bound where it must not be together with " + other->key().text());
    }
  }
}

void Checks::add_to_trace(const Turn& turn) {
  trace_.add(turn.after.version());
  trace_.add(turn.effects.answers.size());
  if (!turn.effects.batch) return;
  trace_.add(turn.effects.batch->number);
  for (const Change& change : turn.effects.batch->changes) {
    trace_.add(change.version);
    trace_.add(change.key.text());
  }
}

void Checks::after_agent_step(const std::string& node, const AssignmentNumber& seen) {
  AssignmentNumber& highest = seen_[node];
  if (seen < highest) {
    broken("the agent of " + node + " went back from assignment " + std::to_string(highest.epoch) + "." +
           std::to_string(highest.number) + " to " + std::to_string(seen.epoch) + "." +
           std::to_string(seen.number));
  }
  highest = seen;
}

void Checks::nodes_run(const std::map<std::string, std::set<std::string>>& uids, bool store_went_back) {
  if (store_went_back) return;
  std::map<std::string, std::string> where;
  for (const auto& [node, running] : uids) {
    for (const std::string& uid : running) {
      auto [other, fresh] = where.emplace(uid, node);
      if (!fresh) broken("pod " + uid + " runs on " + other->second + " and on " + node);
    }
  }
}

uint64_t store_hash(const Snapshot& view) {
  Trace trace;
  for (const KindInfo& info : all_kinds()) {
    for (const ObjectPtr& object : view.list(info.id)) {
      trace.add(object->version);
      trace.add(encoded(*object));
    }
  }
  return trace.hash();
}

}  // namespace mainstay::sim
