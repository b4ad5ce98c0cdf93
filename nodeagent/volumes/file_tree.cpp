#include "nodeagent/volumes/file_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "nodeagent/disk.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

std::string first_component(const std::string& path) { return path.substr(0, path.find('/')); }

// Names the content: the same files give the same directory, so that a repetition finds its work done.
std::string payload_name(const std::vector<VolumeFile>& files, std::optional<int64_t> group) {
  std::string all = group ? std::to_string(*group) : "";
  for (const VolumeFile& file : files) {
    all +=
        '\0' + file.path + '\0' + std::to_string(file.mode) + '\0' + std::to_string(file.bytes.size()) + '\0';
    if (file.owner) all += std::to_string(*file.owner) + '\0';
    all += file.bytes;
  }
  return ".." + hex(sha256(all)).substr(0, 32);
}

std::string link_target(const std::string& path) {
  char buffer[4096];
  ssize_t size = readlink(path.c_str(), buffer, sizeof buffer);
  return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
}

Status write_payload(const std::string& payload, const std::vector<VolumeFile>& files,
                     std::optional<int64_t> group) {
  RETURN_IF_ERROR(remove_tree(payload));  // half of it, from a writer that was killed
  RETURN_IF_ERROR(make_dirs(payload, 0755));
  for (const VolumeFile& file : files) {
    std::string path = payload + "/" + file.path;
    RETURN_IF_ERROR(make_dirs(path.substr(0, path.rfind('/')), 0755));
    uint32_t mode = (file.mode & 0777) | (group ? 0440u : 0u);
    RETURN_IF_ERROR(write_file(path, file.bytes, mode));
    uid_t owner = static_cast<uid_t>(file.owner.value_or(0));
    gid_t owning_group = static_cast<gid_t>(group.value_or(0));
    if ((group || file.owner) && chown(path.c_str(), owner, owning_group) != 0)
      return errno_error("setting the owner of " + path, errno);
  }
  return {};
}

Status point_link(const std::string& link, const std::string& target) {
  if (link_target(link) == target) return {};
  std::string temporary = link + "_tmp";
  RETURN_IF_ERROR(remove_tree(temporary));
  if (symlink(target.c_str(), temporary.c_str()) != 0) return errno_error("linking " + temporary, errno);
  if (rename(temporary.c_str(), link.c_str()) != 0) return errno_error("renaming to " + link, errno);
  return {};
}

}  // namespace

Status check_tree_paths(const std::vector<VolumeFile>& files) {
  std::set<std::string> seen;
  for (const VolumeFile& file : files) {
    const std::string& path = file.path;
    bool bad = path.empty() || path[0] == '/' || path.back() == '/' || path.starts_with("..") ||
               path.size() > 4096 || path.find('\0') != std::string::npos ||
               path.find("//") != std::string::npos || ("/" + path + "/").find("/../") != std::string::npos ||
               ("/" + path + "/").find("/./") != std::string::npos;
    if (bad)
      return error(ErrorCode::kInvalid, "'" + path.substr(0, 300) + "' cannot be a file's path in a volume");
    if (!seen.insert(path).second)
      return error(ErrorCode::kInvalid, "path '" + path + "' stands twice in a volume");
  }
  return {};
}

Status write_file_tree(const std::string& directory, const std::vector<VolumeFile>& files,
                       std::optional<int64_t> group) {
  RETURN_IF_ERROR(check_tree_paths(files));
  std::string payload = payload_name(files, group);
  std::string data = directory + "/..data";
  if (link_target(data) != payload) {
    RETURN_IF_ERROR(write_payload(directory + "/" + payload, files, group));
    RETURN_IF_ERROR(point_link(data, payload));
  }
  std::set<std::string> names;
  for (const VolumeFile& file : files) names.insert(first_component(file.path));
  for (const std::string& name : names) RETURN_IF_ERROR(point_link(directory + "/" + name, "..data/" + name));
  // What the present tree does not need: links of files that are gone, older payloads, temporary links.
  ASSIGN_OR_RETURN(auto present, list_dir(directory));
  for (const std::string& name : present) {
    if (name == "..data" || name == payload || names.contains(name)) continue;
    bool ours = name.starts_with("..") || link_target(directory + "/" + name).starts_with("..data/");
    if (ours) RETURN_IF_ERROR(remove_tree(directory + "/" + name));
  }
  return {};
}

}  // namespace mainstay
