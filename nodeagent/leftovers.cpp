#include "nodeagent/leftovers.h"

#include "nodeagent/disk.h"
#include "nodeagent/runtime/cgroup.h"

namespace mainstay {
namespace {

void add_entries(const std::string& dir, const std::string& prefix, const std::string& what,
                 std::vector<std::string>& out) {
  auto names = list_dir(dir);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.starts_with(prefix)) out.push_back(what + " " + dir + "/" + name);
  }
}

}  // namespace

std::vector<std::string> leftovers(const NodePaths& paths, const std::string& uid) {
  std::vector<std::string> out;
  for (const std::string& root : {paths.data_dir, paths.run_dir}) {
    for (const std::string& point : mounts_below(root)) {
      bool of_pod = (point + "/").find("/" + uid + "/") != std::string::npos ||
                    point.find("/" + uid + "_") != std::string::npos;
      if (of_pod) out.push_back("mount " + point);
    }
  }
  if (path_exists(paths.netns(uid))) out.push_back("network namespace " + paths.netns(uid));
  if (path_exists(paths.namespaces(uid))) out.push_back("namespaces " + paths.namespaces(uid));
  add_entries(paths.network_records(), uid + ".json", "network record", out);
  for (const std::string& dir : cgroup_dirs(paths.pod_cgroup(uid))) out.push_back("cgroup " + dir);
  if (auto names = list_dir("/sys/class/net"); names.ok()) {
    for (const std::string& name : *names) {
      auto alias = read_file("/sys/class/net/" + name + "/ifalias", 4096);
      if (alias.ok() && *alias == "mainstay:" + uid + "\n") out.push_back("interface " + name);
    }
  }
  std::string addresses =
      paths.addresses() + "/pods";  // host-local: a file per address, its first line the pod
  if (auto names = list_dir(addresses); names.ok()) {
    for (const std::string& name : *names) {
      auto owner = read_file(addresses + "/" + name, 4096);
      if (owner.ok() && owner->substr(0, owner->find_first_of("\r\n")) == uid)
        out.push_back("address " + name);
    }
  }
  add_entries(paths.bundles(), uid + "_", "bundle", out);
  add_entries(paths.runtime_root(), uid + "_", "runtime state", out);
  add_entries(paths.exits(), uid + "_", "exit file", out);
  if (path_exists(paths.pod(uid))) out.push_back("directory " + paths.pod(uid));
  return out;
}

}  // namespace mainstay
