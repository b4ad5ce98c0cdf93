// Volumes with real mounts: what is in them, that they change as a whole, that nothing outside is touched.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "nodeagent/disk.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/volumes/etc_files.h"
#include "nodeagent/volumes/file_tree.h"
#include "nodeagent/volumes/host_volumes.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

struct VolumeNode {
  VolumeNode() {
    paths.data_dir = temp.path() + "/data";
    paths.run_dir = temp.path() + "/run";
    auto opened = open_host_volumes(paths);
    REQUIRE_OK(opened);
    volumes = std::move(*opened);
  }
  TempDir temp;
  NodePaths paths;
  std::unique_ptr<Volumes> volumes;
};

mode_t mode_of(const std::string& path) {
  struct stat info;
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

gid_t group_of(const std::string& path) {
  struct stat info;
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_gid;
}

VolumeSpec files_volume(std::vector<VolumeFile> files) {
  VolumeSpec volume;
  volume.name = "config";
  volume.kind = VolumeSpec::Kind::kFiles;
  volume.files = std::move(files);
  return volume;
}

#define NEEDS_ROOT()                               \
  do {                                             \
    if (geteuid() != 0) {                          \
      WARN("SKIPPED: mounting volumes needs root"); \
      return;                                      \
    }                                              \
  } while (false)

}  // namespace

TEST_CASE("emptyDir volumes, on disk and in memory", "[edge][volumes]") {
  NEEDS_ROOT();
  VolumeNode node;
  VolumeSpec disk;
  disk.name = "scratch";
  auto path = node.volumes->prepare("pod-1", disk);
  REQUIRE_OK(path);
  CHECK(mode_of(*path) == 0777);
  REQUIRE_OK(write_file(*path + "/kept", "x", 0644));
  REQUIRE_OK(node.volumes->prepare("pod-1", disk));
  CHECK(path_exists(*path + "/kept"));

  VolumeSpec grouped = disk;
  grouped.name = "grouped";
  grouped.fs_group = 2000;
  auto group_path = node.volumes->prepare("pod-1", grouped);
  REQUIRE_OK(group_path);
  CHECK(mode_of(*group_path) == 02777);
  CHECK(group_of(*group_path) == 2000);

  VolumeSpec memory;
  memory.name = "fast";
  memory.kind = VolumeSpec::Kind::kMemory;
  memory.size_limit = 1 << 20;
  auto fast = node.volumes->prepare("pod-1", memory);
  REQUIRE_OK(fast);
  CHECK(is_tmpfs_mount(*fast));
  CHECK_FALSE(write_file(*fast + "/big", std::string(2 << 20, 'x'), 0644).ok());
  REQUIRE_OK(node.volumes->prepare("pod-1", memory));
  CHECK(mounts_below(*fast).size() == 1);

  CHECK(node.volumes->list().value() == std::vector<std::string>{"pod-1"});
  REQUIRE_OK(node.volumes->remove("pod-1"));
  REQUIRE_OK(node.volumes->remove("pod-1"));
  CHECK(leftovers(node.paths, "pod-1").empty());
  disk.name = "../up";
  CHECK(node.volumes->prepare("pod-1", disk).error().code == ErrorCode::kInvalid);
}

