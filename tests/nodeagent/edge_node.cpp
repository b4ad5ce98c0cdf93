#include "tests/nodeagent/edge_node.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/log_file.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/namespaces.h"

namespace mainstay::test {

std::string why_no_containers() {
  if (geteuid() != 0) return "real containers need root";
  if (find_program("conmon").empty()) return "conmon is not installed";
  if (find_program("runc").empty() && find_program("crun").empty())
    return "neither runc nor crun is installed";
  if (find_program("busybox").empty()) return "busybox (package busybox-static) is not installed";
  return "";
}

OciRuntimeOptions EdgeNode::options() const {
  OciRuntimeOptions out;
  out.paths = paths_;
  out.oci_runtime = oci_runtime_;
  if (log_limit_ > 0) out.log_limit = log_limit_;
  return out;
}

EdgeNode::EdgeNode(EdgeNodeOptions how)
    : oci_runtime_(std::move(how.oci_runtime)), log_limit_(how.log_limit) {
  static std::atomic<int> number{0};
  char name[] = "/tmp/mainstay-edge-XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  dir_ = name;
  paths_.data_dir = dir_ + "/data";
  paths_.run_dir = dir_ + "/run";
  if (how.disk_bytes != 0) {
    REQUIRE_OK(make_dirs(paths_.data_dir, 0700));
    std::string size = "mode=0700,size=" + std::to_string(how.disk_bytes);
    REQUIRE(mount("tmpfs", paths_.data_dir.c_str(), "tmpfs", 0, size.c_str()) == 0);
  }
  paths_.cgroup = "mainstay-test-" + std::to_string(getpid()) + "-" + std::to_string(number++);
  auto opened = open_oci_runtime(options());
  REQUIRE_OK(opened);
  runtime_ = std::move(opened->runtime);
  notes_ = opened->notes;
}

EdgeNode::~EdgeNode() {
  auto list = runtime_->list();
  if (list.ok()) {
    for (const RuntimeSandbox& sandbox : list->sandboxes) remove_pod(sandbox.spec.uid);
  }
  CHECK(mounts_below(paths_.run_dir + "/bundles").empty());
  Status cgroup = remove_cgroup("/" + paths_.cgroup);
  CHECK(cgroup.ok());
  Status tree = remove_tree(dir_);
  CHECK(tree.ok());
}

std::unique_ptr<Runtime> EdgeNode::reopen() {
  auto opened = open_oci_runtime(options());
  REQUIRE_OK(opened);
  return std::move(opened->runtime);
}

Image EdgeNode::image() {
  Image image;
  image.name = "localhost/test/busybox:v1";
  image.id = "sha256:0123";
  image.digest = "sha256:4567";
  image.config.env = {"FROM_IMAGE=yes", "BOTH=image"};
  image.layers = {"busybox"};
  std::string layer = paths_.layers() + "/busybox";
  if (path_exists(layer)) return image;
  for (const char* dir : {"/bin", "/etc", "/tmp"}) REQUIRE_OK(make_dirs(layer + dir));
  auto busybox = read_file(find_program("busybox"), 16 << 20);
  REQUIRE_OK(busybox);
  REQUIRE_OK(write_file(layer + "/bin/busybox", *busybox, 0755));
  for (const char* applet :
       {"sh", "sleep", "cat", "id", "ls", "hostname", "dd", "head", "tail", "grep", "touch", "tr"}) {
    REQUIRE(symlink("busybox", (layer + "/bin/" + applet).c_str()) == 0);
  }
  REQUIRE_OK(write_file(layer + "/etc/passwd",
                        "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/sh\n", 0644));
  REQUIRE_OK(write_file(layer + "/etc/group", "root:x:0:\nweb:x:34:\nlogs:x:40:web\n", 0644));
  return image;
}

std::string EdgeNode::make_pod() {
  SandboxSpec spec;
  spec.uid = "pod-" + std::to_string(getpid()) + "-" + std::to_string(pods_++);
  spec.ns = "default";
  spec.name = "web";
  spec.number = 7;
  spec.hostname = "web-host";
  spec.netns = paths_.netns(spec.uid);
  REQUIRE_OK(make_dirs(paths_.netns_dir(), 0700));
  REQUIRE_OK(pin_namespaces({{NamespaceKind::kNet, spec.netns}}, ""));
  REQUIRE_OK(runtime_->make_sandbox(spec));
  return spec.uid;
}

ContainerSpec EdgeNode::container(const std::string& uid, const std::string& script, uint32_t attempt) {
  ContainerSpec spec;
  spec.key = {uid, "main", attempt};
  spec.number = 7;
  spec.note = "hash";
  spec.image = image();
  spec.command = {"/bin/sh", "-c", script};
  return spec;
}

void EdgeNode::remove_pod(const std::string& uid) {
  Status removed = runtime_->remove_sandbox(uid);
  if (!removed.ok()) FAIL_CHECK(removed.error().message);
  Status unpinned = unpin_namespace(paths_.netns(uid));
  CHECK(unpinned.ok());
}

ProcessStatus wait_until_exited(Runtime& runtime, const ContainerKey& key) {
  ProcessStatus last;
  bool exited = eventually([&] {
    auto status = runtime.status(key);
    if (!status.ok()) return false;
    last = status->status;
    return last.state == ProcessStatus::State::kExited;
  });
  CHECK(exited);
  return last;
}

std::string log_text(Runtime& runtime, const ContainerKey& key) {
  auto path = runtime.log_path(key);
  REQUIRE_OK(path);
  auto chunk = read_log(*path, {});
  return chunk.ok() ? render_log(chunk->lines, false) : "";
}

void sleep_ms(int milliseconds) { usleep(static_cast<useconds_t>(milliseconds) * 1000); }

}  // namespace mainstay::test
