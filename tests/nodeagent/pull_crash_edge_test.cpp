// Pulls that are killed at any of their system calls or at any instant, or find the disk full: nothing is leaked,
// nothing half there is taken for whole, and the next pull works.
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <signal.h>

#include <catch2/catch.hpp>
#include <new>

#include "nodeagent/disk.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/process.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "tests/nodeagent/crash_point.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

struct Pulls {
  TempDir temp;
  TestRegistry registry{temp.path() + "/registry", "user", "pass-word-7"};
  std::string auth = base64("user:pass-word-7");
  PullRequest request;
  CrashPoint* point;  // in memory shared with the children

  Pulls() {
    std::string host = "127.0.0.1:" + std::to_string(registry.port());
    skopeo({"copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", "user:pass-word-7",
            "oci-archive:" + pack_example_images(temp.path()) + "/web-v1.tar", "docker://" + host + "/team/web:v1"});
    request.ref = host + "/team/web:v1";
    request.auth_configs = {R"({"auths":{")" + host + R"(":{"auth":")" + auth + R"("}}})"};
    request.timeout = 60s;
    void* room = mmap(nullptr, sizeof(CrashPoint), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(room != MAP_FAILED);
    point = new (room) CrashPoint;
  }
  ~Pulls() { munmap(point, sizeof(CrashPoint)); }

  // A pull into `home` in a process of its own, with its crash point; its exit status. With a full disk it goes on
  // until there is room again.
  int pull_in_child(const std::string& home, CrashPoint::Way way, int64_t at) {
    new (point) CrashPoint;
    point->way = way;
    point->at = at;
    point->lasting = 3;
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto images = open_store(home);
      watch_system_calls(point, home);
      bool done = false;
      for (int tries = 0; tries < 5 && !done; ++tries) done = images->pull(request).ok();
      watch_system_calls(nullptr);
      _exit(done ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return status;
  }

  void check_whole(const std::string& home, const Image& image) {
    std::string layers = home + "/data/images/layers/";
    REQUIRE(image.layers.size() == 2);
    CHECK(read_file(layers + image.layers[1] + "/www/index.html").value() == "mainstay example web v1\n");
    CHECK(read_file(layers + image.layers[0] + "/bin/busybox", 16 << 20).value() ==
          read_file(find_program("busybox"), 16 << 20).value());
  }

  // What a pull that ended somehow has left is used or cleaned up.
  void check_after(const std::string& home) {
    auto images = open_store(home);
    std::string data = home + "/data/images";
    CHECK(list_dir(data + "/tmp").value().empty());
    auto present = images->present(request.ref);
    REQUIRE_OK(present);
    if (present->has_value()) check_whole(home, **present);
    auto pulled = images->pull(request);
    REQUIRE_OK(pulled);
    check_whole(home, *pulled);
    REQUIRE_OK(images->remove(request.ref));
    REQUIRE_OK(images->collect({}));
    for (const char* part : {"/tmp", "/names", "/layers", "/blobs/sha256"}) {
      INFO(part);
      CHECK(list_dir(data + part).value().empty());
    }
    REQUIRE_OK(remove_tree(home));
  }

  // Pulls once in peace, which takes more than `least` steps, and then with a crash at each of some of them; `as_meant`
  // says whether the pull's process ended as it should.
  void crash_each(CrashPoint::Way way, int64_t least, bool (*as_meant)(int status)) {
    std::string home = temp.path() + "/node";
    REQUIRE(pull_in_child(home, way, 0) == 0);
    int64_t steps = point->steps.load();
    REQUIRE(steps > least);
    check_after(home);
    for (int64_t at : some_of(steps, 10)) {
      int status = pull_in_child(home, way, at);
      INFO("step " << at << " of " << steps << ": " << point->where);
      CAPTURE(status);
      CHECK(as_meant(status));
      check_after(home);
    }
  }
};

#define NEEDS_REGISTRY()                                 \
  NEEDS_IMAGES();                                        \
  do {                                                   \
    if (find_program("docker-registry").empty()) {       \
      WARN("SKIPPED: docker-registry is not installed"); \
      return;                                            \
    }                                                    \
  } while (false)

}  // namespace

TEST_CASE("real: a pull killed at a system call leaves nothing, and nothing half", "[edge][images][crash]") {
  NEEDS_REGISTRY();
  Pulls pulls;
  pulls.crash_each(CrashPoint::Way::kKill, 30,
                   [](int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; });
}

TEST_CASE("real: a pull that finds the disk full at a system call is made again", "[edge][images][crash]") {
  NEEDS_REGISTRY();
  Pulls pulls;
  pulls.crash_each(CrashPoint::Way::kFull, 10, [](int status) { return status == 0; });
}

TEST_CASE("real: a pull killed at any instant, with what it has started, leaves nothing, and nothing half",
          "[edge][images][crash]") {
  NEEDS_REGISTRY();
  Pulls pulls;
  std::string home = pulls.temp.path() + "/node";
  MonoTime begin = read_clock().mono;
  REQUIRE(pulls.pull_in_child(home, CrashPoint::Way::kKill, 0) == 0);
  auto life = std::chrono::duration_cast<std::chrono::milliseconds>(read_clock().mono - begin).count();
  pulls.check_after(home);
  for (int64_t part : some_of(100, 10)) {
    int delay = static_cast<int>(life * part / 100);
    INFO("killed after " << delay << " ms");
    kill_after(delay, [&] { (void)open_store(home)->pull(pulls.request); });
    pulls.check_after(home);
  }
}

TEST_CASE("a disk too small for an image says so, whoever finds it out, and is no worse for it", "[edge][images]") {
  NEEDS_REGISTRY();
  Pulls pulls;
  std::string home = pulls.temp.path() + "/node", data = home + "/data";
  bool fits = false;
  int refused = 0;
  for (int kib = 256; !fits; kib += 512) {
    REQUIRE(kib < 32 << 10);
    INFO(kib << " KiB");
    REQUIRE_OK(make_dirs(data, 0700));
    std::string size = "mode=0700,size=" + std::to_string(kib) + "k";
    REQUIRE(mount("tmpfs", data.c_str(), "tmpfs", 0, size.c_str()) == 0);
    auto images = open_store(home);
    auto pulled = images->pull(pulls.request);
    fits = pulled.ok();
    if (!fits) {
      ++refused;
      CHECK(pulled.error().code == ErrorCode::kFull);
      CHECK_FALSE(images->present(pulls.request.ref).value().has_value());
      CHECK(list_dir(data + "/images/tmp").value().empty());
      REQUIRE(mount(nullptr, data.c_str(), nullptr, MS_REMOUNT, "size=64m") == 0);
      pulls.check_after(home);
    }
    REQUIRE_OK(unmount_below(data));
  }
  CHECK(refused > 2);
}
