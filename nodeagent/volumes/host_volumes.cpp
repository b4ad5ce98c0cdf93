#include "nodeagent/volumes/host_volumes.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "nodeagent/disk.h"
#include "nodeagent/volumes/file_tree.h"

namespace mainstay {
namespace {

// Room for a volume of files twice (old and new while they are swapped) and the tmpfs's own needs.
uint64_t files_size(const std::vector<VolumeFile>& files) {
  uint64_t bytes = 1 << 20;
  for (const VolumeFile& file : files) bytes += 2 * (file.bytes.size() + 8192);
  return std::max<uint64_t>(bytes, 8 << 20);
}

Status mount_tmpfs(const std::string& path, const std::string& options, unsigned long flags) {
  RETURN_IF_ERROR(make_dirs(path, 0755));
  // Mounted on an earlier call: the size may have to change, the content stays.
  if (is_tmpfs_mount(path)) flags |= MS_REMOUNT;
  if (mount("tmpfs", path.c_str(), "tmpfs", flags, options.c_str()) != 0)
    return errno_error("mounting " + path, errno);
  return {};
}

std::string mode_text(const VolumeSpec& volume, bool memory) {
  std::string out = volume.fs_group ? "mode=2777,gid=" + std::to_string(*volume.fs_group) : "mode=0777";
  if (memory && volume.size_limit > 0) out += ",size=" + std::to_string(volume.size_limit);
  return out;
}

// A directory that appears with its owner and mode, or not at all.
Status make_empty_dir(const std::string& path, std::optional<int64_t> group) {
  if (path_exists(path)) return {};
  std::string fresh = path + ".new";
  RETURN_IF_ERROR(remove_tree(fresh));
  RETURN_IF_ERROR(make_dirs(fresh, 0777));
  if (group && chown(fresh.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*group)) != 0) {
    return errno_error("setting the group of " + path, errno);
  }
  if (chmod(fresh.c_str(), group ? 02777 : 0777) != 0)
    return errno_error("setting the mode of " + path, errno);
  if (rename(fresh.c_str(), path.c_str()) != 0) return errno_error("renaming to " + path, errno);
  return {};
}

bool type_matches(const std::string& type, mode_t mode) {
  if (type == "Directory" || type == "DirectoryOrCreate") return S_ISDIR(mode);
  if (type == "File" || type == "FileOrCreate") return S_ISREG(mode);
  if (type == "Socket") return S_ISSOCK(mode);
  if (type == "CharDevice") return S_ISCHR(mode);
  if (type == "BlockDevice") return S_ISBLK(mode);
  return true;
}

// In the kubelet's words, which do not tell what is missing from what is something else.
Error wrong_type(const std::string& path, std::string_view type) {
  std::string_view noun = type.starts_with("Directory") ? "directory"
                          : type.starts_with("File")    ? "file"
                          : type == "Socket"            ? "socket file"
                          : type == "CharDevice"        ? "character device"
                                                        : "block device";
  return error(ErrorCode::kInvalid, "hostPath type check failed: " + path + " is not a " + std::string(noun));
}

Result<std::string> prepare_host_path(const VolumeSpec& volume) {
  const std::string& path = volume.host_path;
  const std::string& type = volume.host_path_type;
  static constexpr std::string_view kTypes[] = {"", "DirectoryOrCreate", "Directory", "FileOrCreate", "File",
                                                "Socket", "CharDevice", "BlockDevice"};
  if (std::find(std::begin(kTypes), std::end(kTypes), type) == std::end(kTypes)) {
    return error(ErrorCode::kInvalid, "hostPath type '" + type + "' does not exist");
  }
  bool plain = !path.empty() && path[0] == '/' && path.find('\0') == std::string::npos;
  if (!plain || (path + "/").find("/../") != std::string::npos) {
    return error(ErrorCode::kInvalid, "hostPath '" + path + "' must be absolute and without '..'");
  }
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    if (type_matches(type, info.st_mode)) return path;
    return wrong_type(path, type);
  }
  if (errno != ENOENT) return errno_error("looking at hostPath " + path, errno);
  // With no type Kubernetes leaves it to the runtime, and containerd makes a directory.
  if (type.empty() || type == "DirectoryOrCreate") {
    RETURN_IF_ERROR(make_dirs(path, 0755));
    return path;
  }
  if (type == "FileOrCreate") {
    Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!fd.open()) return errno_error("creating hostPath " + path, errno);
    return path;
  }
  return wrong_type(path, type);
}

