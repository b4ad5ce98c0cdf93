// Pod garbage: finished pods beyond a threshold go, oldest first. (Pods of nodes that are gone:
// node_lifecycle.cpp.) Rules: k8s-semantics 1.7. Key: the sweep of all pods.
#include <algorithm>

#include "reconciler/control/controllers.h"
#include "reconciler/control/owners.h"

namespace mainstay {
namespace {

Outcome reconcile(ControlContext& context, const Key&) {
  size_t kept = context.settings.terminated_pods_kept;
  if (context.view().count(Kind::kPod) <= kept) return {};
  std::vector<ObjectPtr> finished;
  for (const ObjectPtr& pod : context.view().list(Kind::kPod)) {
    if (is_finished(as<Pod>(*pod)) && pod->meta.deletion_timestamp == WallTime{}) finished.push_back(pod);
  }
  if (finished.size() <= kept) return {};
  std::sort(finished.begin(), finished.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
      return a->meta.creation_timestamp < b->meta.creation_timestamp;
    }
    return a->meta.uid < b->meta.uid;
  });
  DeleteOptions options;
  options.grace_seconds = 0;
  finished.resize(finished.size() - kept);
  for (const ObjectPtr& pod : finished) (void)delete_object(context.txn, pod->key(), options);
  return {};
}

void wakes(const Change& change, const Snapshot&, std::vector<Key>& keys) {
  if (change.key.kind != Kind::kPod || !change.after || !is_finished(as<Pod>(*change.after))) return;
  if (change.before && is_finished(as<Pod>(*change.before))) return;
  keys.push_back(sweep_key(Kind::kPod));
}

}  // namespace

Controller pod_garbage_controller() { return {"pod-garbage-collector", &reconcile, &wakes, Kind::kPod}; }

}  // namespace mainstay
