#include "reconciler/plan/rollup.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "schema/not_yet.h"

namespace mainstay {
namespace {

const PodSpec* pod_spec(const Object& object) {
  if (const Pod* pod = try_as<Pod>(object)) return &pod->spec;
  if (const Deployment* deployment = try_as<Deployment>(object)) return &deployment->spec.pod_template.spec;
  if (const ReplicaSet* set = try_as<ReplicaSet>(object)) return &set->spec.pod_template.spec;
  return nullptr;
}

void add_images(const Object& object, std::vector<std::string>& out) {
  const PodSpec* spec = pod_spec(object);
  if (spec == nullptr) return;
  for (const Container& container : spec->init_containers) out.push_back(container.image);
  for (const Container& container : spec->containers) out.push_back(container.image);
}

ResourceStatus resource_of(const Key& key) {
  const KindInfo& info = kind_info(key.kind);
  ResourceStatus out;
  out.group = info.group;
  out.version = info.version;
  out.kind = info.kind;
  out.ns = key.ns;
  out.name = key.name;
  return out;
}

bool in_step(const DesiredObject& desired, const Object& live, SyncMemo* memo) {
  if (live.meta.deletion_timestamp != WallTime{}) return false;
  if (memo != nullptr && memo->holds(desired, live)) return true;
  if (!drifted(desired, live).empty()) return false;
  if (memo != nullptr) memo->note(desired, live);
  return true;
}

class Roller {
 public:
  Roller(const RollupInput& input, SyncMemo* memo) : input_(input), memo_(memo) {}

  Rollup roll() {
    out_.resources.reserve(input_.applied.objects.size());
    for (const DesiredObject& desired : input_.applied.objects) take(desired);
    // What has no health of its own is there at least: then not everything is missing.
    if (out_.missing < input_.applied.objects.size()) parts_.emplace_back();
    out_.health = mainstay::roll_up(parts_);
    out_.sync = input_.at_target && out_.out_of_sync == 0 ? "Synced" : "OutOfSync";
    std::sort(out_.images.begin(), out_.images.end());
    out_.images.erase(std::unique(out_.images.begin(), out_.images.end()), out_.images.end());
    if (memo_ != nullptr) memo_->bound(input_.applied.objects.size());
    return std::move(out_);
  }

 private:
  void take(const DesiredObject& desired) {
    ResourceStatus resource = resource_of(desired.key);
    bool held = std::binary_search(input_.held.begin(), input_.held.end(), desired.key);
    ObjectPtr live = input_.live.find(desired.key);
    bool synced = !held && live && in_step(desired, *live, memo_);
    resource.status = synced ? "Synced" : "OutOfSync";
    resource.requires_pruning = held;
    if (!synced) ++out_.out_of_sync;
    if (live) {
      add_images(*live, out_.images);
      // Nobody here writes the status of a carried kind: its health would stay Progressing for ever.
      std::optional<HealthReport> health;
      if (!is_carried_kind(desired.key.kind)) health = health_of(*live);
      if (health) take_health(desired.key, *health, resource);
    } else {
      ++out_.missing;
      take_health(desired.key, {Health::kMissing, ""}, resource);
    }
    out_.resources.push_back(std::move(resource));
  }

  void take_health(const Key& key, const HealthReport& health, ResourceStatus& resource) {
    resource.health.ensure().status = health_name(health.status);
    resource.health->message = health.message;
    parts_.emplace_back(key.text(), health);
  }

  const RollupInput& input_;
  SyncMemo* memo_;
  std::vector<std::pair<std::string, HealthReport>> parts_;
  Rollup out_;
};

}  // namespace

Rollup roll_up(const RollupInput& input, SyncMemo* memo) { return Roller(input, memo).roll(); }

}  // namespace mainstay