Status check_sub_path(const std::string& path) {
  bool bad = path.empty() || path[0] == '/' || path.size() > 4096 || path.find('\0') != std::string::npos ||
             ("/" + path + "/").find("/../") != std::string::npos;
  if (bad)
    return error(ErrorCode::kInvalid,
                 "subPath '" + path.substr(0, 300) + "' must be relative and without '..'");
  return {};
}

// Opens what the sub path names; makes missing directories with the volume's own mode where allowed.
Result<Fd> open_sub_path(const std::string& root_path, const std::string& path, bool create) {
  Fd root(open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info;
  if (!root.open() || fstat(root.get(), &info) != 0) return errno_error("opening volume " + root_path, errno);
  for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
    std::string prefix = path.substr(0, end);
    auto found = open_beneath(root.get(), prefix, O_PATH);
    bool missing = !found.ok() && found.error().code == ErrorCode::kNotFound;
    if (missing && create) {
      size_t slash = prefix.rfind('/');
      std::string above = slash == std::string::npos ? "." : prefix.substr(0, slash);
      std::string name = slash == std::string::npos ? prefix : prefix.substr(slash + 1);
      ASSIGN_OR_RETURN(Fd parent, open_beneath(root.get(), above, O_RDONLY | O_DIRECTORY));
      if (mkdirat(parent.get(), name.c_str(), 0755) != 0 && errno != EEXIST)
        return errno_error("making " + prefix, errno);
      if (fchmodat(parent.get(), name.c_str(), info.st_mode & 07777, 0) != 0 ||
          fchownat(parent.get(), name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno_error("setting the mode of " + prefix, errno);
      }
      found = open_beneath(root.get(), prefix, O_PATH);
    }
    if (!found.ok()) return error(ErrorCode::kInvalid, "subPath '" + path + "': " + found.error().message);
    if (end == std::string::npos) return found;
  }
}

// Binds what `source` is open on to `target`, which becomes a directory or a file to match.
Status pin_sub_path(const Fd& source, const std::string& target) {
  struct stat wanted, present;
  if (fstat(source.get(), &wanted) != 0) return errno_error("looking at a subPath", errno);
  bool same = stat(target.c_str(), &present) == 0 && present.st_dev == wanted.st_dev &&
              present.st_ino == wanted.st_ino;
  if (same) return {};
  RETURN_IF_ERROR(remove_tree(target));
  if (S_ISDIR(wanted.st_mode)) {
    RETURN_IF_ERROR(make_dirs(target, 0755));
  } else {
    RETURN_IF_ERROR(write_file(target, "", 0644));
  }
  std::string from = "/proc/self/fd/" + std::to_string(source.get());
  if (mount(from.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return errno_error("binding " + target, errno);
  return {};
}

// In place, because running containers have the inode mounted.
Status rewrite_file(const std::string& path, const std::string& bytes) {
  auto present = read_file(path);
  if (present.ok() && *present == bytes) return {};
  Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.open()) return errno_error("opening " + path, errno);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t put = pwrite(fd.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error("writing " + path, errno);
    done += static_cast<size_t>(put);
  }
  if (ftruncate(fd.get(), static_cast<off_t>(bytes.size())) != 0)
    return errno_error("writing " + path, errno);
  return {};
}

class HostVolumes : public Volumes {
 public:
  explicit HostVolumes(NodePaths paths) : paths_(std::move(paths)) {}

  Result<std::string> prepare(const std::string& uid, const VolumeSpec& volume) override {
    RETURN_IF_ERROR(check_uid(uid));
    if (!safe_name(volume.name))
      return error(ErrorCode::kInvalid, "volume name '" + volume.name + "' is not a DNS label");
    if (volume.kind == VolumeSpec::Kind::kHostPath) return prepare_host_path(volume);
    std::string path = paths_.volumes(uid) + "/" + volume.name;
    RETURN_IF_ERROR(make_dirs(paths_.volumes(uid), 0755));
    if (volume.kind == VolumeSpec::Kind::kEmptyDir) {
      RETURN_IF_ERROR(make_empty_dir(path, volume.fs_group));
    } else if (volume.kind == VolumeSpec::Kind::kMemory) {
      if (!is_tmpfs_mount(path)) RETURN_IF_ERROR(mount_tmpfs(path, mode_text(volume, true), 0));
    } else {
      RETURN_IF_ERROR(check_tree_paths(volume.files));
      RETURN_IF_ERROR(mount_tmpfs(path, "mode=0755,size=" + std::to_string(files_size(volume.files)),
                                  MS_NOSUID | MS_NODEV | MS_NOEXEC));
      RETURN_IF_ERROR(write_file_tree(path, volume.files, volume.fs_group));
    }
    return path;
  }

  Result<std::string> sub_path(const std::string& uid, const VolumeSpec& volume, const std::string& sub_path,
                               const std::string& slot) override {
    RETURN_IF_ERROR(check_sub_path(sub_path));
    if (!safe_name(slot)) return error(ErrorCode::kInvalid, "slot '" + slot + "' is not a plain name");
    ASSIGN_OR_RETURN(std::string root, prepare(uid, volume));
    // A key that a ConfigMap does not have is a mistake, not a directory to make.
    bool create = volume.kind != VolumeSpec::Kind::kFiles;
    ASSIGN_OR_RETURN(Fd source, open_sub_path(root, sub_path, create));
    RETURN_IF_ERROR(make_dirs(paths_.sub_paths(uid), 0755));
    std::string target = paths_.sub_paths(uid) + "/" + slot;
    RETURN_IF_ERROR(pin_sub_path(source, target));
    return target;
  }

  Result<std::string> write_etc(const std::string& uid, const EtcFiles& files) override {
    RETURN_IF_ERROR(check_uid(uid));
    std::string dir = paths_.etc(uid);
    RETURN_IF_ERROR(make_dirs(dir, 0755));
    RETURN_IF_ERROR(rewrite_file(dir + "/hosts", files.hosts));
    RETURN_IF_ERROR(rewrite_file(dir + "/resolv.conf", files.resolv_conf));
    RETURN_IF_ERROR(rewrite_file(dir + "/hostname", files.hostname));
    return dir;
  }

  Status remove(const std::string& uid) override {
    RETURN_IF_ERROR(check_uid(uid));
    // The binds first: what they show may lie in one of the volumes, or on the node.
    RETURN_IF_ERROR(remove_tree(paths_.sub_paths(uid)));
    RETURN_IF_ERROR(remove_tree(paths_.volumes(uid)));
    RETURN_IF_ERROR(remove_tree(paths_.etc(uid)));
    rmdir(paths_.pod(uid).c_str());  // stays while the runtime has something there
    return {};
  }

  Result<std::vector<std::string>> list() override {
    std::vector<std::string> out;
    ASSIGN_OR_RETURN(auto uids, list_dir(paths_.pods()));
    for (const std::string& uid : uids) {
      bool any = path_exists(paths_.volumes(uid)) || path_exists(paths_.sub_paths(uid)) ||
                 path_exists(paths_.etc(uid));
      if (any && check_uid(uid).ok()) out.push_back(uid);
    }
    return out;
  }

 private:
  const NodePaths paths_;
};

}  // namespace

Result<std::unique_ptr<Volumes>> open_host_volumes(const NodePaths& paths) {
  ASSIGN_OR_RETURN(NodePaths complete, make_roots(paths));
  RETURN_IF_ERROR(make_dirs(complete.pods(), 0755));
  return std::unique_ptr<Volumes>(std::make_unique<HostVolumes>(std::move(complete)));
}

}  // namespace mainstay
