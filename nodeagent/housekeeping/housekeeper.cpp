#include "nodeagent/housekeeping/housekeeper.h"

#include <algorithm>

#include "nodeagent/housekeeping/eviction_rank.h"
#include "nodeagent/housekeeping/supply.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr Duration kRoundEvery = std::chrono::seconds{10};
// While something is being given back: its effect is looked at soon.
constexpr Duration kSoon = std::chrono::seconds{1};
// How long the next victim waits for the end of the one before.
constexpr Duration kVictimTime = std::chrono::seconds{30};
// Images that may not go now may later; until then nothing new is said of it.
constexpr Duration kCollectAgain = std::chrono::minutes{5};

bool is_of_disk(ScarceResource resource) {
  return resource == ScarceResource::kDisk || resource == ScarceResource::kInodes;
}

bool is_of_images(EvictionSignal signal) {
  return signal == EvictionSignal::kImagefsAvailable || signal == EvictionSignal::kImagefsInodesFree;
}

bool was_due(const PressureState& before, ScarceResource resource) {
  return std::any_of(before.due.begin(), before.due.end(), [&](const EvictionThreshold& threshold) {
    return scarce_resource(threshold.signal) == resource;
  });
}

}  // namespace

NodeView view_node(const AgentCore& core) {
  NodeView out;
  out.known = core.knows_node();
  out.layers_in_use = core.layers_in_use();
  for (const auto& [uid, record] : core.pods()) {
    for (const auto& [name, container] : record.containers) {
      if (container.image) out.images_in_use.insert({container.image->name, container.image->id});
      if (!container.seen || record.collected) continue;
      out.images_in_use.insert({container.seen->image_name, container.seen->image_id});
    }
    if (!record.pod) continue;
    HousedPod& pod = out.pods.emplace_back();
    pod.pod = record.pod;
    pod.over = record.released || record.torn_down;
    pod.ending = record.ending != Ending::kNone;
    bool any = std::any_of(record.containers.begin(), record.containers.end(),
                           [](const auto& one) { return one.second.seen.has_value(); });
    pod.collectable = record.released && !record.collected && any && record.ending != Ending::kLeaving;
  }
  return out;
}

Housekeeper::Housekeeper(HousekeepingSettings settings, World world)
    : settings_(std::move(settings)), world_(std::move(world)) {}

void Housekeeper::note(bool warning, std::string reason, std::string message) {
  log::warning("agent", message);
  AgentEvent event;
  event.warning = warning;
  event.reason = std::move(reason);
  event.message = std::move(message);
  world_.tell(std::move(event));
}

Duration Housekeeper::round(MonoTime now) {
  Supplies supplies = world_.measure();
  PressureState next = judge_pressure(state_, settings_.eviction, supplies, now);
  if (!(next.pressures == state_.pressures)) {
    for (AgentEvent& event : pressure_events(world_.node, state_.pressures, next.pressures)) {
      world_.tell(std::move(event));
    }
    world_.tell(next.pressures);
  }
  PressureState before = std::exchange(state_, std::move(next));
  NodeView view = world_.view();
  if (!view.known) return kSoon;
  Result<std::vector<Image>> present = world_.images.list();
  present_ = present.ok() ? std::move(*present) : std::vector<Image>{};
  if (present.ok()) history_ = note_images(history_, present_, view.images_in_use, now);
  bool short_of_disk = std::any_of(state_.due.begin(), state_.due.end(), [](const EvictionThreshold& threshold) {
    return is_of_disk(scarce_resource(threshold.signal));
  });
  if (!short_of_disk) collect_before_full(supplies, view, now);
  if (state_.due.empty()) return kRoundEvery;
  const EvictionThreshold& first = state_.due.front();
  if (ScarceResource resource = scarce_resource(first.signal); !was_due(before, resource)) {
    note(true, "EvictionThresholdMet", "Attempting to reclaim " + std::string(resource_name(resource)));
  }
  return reclaim(state_, supplies, view, now);
}

