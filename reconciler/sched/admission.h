// Admission: a pod that somebody bound to a node himself (spec.nodeName) has not passed the scheduler. What the kubelet
// checks before it takes a pod in (node affinity, host ports, room) is checked here, before any agent hears of it.
// Pure; core thread, as it tries out on the view.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconciler/sched/cluster_view.h"

namespace mainstay {

// The pod is bound, nobody has judged that yet (the scheduler would have), and it has not begun.
bool needs_admission(const Object& pod);

struct Admission {
  ObjectPtr pod;
  std::string reason;   // "" if the node takes it; else as the kubelet's: "OutOfcpu", "NodePorts", "NodeAffinity"
  std::string message;
};
// Judges pods of which needs_admission() holds and that `view` has already, each on what those before it have left.
// Those whose node is not there, or has not said yet what it has, are left out. The view is left as it was.
std::vector<Admission> admit_bound(ClusterView& view, const std::vector<ObjectPtr>& pods);

}  // namespace mainstay
