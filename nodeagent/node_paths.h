// Where the agent keeps things on its node. Two roots: `data_dir` outlives a reboot (images, writable layers,
// logs, volumes), `run_dir` does not and should be a tmpfs (namespaces, container configurations, which hold
// secrets from the environment, addresses). Agents with different roots and cgroup names do not meet.
#pragma once

#include <string>
#include <string_view>

#include "nodeagent/doors.h"

namespace mainstay {

struct NodePaths {
  std::string data_dir;                 // absolute
  std::string run_dir;                  // absolute
  std::string cgroup = "mainstay";      // name of the cgroup that holds the pods' cgroups

  std::string images() const { return data_dir + "/images"; }
  std::string layers() const { return data_dir + "/images/layers"; }

  std::string seccomp_profiles() const { return data_dir + "/seccomp"; }  // the administrator's

  std::string pods() const { return data_dir + "/pods"; }
  std::string pod(const std::string& uid) const { return pods() + "/" + uid; }
  std::string sandbox_record(const std::string& uid) const { return pod(uid) + "/sandbox.json"; }
  std::string containers(const std::string& uid) const { return pod(uid) + "/containers"; }
  std::string container(const ContainerKey& key) const;  // record, upper and work directory, exit code
  std::string log(const ContainerKey& key) const;
  std::string volumes(const std::string& uid) const { return pod(uid) + "/volumes"; }
  std::string sub_paths(const std::string& uid) const { return pod(uid) + "/subpaths"; }
  std::string etc(const std::string& uid) const { return pod(uid) + "/etc"; }

  std::string namespaces() const { return run_dir + "/ns"; }
  std::string namespaces(const std::string& uid) const { return namespaces() + "/" + uid; }
  std::string netns_dir() const { return run_dir + "/netns"; }
  std::string netns(const std::string& uid) const { return netns_dir() + "/" + uid; }
  std::string network_records() const { return run_dir + "/net"; }
  std::string network_record(const std::string& uid) const { return network_records() + "/" + uid + ".json"; }
  std::string addresses() const { return run_dir + "/ipam"; }
  std::string bundles() const { return run_dir + "/bundles"; }
  std::string bundle(const ContainerKey& key) const;
  std::string runtime_root() const { return run_dir + "/oci"; }
  std::string exits() const { return run_dir + "/exits"; }

  // "/mainstay/<uid>" and "/mainstay/<uid>/<id>", below each cgroup hierarchy.
  std::string pod_cgroup(const std::string& uid) const { return "/" + cgroup + "/" + uid; }
  std::string container_cgroup(const ContainerKey& key) const;
};

// The container's name to the OCI runtime; unique on the node, readable in `ps`.
std::string container_id(const ContainerKey& key);

// Whether the roots can be used: absolute, plain characters (overlayfs has its own idea of ',' and ':').
Status check_paths(const NodePaths& paths);

// Checks the roots, makes them, and returns them with every link resolved (mount points are known by such
// paths only).
Result<NodePaths> make_roots(NodePaths paths);

// Letters, digits, '-', '.', '_'; 1 to 63 bytes; does not begin with '.': safe as one component of a path.
bool safe_name(std::string_view name);
Status check_uid(const std::string& uid);
Status check_key(const ContainerKey& key);

}  // namespace mainstay
