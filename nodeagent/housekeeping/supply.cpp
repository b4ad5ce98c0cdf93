#include "nodeagent/housekeeping/supply.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/storage_watch.h"

namespace mainstay {
namespace {

// The number behind a name at the beginning of a line; nothing if there is none.
std::optional<int64_t> field(const std::string& text, const std::string& name) {
  size_t at = text.starts_with(name) ? 0 : text.find("\n" + name);
  if (at == std::string::npos) return std::nullopt;
  at += (at == 0 ? 0 : 1) + name.size();
  return std::strtoll(text.c_str() + at, nullptr, 10);
}

std::optional<int64_t> number_in(const std::string& path) {
  Result<std::string> text = read_file(path, 4096);
  if (!text.ok() || text->empty() || *text == "max\n") return std::nullopt;
  return std::strtoll(text->c_str(), nullptr, 10);
}

void add_memory(Supplies& out) {
  Result<std::string> info = read_file("/proc/meminfo", 64 << 10);
  if (!info.ok()) return;
  std::optional<int64_t> total = field(*info, "MemTotal:"), available = field(*info, "MemAvailable:");
  if (total && available) out[EvictionSignal::kMemoryAvailable] = {*available * 1024, *total * 1024};
}

void add_disk(Supplies& out, const std::string& path, EvictionSignal bytes, EvictionSignal inodes) {
  struct statvfs found {};
  if (statvfs(path.c_str(), &found) != 0) return;
  auto scaled = [&](fsblkcnt_t blocks) { return static_cast<int64_t>(blocks * found.f_frsize); };
  out[bytes] = {scaled(found.f_bavail), scaled(found.f_blocks)};
  // Some file systems make inodes as they are needed, and count none.
  if (found.f_files > 0) {
    out[inodes] = {static_cast<int64_t>(found.f_favail), static_cast<int64_t>(found.f_files)};
  }
}

// The kernel's limits on processes, and how many there are ("0.1 0.2 0.3 2/345 678": 345 of them).
void add_processes(Supplies& out) {
  std::optional<int64_t> ids = number_in("/proc/sys/kernel/pid_max");
  std::optional<int64_t> threads = number_in("/proc/sys/kernel/threads-max");
  Result<std::string> load = read_file("/proc/loadavg", 4096);
  size_t slash = load.ok() ? load->find('/') : std::string::npos;
  if (!ids || slash == std::string::npos) return;
  int64_t most = threads ? std::min(*ids, *threads) : *ids;
  out[EvictionSignal::kPidAvailable] = {most - std::strtoll(load->c_str() + slash + 1, nullptr, 10), most};
}

// What the cgroup cannot give back at once, v1 and v2.
std::optional<int64_t> working_set(const std::string& cgroup) {
  for (const std::string& dir : cgroup_dirs(cgroup)) {
    std::optional<int64_t> used = number_in(dir + "/memory.usage_in_bytes");
    bool v2 = !used;
    if (v2) used = number_in(dir + "/memory.current");
    if (!used) continue;
    Result<std::string> stat = read_file(dir + "/memory.stat", 64 << 10);
    std::optional<int64_t> idle;
    if (stat.ok()) idle = field(*stat, v2 ? "inactive_file " : "total_inactive_file ");
    return std::max<int64_t>(0, *used - idle.value_or(0));
  }
  return std::nullopt;
}

PodUse sum_of_cgroups(const NodePaths& paths, PodUse use, ScarceResource resource) {
  const std::string& uid = use.pod->meta.uid;
  use.used = 0;  // one whose containers do not run uses nothing, and to evict it would free nothing
  for (const auto* list : {&as<Pod>(*use.pod).spec.init_containers, &as<Pod>(*use.pod).spec.containers}) {
    for (const Container& container : *list) {
      Result<std::vector<std::string>> attempts = list_dir(paths.containers(uid) + "/" + container.name);
      if (!attempts.ok()) continue;
      for (const std::string& attempt : *attempts) {
        ContainerKey key{uid, container.name, static_cast<uint32_t>(std::strtoul(attempt.c_str(), nullptr, 10))};
        std::string cgroup = paths.container_cgroup(key);
        std::optional<int64_t> used;
        if (resource == ScarceResource::kMemory) used = working_set(cgroup);
        else if (size_t count = cgroup_processes(cgroup).size()) used = static_cast<int64_t>(count);
        if (!used) continue;
        *use.used += *used;
        use.containers.push_back({container.name, *used});
      }
    }
  }
  return use;
}

PodUse sum_of_trees(const NodePaths& paths, PodUse use, ScarceResource resource) {
  StorageUsage found = measure_storage(paths, *use.pod);
  const std::string& uid = use.pod->meta.uid;
  if (resource == ScarceResource::kInodes) {
    use.used = static_cast<int64_t>(tree_entries(paths.containers(uid)) + tree_entries(paths.volumes(uid)));
    return use;
  }
  use.used = 0;
  for (const auto& [name, bytes] : found.volumes) *use.used += static_cast<int64_t>(bytes);
  for (const auto& [name, bytes] : found.containers) {
    *use.used += static_cast<int64_t>(bytes);
    use.containers.push_back({name, static_cast<int64_t>(bytes)});
  }
  return use;
}

}  // namespace

Supplies measure_supplies(const NodePaths& paths) {
  Supplies out;
  add_memory(out);
  add_disk(out, paths.data_dir, EvictionSignal::kNodefsAvailable, EvictionSignal::kNodefsInodesFree);
  add_disk(out, paths.images(), EvictionSignal::kImagefsAvailable, EvictionSignal::kImagefsInodesFree);
  add_processes(out);
  return out;
}

bool has_own_image_disk(const NodePaths& paths) {
  struct stat node, images;
  return stat(paths.data_dir.c_str(), &node) == 0 && stat(paths.images().c_str(), &images) == 0 &&
         node.st_dev != images.st_dev;
}

PodUse measure_pod_use(const NodePaths& paths, const ObjectPtr& pod, ScarceResource resource) {
  bool runs = resource == ScarceResource::kMemory || resource == ScarceResource::kPids;
  PodUse use{pod, std::nullopt, {}};
  return runs ? sum_of_cgroups(paths, std::move(use), resource) : sum_of_trees(paths, std::move(use), resource);
}

}  // namespace mainstay
