// What the image tests need: a temporary directory, the example images, skopeo, a registry on loopback, and
// children that are killed in the middle of something.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"

namespace mainstay::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string why_no_images();  // "" if skopeo, busybox and root are there

// Runs examples/images/pack.sh; the directory with web-v1.tar and web-v2.tar.
std::string pack_example_images(const std::string& dir);

std::unique_ptr<Images> open_store(const std::string& home);

std::unique_ptr<Images> open_store_at(const NodePaths& paths);

// True if there is no network interface of that name.
bool if_nothing_left(const std::string& interface);

void skopeo(std::vector<std::string> arguments);

// Debian's docker-registry with one user, on a free port of 127.0.0.1.
class TestRegistry {
 public:
  TestRegistry(const std::string& dir, const std::string& user, const std::string& password);
  ~TestRegistry();
  int port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

// Runs `work` in a forked child and kills the child (only it) with SIGKILL after so many milliseconds.
void kill_after(int milliseconds, const std::function<void()>& work);

}  // namespace mainstay::test

#define NEEDS_IMAGES()                                     \
  do {                                                     \
    std::string reason_ = mainstay::test::why_no_images(); \
    if (!reason_.empty()) {                                \
      WARN("SKIPPED: " << reason_);                        \
      return;                                              \
    }                                                      \
  } while (false)
