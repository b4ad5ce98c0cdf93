// A Deployment's status: the numbers and conditions that `kubectl rollout status` and `kubectl wait` read.
#include <algorithm>

#include "reconciler/control/conditions.h"
#include "reconciler/control/deployment.h"

namespace mainstay {
namespace {

constexpr std::string_view kProgressing = "Progressing";
constexpr std::string_view kComplete = "NewReplicaSetAvailable";
constexpr std::string_view kTimedOut = "ProgressDeadlineExceeded";
constexpr auto kFirstRetry = std::chrono::seconds(1);
constexpr auto kLastRetry = std::chrono::minutes(5);

bool has_deadline(const DeploymentSpec& spec) {
  return spec.progress_deadline_seconds && *spec.progress_deadline_seconds != INT32_MAX;
}

// Sets Progressing. Unlike other conditions it remembers when it was last said, from which the deadline
// counts.
void say_progress(Rollout& rollout, const ConditionValue& value, bool renewed) {
  auto& conditions = rollout.status().conditions;
  WallTime now = rollout.context.now().wall;
  bool changed = set_condition(conditions, kProgressing, value, now);
  if (!changed && !renewed) return;
  for (DeploymentCondition& condition : conditions) {
    if (condition.type == kProgressing) condition.last_update_time = now.seconds();
  }
}

// More new pods, more ready ones or fewer old ones than when the status was last written.
bool has_progressed(const DeploymentStatus& before, const DeploymentStatus& after) {
  int32_t old_before = before.replicas - before.updated_replicas;
  int32_t old_after = after.replicas - after.updated_replicas;
  return after.updated_replicas > before.updated_replicas || old_after < old_before ||
         after.ready_replicas > before.ready_replicas || after.available_replicas > before.available_replicas;
}

// A failure of the new set, else of an old one.
const ReplicaSetCondition* replica_failure(const Rollout& rollout) {
  std::vector<ObjectPtr> sets;
  if (rollout.fresh) sets.push_back(rollout.fresh);
  sets.insert(sets.end(), rollout.old.begin(), rollout.old.end());
  for (const ObjectPtr& set : sets) {
    const auto& conditions = as<ReplicaSet>(*set).status.conditions;
    const ReplicaSetCondition* failure = find_condition(conditions, "ReplicaFailure");
    if (failure != nullptr && failure->status == "True") return failure;
  }
  return nullptr;
}

std::string subject(const Rollout& rollout) {
  return rollout.fresh ? "ReplicaSet \"" + rollout.fresh->meta.name + "\""
                       : "Deployment \"" + rollout.name() + "\"";
}

// Decides Progressing while the rollout is not over; returns when the deadline passes.
Outcome judge_running(Rollout& rollout) {
  const DeploymentStatus& before = as<Deployment>(*rollout.stored).status;
  Outcome outcome;
  if (is_complete(rollout)) {
    say_progress(rollout, {"True", kComplete, subject(rollout) + " has successfully progressed."}, false);
    return outcome;
  }
  if (has_progressed(before, rollout.status())) {
    say_progress(rollout, {"True", "ReplicaSetUpdated", subject(rollout) + " is progressing."}, true);
  }
  const DeploymentCondition* said = find_condition(rollout.status().conditions, kProgressing);
  if (said == nullptr || said->reason == kComplete || said->reason == kTimedOut) return outcome;
  const Now& now = rollout.context.now();
  auto allowed = std::chrono::seconds(*rollout.spec().progress_deadline_seconds);
  WallTime deadline = said->last_update_time + allowed;
  if (deadline < now.wall) {
    say_progress(rollout, {"False", kTimedOut, subject(rollout) + " has timed out progressing."}, false);
  } else {
    outcome.wake(now.mono + (deadline - now.wall) + std::chrono::seconds(1));
  }
  return outcome;
}

}  // namespace

void count_status(Rollout& rollout) {
  DeploymentStatus& status = rollout.status();
  std::vector<ObjectPtr> sets = rollout.old;
  if (rollout.fresh) sets.push_back(rollout.fresh);
  int32_t wanted = 0;
  status.observed_generation = rollout.stored->meta.generation;
  status.replicas = status.ready_replicas = status.available_replicas = 0;
  for (const ObjectPtr& set : sets) {
    const ReplicaSetStatus& part = as<ReplicaSet>(*set).status;
    wanted += wanted_replicas(*set);
    status.replicas += part.replicas;
    status.ready_replicas += part.ready_replicas;
    status.available_replicas += part.available_replicas;
  }
  status.updated_replicas = rollout.fresh ? as<ReplicaSet>(*rollout.fresh).status.replicas : 0;
  status.unavailable_replicas = std::max(0, wanted - status.available_replicas);

  bool enough = status.available_replicas >= rollout.limits.min_available;
  ConditionValue value{enough ? "True" : "False",
                       enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                       enough ? "Deployment has minimum availability."
                              : "Deployment does not have minimum availability."};
  auto& conditions = status.conditions;
  WallTime now = rollout.context.now().wall;
  if (!set_condition(conditions, "Available", value, now)) return;
  for (DeploymentCondition& condition : conditions) {
    if (condition.type == "Available") condition.last_update_time = now.seconds();
  }
}

bool is_complete(const Rollout& rollout) {
  const DeploymentStatus& status = as<Deployment>(rollout.next).status;
  int32_t replicas = rollout.replicas();
  return rollout.fresh && status.updated_replicas == replicas && status.replicas == replicas &&
         status.available_replicas == replicas &&
         status.observed_generation >= rollout.stored->meta.generation;
}

Outcome judge_progress(Rollout& rollout) {
  auto& conditions = rollout.status().conditions;
  Outcome outcome;
  if (!has_deadline(rollout.spec())) {
    remove_condition(conditions, kProgressing);
  } else {
    const DeploymentCondition* said = find_condition(conditions, kProgressing);
    bool over = said != nullptr && said->reason == kComplete &&
                rollout.status().replicas == rollout.status().updated_replicas && rollout.fresh;
    if (!over) outcome = judge_running(rollout);
  }
  WallTime now = rollout.context.now().wall;
  const ReplicaSetCondition* failure = replica_failure(rollout);
  bool changed = false;
  if (rollout.creation_failed) {
    changed = set_condition(conditions, "ReplicaFailure", {"True", "FailedCreate", rollout.creation_trouble},
                            now);
  } else if (failure != nullptr) {
    changed = set_condition(conditions, "ReplicaFailure", {"True", failure->reason, failure->message}, now);
  } else {
    remove_condition(conditions, "ReplicaFailure");
  }
  for (DeploymentCondition& condition : conditions) {
    if (changed && condition.type == "ReplicaFailure") condition.last_update_time = now.seconds();
  }
  if (rollout.creation_failed) {
    // The longer it has failed, the longer until the next try.
    Duration since = now - find_condition(conditions, "ReplicaFailure")->last_transition_time;
    Duration wait = std::clamp<Duration>(since, kFirstRetry, kLastRetry);
    outcome.wake(rollout.context.now().mono + wait);
  }
  return outcome;
}

void note_pause(Rollout& rollout) {
  if (!has_deadline(rollout.spec())) return;
  const DeploymentCondition* said = find_condition(rollout.status().conditions, kProgressing);
  if (said != nullptr && said->reason == kTimedOut) return;  // the bad news stays until there is progress
  bool was_paused = said != nullptr && said->reason == "DeploymentPaused";
  if (rollout.spec().paused && !was_paused) {
    say_progress(rollout, {"Unknown", "DeploymentPaused", "Deployment is paused"}, false);
  } else if (!rollout.spec().paused && was_paused) {
    say_progress(rollout, {"Unknown", "DeploymentResumed", "Deployment is resumed"}, false);
  }
}

}  // namespace mainstay
