#include "nodeagent/node_paths.h"

#include <cctype>

#include "nodeagent/disk.h"

namespace mainstay {

std::string container_id(const ContainerKey& key) {
  return key.uid + "_" + key.container + "_" + std::to_string(key.attempt);
}

std::string NodePaths::container(const ContainerKey& key) const {
  return containers(key.uid) + "/" + key.container + "/" + std::to_string(key.attempt);
}

std::string NodePaths::log(const ContainerKey& key) const {
  return pod(key.uid) + "/logs/" + key.container + "/" + std::to_string(key.attempt) + ".log";
}

std::string NodePaths::bundle(const ContainerKey& key) const { return bundles() + "/" + container_id(key); }

std::string NodePaths::container_cgroup(const ContainerKey& key) const {
  return pod_cgroup(key.uid) + "/" + container_id(key);
}

Result<NodePaths> make_roots(NodePaths paths) {
  RETURN_IF_ERROR(check_paths(paths));
  RETURN_IF_ERROR(make_dirs(paths.data_dir, 0755));
  RETURN_IF_ERROR(make_dirs(paths.run_dir, 0700));
  ASSIGN_OR_RETURN(paths.data_dir, real_path(paths.data_dir));
  ASSIGN_OR_RETURN(paths.run_dir, real_path(paths.run_dir));
  RETURN_IF_ERROR(check_paths(paths));
  return paths;
}

bool safe_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || name[0] == '.') return false;
  for (char c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_') return false;
  }
  return true;
}

Status check_paths(const NodePaths& paths) {
  for (const std::string& path : {paths.data_dir, paths.run_dir}) {
    if (path.size() < 2 || path[0] != '/' || path.back() == '/') {
      return error(ErrorCode::kInvalid,
                   "directory '" + path + "' must be an absolute path without '/' at its end");
    }
    if (path.size() > 200)
      return error(ErrorCode::kInvalid, "directory '" + path + "' is longer than 200 bytes");
    for (char c : path) {
      if (!std::isalnum(static_cast<unsigned char>(c)) &&
          std::string_view("/-._+").find(c) == std::string_view::npos) {
        return error(ErrorCode::kInvalid, "directory '" + path + "': use letters, digits and -._+ only");
      }
    }
  }
  if (!safe_name(paths.cgroup))
    return error(ErrorCode::kInvalid, "cgroup name '" + paths.cgroup + "' is not plain");
  return {};
}

Status check_uid(const std::string& uid) {
  // '_' separates the parts of a container id.
  if (safe_name(uid) && uid.find('_') == std::string::npos) return {};
  return error(ErrorCode::kInvalid, "pod uid '" + uid + "' is not plain letters, digits, '-' and '.'");
}

Status check_key(const ContainerKey& key) {
  RETURN_IF_ERROR(check_uid(key.uid));
  if (safe_name(key.container) && key.container.find('_') == std::string::npos) return {};
  return error(ErrorCode::kInvalid, "container name '" + key.container + "' is not a DNS label");
}

}  // namespace mainstay
