// The parts of the Deployment controller (deployment.cpp): its ReplicaSets, its revisions, its status. They
// work on one Deployment in the course of one reconcile. Rules: k8s-semantics 3 and 17.2. Core thread only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/control/controller.h"
#include "reconciler/control/owners.h"
#include "reconciler/control/rollout.h"

namespace mainstay {

inline constexpr std::string_view kDeploymentControllerName = "deployment-controller";
inline constexpr std::string_view kTemplateHashLabel = "pod-template-hash";
inline constexpr std::string_view kRevisionAnnotation = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kRevisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view kDesiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view kMaxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";

// A Deployment under work: `next` collects what is to be written to it, once, at the end.
struct Rollout {
  ControlContext& context;
  ObjectPtr stored;
  Object next;
  RolloutLimits limits;
  ObjectPtr fresh;             // the ReplicaSet of the present template; null if there is none yet
  std::vector<ObjectPtr> old;  // all others, oldest first
  bool creation_failed = false;
  std::string creation_trouble;

  const DeploymentSpec& spec() const { return as<Deployment>(*stored).spec; }
  DeploymentStatus& status() { return as<Deployment>(next).status; }
  const std::string& name() const { return stored->meta.name; }
  int32_t replicas() const { return spec().replicas.value_or(1); }
};

// What is wanted of a ReplicaSet and what it has, counted from the pods themselves: its status may be a turn
// old.
SetSize live_size(const ControlContext& context, const Object& set);
inline int32_t wanted_replicas(const Object& set) { return as<ReplicaSet>(set).spec.replicas.value_or(1); }
std::vector<SetSize> live_sizes(const ControlContext& context, const std::vector<ObjectPtr>& sets);

// The same template, pod-template-hash aside, also when a newer version of us would fill in more defaults.
bool same_template(const PodTemplateSpec& a, const PodTemplateSpec& b);
// FNV-1a over the template and the collision count, in the alphabet of generated names.
std::string template_hash(const PodTemplateSpec& pod_template, std::optional<int32_t> collisions);

// The revision annotation; 0 if there is none.
int64_t revision_of(const Object& set);

// Finds `fresh` and `old` among the ReplicaSets the Deployment controls.
void find_replica_sets(Rollout& rollout);
// Brings revision, history, copied annotations and minReadySeconds of an existing `fresh` up to date.
void refresh_fresh_set(Rollout& rollout);
// Makes `fresh` with as many replicas as allowed; counts a collision where another template has the name.
void create_fresh_set(Rollout& rollout);
// Sets a ReplicaSet's size and the annotations that go with it; says so in an event.
ObjectPtr scale_set(Rollout& rollout, const ObjectPtr& set, int32_t replicas);
// Deletes the oldest empty ReplicaSets beyond revisionHistoryLimit.
void clean_up_history(Rollout& rollout);

// Counts and the Available condition. Requires that all scaling of this reconcile is done.
void count_status(Rollout& rollout);
// The Progressing and ReplicaFailure conditions; says when the progress deadline must be looked at.
Outcome judge_progress(Rollout& rollout);
// Progressing goes Unknown when the Deployment is paused or resumed.
void note_pause(Rollout& rollout);
// All pods are of the present template and available.
bool is_complete(const Rollout& rollout);

}  // namespace mainstay
