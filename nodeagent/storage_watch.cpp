#include "nodeagent/storage_watch.h"

#include <algorithm>

#include "nodeagent/disk.h"
#include "schema/pod_resources.h"

namespace mainstay {
namespace {

constexpr std::string_view kStorage = "ephemeral-storage";

const Quantity* storage_limit(const Container& container) {
  return map_find(container.resources.limits, kStorage);
}

bool is_limited_volume(const Volume& volume) {
  return volume.empty_dir && volume.empty_dir->medium != "Memory" && volume.empty_dir->size_limit &&
         volume.empty_dir->size_limit->units() > 0;
}

bool exceeds(uint64_t used, const Quantity& limit) {
  return limit.units() >= 0 && used > static_cast<uint64_t>(limit.units());
}

uint64_t used_by(const std::map<std::string, uint64_t>& usage, const std::string& name) {
  auto found = usage.find(name);
  return found == usage.end() ? 0 : found->second;
}

// What the pod may use in sum: the containers' limits, if every one has one. Init containers count with the
// largest, since they run one after another.
std::optional<Quantity> limit_of_pod(const PodSpec& spec) {
  int64_t sum = 0, largest = 0;
  for (const Container& container : spec.containers) {
    const Quantity* limit = storage_limit(container);
    if (limit == nullptr) return std::nullopt;
    sum += limit->units();
  }
  for (const Container& container : spec.init_containers) {
    if (const Quantity* limit = storage_limit(container)) largest = std::max(largest, limit->units());
  }
  return Quantity::of(std::max(sum, largest), Quantity::Format::kBinarySi);
}

}  // namespace

bool limits_storage(const Object& pod) {
  const PodSpec& spec = as<Pod>(pod).spec;
  return std::any_of(spec.volumes.begin(), spec.volumes.end(), is_limited_volume) ||
         std::any_of(spec.containers.begin(), spec.containers.end(),
                     [](const Container& container) { return storage_limit(container) != nullptr; });
}

std::optional<std::string> storage_excess(const Object& pod, const StorageUsage& usage) {
  const PodSpec& spec = as<Pod>(pod).spec;
  uint64_t total = 0;
  for (const Volume& volume : spec.volumes) {
    uint64_t used = used_by(usage.volumes, volume.name);
    total += used;
    if (is_limited_volume(volume) && exceeds(used, *volume.empty_dir->size_limit)) {
      return "Usage of EmptyDir volume \"" + volume.name + "\" exceeds the limit \"" +
             volume.empty_dir->size_limit->text() + "\". ";
    }
  }
  for (const auto& [name, used] : usage.containers) total += used;
  std::optional<Quantity> limit = limit_of_pod(spec);
  if (limit && exceeds(total, *limit)) {
    return "Pod ephemeral local storage usage exceeds the total limit of containers " + limit->text() + ". ";
  }
  for (const Container& container : spec.containers) {
    const Quantity* own = storage_limit(container);
    if (own == nullptr || !exceeds(used_by(usage.containers, container.name), *own)) continue;
    return "Container " + container.name + " exceeded its local ephemeral storage limit \"" + own->text() + "\". ";
  }
  return std::nullopt;
}

StorageUsage measure_storage(const NodePaths& paths, const Object& pod) {
  StorageUsage out;
  const PodSpec& spec = as<Pod>(pod).spec;
  for (const Volume& volume : spec.volumes) {
    bool on_disk = volume.empty_dir && volume.empty_dir->medium != "Memory";
    if (on_disk) out.volumes[volume.name] = tree_bytes(paths.volumes(pod.meta.uid) + "/" + volume.name);
  }
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const Container& container : *list) {
      std::string log = paths.log({pod.meta.uid, container.name, 0});
      uint64_t bytes = tree_bytes(log.substr(0, log.rfind('/')));
      std::string attempts = paths.containers(pod.meta.uid) + "/" + container.name;
      Result<std::vector<std::string>> numbers = list_dir(attempts);
      if (!numbers.ok()) continue;
      // Last words, too, may be as many as the container likes.
      for (const std::string& number : *numbers) {
        bytes += tree_bytes(attempts + "/" + number + "/upper");
        bytes += tree_bytes(attempts + "/" + number + "/termination-log");
      }
      out.containers[container.name] = bytes;
    }
  }
  return out;
}

}  // namespace mainstay