TEST_CASE("file volumes change as a whole and live on tmpfs", "[edge][volumes]") {
  NEEDS_ROOT();
  VolumeNode node;
  auto path = node.volumes->prepare(
      "pod-1", files_volume({{"a", "one", 0644}, {"dir/b", "two", 0400}, {"old", "x", 0644}}));
  REQUIRE_OK(path);
  CHECK(is_tmpfs_mount(*path));
  CHECK(read_file(*path + "/a").value() == "one");
  CHECK(read_file(*path + "/dir/b").value() == "two");
  CHECK(mode_of(*path + "/dir/b") == 0400);
  // A reader that holds the old directory open keeps the old files together.
  Fd old(open((*path + "/..data/a").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE_OK(node.volumes->prepare("pod-1", files_volume({{"a", "ONE", 0644}, {"dir/b", "TWO", 0400}})));
  CHECK(read_file(*path + "/a").value() == "ONE");
  CHECK(read_file(*path + "/dir/b").value() == "TWO");
  CHECK_FALSE(path_exists(*path + "/old"));
  CHECK(list_dir(*path).value().size() == 4);  // ..data, one payload, a, dir
  REQUIRE_OK(node.volumes->prepare("pod-1", files_volume({})));
  CHECK(list_dir(*path).value().size() == 2);
  VolumeSpec secret = files_volume({{"token", "s", 0400}});
  secret.fs_group = 2000;
  REQUIRE_OK(node.volumes->prepare("pod-1", secret));
  CHECK(mode_of(*path + "/token") == 0440);
  CHECK(group_of(*path + "/token") == 2000);
  for (const char* bad : {"", "/abs", "../up", "a/../b", "..data", "a//b", "a/"}) {
    INFO("path " << bad);
    CHECK(node.volumes->prepare("pod-1", files_volume({{bad, "x", 0644}})).error().code ==
          ErrorCode::kInvalid);
  }
  REQUIRE_OK(node.volumes->remove("pod-1"));
  CHECK(leftovers(node.paths, "pod-1").empty());
}

TEST_CASE("file volumes killed while they change are whole again", "[edge][volumes][crash]") {
  NEEDS_ROOT();
  VolumeNode node;
  std::vector<VolumeFile> files;
  for (int i = 0; i < 200; ++i) files.push_back({"file-" + std::to_string(i), std::string(2000, 'x'), 0644});
  for (int delay_ms : {0, 1, 2, 3, 5, 8, 12}) {
    for (VolumeFile& file : files) file.bytes += std::to_string(delay_ms);
    kill_after(delay_ms, [&] { (void)node.volumes->prepare("pod-1", files_volume(files)); });
    auto path = node.volumes->prepare("pod-1", files_volume(files));
    REQUIRE_OK(path);
    CHECK(list_dir(*path).value().size() == 202);
    CHECK(mounts_below(*path).size() == 1);
    CHECK(read_file(*path + "/file-199").value() == files[199].bytes);
  }
  kill_after(1, [&] { (void)node.volumes->remove("pod-1"); });
  REQUIRE_OK(node.volumes->remove("pod-1"));
  CHECK(leftovers(node.paths, "pod-1").empty());
}

TEST_CASE("hostPath volumes are checked as Kubernetes does and never removed", "[edge][volumes]") {
  NEEDS_ROOT();
  VolumeNode node;
  std::string host = node.temp.path() + "/host";
  REQUIRE_OK(make_dirs(host));
  REQUIRE_OK(write_file(host + "/file", "x", 0644));
  auto prepare = [&](const std::string& path, const std::string& type) {
    VolumeSpec volume;
    volume.name = "host";
    volume.kind = VolumeSpec::Kind::kHostPath;
    volume.host_path = path;
    volume.host_path_type = type;
    return node.volumes->prepare("pod-1", volume);
  };
  CHECK(prepare(host, "Directory").value() == host);
  CHECK(prepare(host + "/file", "File").ok());
  CHECK(prepare("/dev/null", "CharDevice").ok());
  CHECK(prepare(host + "/file", "Directory").error().code == ErrorCode::kInvalid);
  CHECK(prepare(host, "Socket").error().message == "hostPath type check failed: " + host + " is not a socket file");
  CHECK(prepare(host + "/none", "Directory").error().message ==
        "hostPath type check failed: " + host + "/none is not a directory");
  CHECK(prepare(host, "Nonsense").error().code == ErrorCode::kInvalid);
  CHECK(prepare("relative", "").error().code == ErrorCode::kInvalid);
  CHECK(prepare(host + "/../up", "").error().code == ErrorCode::kInvalid);
  CHECK(prepare(host + "/made/deep", "DirectoryOrCreate").ok());
  CHECK(mode_of(host + "/made/deep") == 0755);
  CHECK(prepare(host + "/made/file", "FileOrCreate").ok());
  CHECK(mode_of(host + "/made/file") == 0644);
  CHECK(prepare(host + "/plain", "").ok());
  REQUIRE_OK(node.volumes->remove("pod-1"));
  CHECK(path_exists(host + "/file"));
}

TEST_CASE("sub paths stay inside their volume", "[edge][volumes]") {
  NEEDS_ROOT();
  VolumeNode node;
  std::string outside = node.temp.path() + "/outside";
  REQUIRE_OK(make_dirs(outside));
  REQUIRE_OK(write_file(outside + "/secret", "keep out", 0644));
  VolumeSpec volume;
  volume.name = "data";
  auto path = node.volumes->prepare("pod-1", volume);
  REQUIRE_OK(path);
  auto made = node.volumes->sub_path("pod-1", volume, "a/b", "web-0");
  REQUIRE_OK(made);
  REQUIRE_OK(write_file(*made + "/x", "in", 0644));
  CHECK(read_file(*path + "/a/b/x").value() == "in");
  CHECK(mode_of(*path + "/a/b") == 0777);
  REQUIRE_OK(node.volumes->sub_path("pod-1", volume, "a/b", "web-0"));
  CHECK(mounts_below(*made).size() == 1);

  REQUIRE(symlink(outside.c_str(), (*path + "/absolute").c_str()) == 0);
  REQUIRE(symlink("../../../../../..", (*path + "/up").c_str()) == 0);
  for (const char* bad : {"absolute", "absolute/secret", "up", "up/etc", "..", "a/../..", "/etc", ""}) {
    INFO("sub path " << bad);
    CHECK(node.volumes->sub_path("pod-1", volume, bad, "web-1").error().code == ErrorCode::kInvalid);
  }

  VolumeSpec files = files_volume({{"key", "value", 0644}});
  auto key = node.volumes->sub_path("pod-1", files, "key", "web-2");
  REQUIRE_OK(key);
  CHECK(read_file(*key).value() == "value");
  CHECK(node.volumes->sub_path("pod-1", files, "absent", "web-3").error().code == ErrorCode::kInvalid);

  VolumeSpec host;
  host.name = "host";
  host.kind = VolumeSpec::Kind::kHostPath;
  host.host_path = outside;
  REQUIRE_OK(node.volumes->sub_path("pod-1", host, "inner", "web-4"));
  REQUIRE_OK(node.volumes->remove("pod-1"));
  CHECK(leftovers(node.paths, "pod-1").empty());
  CHECK(read_file(outside + "/secret").value() == "keep out");
  CHECK(path_exists(outside + "/inner"));
}

TEST_CASE("the pod's files in /etc keep their inode", "[edge][volumes]") {
  NEEDS_ROOT();
  VolumeNode node;
  auto dir = node.volumes->write_etc("pod-1", {"long first text\n", "r", "h"});
  REQUIRE_OK(dir);
  struct stat before, after;
  REQUIRE(stat((*dir + "/hosts").c_str(), &before) == 0);
  REQUIRE_OK(node.volumes->write_etc("pod-1", {"short\n", "r", "h"}));
  REQUIRE(stat((*dir + "/hosts").c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
  CHECK(read_file(*dir + "/hosts").value() == "short\n");
  REQUIRE_OK(node.volumes->remove("pod-1"));
}

TEST_CASE("trees are removed however deep, and mounts in them are not entered", "[edge][volumes]") {
  NEEDS_ROOT();
  TempDir temp;
  std::string top = temp.path() + "/top";
  REQUIRE_OK(make_dirs(top));
  Fd at(open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 3000; ++depth) {  // far beyond PATH_MAX
    REQUIRE(mkdirat(at.get(), "directory", 0755) == 0);
    at = Fd(openat(at.get(), "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  REQUIRE(symlink("/etc", (top + "/link").c_str()) == 0);
  REQUIRE_OK(remove_tree(top));
  CHECK_FALSE(path_exists(top));
  CHECK(path_exists("/etc/passwd"));
}