void Housekeeper::collect_before_full(const Supplies& supplies, const NodeView& view, MonoTime now) {
  auto disk = supplies.find(EvictionSignal::kImagefsAvailable);
  if (disk == supplies.end() || (collect_again_ && now < *collect_again_)) return;
  collect_again_.reset();
  std::optional<uint64_t> wanted = bytes_to_free(disk->second, settings_.images);
  if (!wanted) {
    failed_before_ = false;
    return;
  }
  uint64_t freed = collect_images(view, wanted, now);
  log::info("agent", "the disk is nearly full: " + std::to_string(freed) + " bytes of unused images are gone");
  if (freed >= *wanted) {
    failed_before_ = false;
    return;
  }
  std::string message = free_space_failure(*wanted, freed);
  note(true, "FreeDiskSpaceFailed", message);
  if (failed_before_) note(true, "ImageGCFailed", message);
  failed_before_ = true;
  collect_again_ = now + kCollectAgain;
}

Result<uint64_t> Housekeeper::sweep(const NodeView& view) {
  // The runtime knows of containers that the core may not have seen yet.
  std::vector<std::string> layers = view.layers_in_use;
  ASSIGN_OR_RETURN(RuntimeList there, world_.runtime.list());
  for (const RuntimeContainer& container : there.containers) {
    layers.insert(layers.end(), container.layers.begin(), container.layers.end());
  }
  return world_.images.collect(layers);
}

uint64_t Housekeeper::collect_images(const NodeView& view, std::optional<uint64_t> wanted, MonoTime now) {
  uint64_t freed = 0;
  auto sweep_once = [&] {
    Result<uint64_t> more = sweep(view);
    if (!more.ok()) log::warning("agent", "cannot collect images now: " + more.error().message);
    freed += more.ok() ? *more : 0;
    return more.ok();
  };
  if (!sweep_once()) return freed;
  for (const std::string& name : collectable_images(history_, present_, view.images_in_use, now,
                                                    settings_.images.minimum_age)) {
    if (wanted && freed >= *wanted) break;
    Status removed = world_.images.remove(name);
    if (!removed.ok()) {
      log::warning("agent", "cannot remove image " + name + ": " + removed.error().message);
      continue;
    }
    log::info("agent", "image " + name + " is collected");
    if (!sweep_once()) break;
  }
  return freed;
}

Duration Housekeeper::reclaim(const PressureState& state, const Supplies& supplies, const NodeView& view,
                              MonoTime now) {
  if (waits_for_victim(view, now)) return kSoon;
  const EvictionThreshold& threshold = state.due.front();
  // With a disk of their own, images and layers give nothing back to nodefs.
  bool reclaims = is_of_images(threshold.signal) || !has_own_image_disk(world_.paths);
  if (is_of_disk(scarce_resource(threshold.signal)) && reclaims) {
    bool any = std::any_of(view.pods.begin(), view.pods.end(), [](const HousedPod& one) { return one.collectable; });
    if (any) {
      world_.tell(CollectContainers{});
      return kSoon;
    }
    if (collect_images(view, std::nullopt, now) > 0) return kSoon;
  }
  return evict(threshold, supplies.at(threshold.signal), view, now) ? kSoon : kRoundEvery;
}

bool Housekeeper::waits_for_victim(const NodeView& view, MonoTime now) {
  if (!victim_) return false;
  bool there = std::any_of(view.pods.begin(), view.pods.end(), [&](const HousedPod& one) {
    return one.pod->meta.uid == *victim_ && !one.over;
  });
  if (there && now < victim_until_) return true;
  victim_.reset();
  return false;
}

bool Housekeeper::evict(const EvictionThreshold& threshold, const Supply& supply, const NodeView& view,
                        MonoTime now) {
  ScarceResource resource = scarce_resource(threshold.signal);
  std::vector<PodUse> uses;
  for (const HousedPod& one : view.pods) {
    if (one.over || one.ending || one.pod->meta.deletion_timestamp != WallTime{}) continue;
    uses.push_back(measure_pod_use(world_.paths, one.pod, resource));
  }
  std::vector<PodUse> order = eviction_order(std::move(uses), resource);
  if (order.empty()) {
    log::warning("agent", "no pod can be evicted although " + std::string(signal_name(threshold.signal)) + " is low");
    return false;
  }
  const PodUse& first = order.front();
  Duration grace = eviction_grace(*first.pod, threshold, settings_.eviction);
  std::string message = eviction_message(first, threshold, supply);
  log::warning("agent", "pod " + first.pod->meta.ns + "/" + first.pod->meta.name + " is evicted: " + message);
  victim_ = first.pod->meta.uid;
  victim_until_ = now + grace + kVictimTime;
  world_.tell(EvictPod{*victim_, "Evicted", std::move(message), grace});
  return true;
}

}  // namespace mainstay
