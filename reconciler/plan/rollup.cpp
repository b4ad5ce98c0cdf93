#include "reconciler/plan/rollup.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "schema/not_yet.h"

namespace mainstay {
namespace {

constexpr size_t kNamedCarried = 10;

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

}  // namespace

void Standing::forget(const Key& key) {
  auto found = parts_.find(key);
  if (found == parts_.end()) return;
  const Part& part = found->second;
  if (!part.synced) --out_of_sync_;
  if (part.missing) --missing_;
  if (needs_attention(part)) attention_.erase(key);
  carried_.erase(key);
  if (part.health && part.health->status != Health::kHealthy) unhealthy_[part.health->status].erase(key);
  for (const std::string& image : part.images) {
    auto count = images_.find(image);
    if (--count->second == 0) images_.erase(count);
  }
  parts_.erase(found);
}

void Standing::look(const Key& key, const DesiredObject* desired, const ObjectPtr& live, bool held,
                    SyncMemo* memo) {
  forget(key);
  if (desired == nullptr) return;
  Part part;
  part.held = held;
  part.missing = live == nullptr;
  part.synced = !held && live && in_step(*desired, *live, memo);
  if (!live) {
    part.health = HealthReport{Health::kMissing, ""};
  } else {
    add_images(*live, part.images);
    // Nobody here writes the status of a carried kind: its health would stay Progressing for ever.
    if (!is_carried_kind(key.kind)) part.health = health_of(*live);
  }
  if (!part.synced) ++out_of_sync_;
  if (part.missing) ++missing_;
  if (needs_attention(part)) attention_.insert(key);
  if (is_carried_kind(key.kind)) carried_.insert(key);
  if (part.health && part.health->status != Health::kHealthy) unhealthy_[part.health->status].insert(key);
  for (const std::string& image : part.images) ++images_[image];
  parts_.emplace(key, std::move(part));
}

// Missing objects do not count unless all are missing; what has no health of its own is there at least.
HealthReport Standing::worst() const {
  bool all_missing = missing_ == parts_.size();
  for (auto level = unhealthy_.rbegin(); level != unhealthy_.rend(); ++level) {
    const auto& [status, keys] = *level;
    if (keys.empty() || (status == Health::kMissing && !all_missing)) continue;
    const Key& first = *keys.begin();
    const std::string& message = parts_.at(first).health->message;
    return {status, message.empty() ? first.text() : first.text() + ": " + message};
  }
  return {};
}

Rollup Standing::sum(bool at_target, size_t listed) const {
  Rollup out;
  auto list = [&](const Key& key, const Part& part) {
    ResourceStatus resource = resource_of(key);
    resource.status = part.synced ? "Synced" : "OutOfSync";
    resource.requires_pruning = part.held;
    if (part.health) {
      resource.health.ensure().status = health_name(part.health->status);
      resource.health->message = part.health->message;
    }
    out.resources.push_back(std::move(resource));
  };
  if (parts_.size() <= listed) {
    for (const auto& [key, part] : parts_) list(key, part);
  } else {
    for (const Key& key : attention_) {
      if (out.resources.size() == listed) break;
      list(key, parts_.at(key));
    }
  }
  for (const auto& [image, count] : images_) out.images.push_back(image);
  for (auto key = carried_.begin(); key != carried_.end() && out.carried.size() < kNamedCarried; ++key) {
    out.carried.push_back(*key);
  }
  out.carried_count = carried_.size();
  out.health = worst();
  out.sync = at_target && out_of_sync_ == 0 ? "Synced" : "OutOfSync";
  out.out_of_sync = out_of_sync_;
  out.missing = missing_;
  return out;
}

Rollup roll_up(const RollupInput& input, SyncMemo* memo) {
  Standing standing;
  for (const DesiredObject& desired : input.applied.objects) {
    bool held = std::binary_search(input.held.begin(), input.held.end(), desired.key);
    standing.look(desired.key, &desired, input.live.find(desired.key), held, memo);
  }
  if (memo != nullptr) memo->bound(input.applied.objects.size());
  return standing.sum(input.at_target, SIZE_MAX);
}

}  // namespace mainstay
