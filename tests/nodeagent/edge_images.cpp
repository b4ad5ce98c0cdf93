#include "tests/nodeagent/edge_images.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "nodeagent/disk.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/process.h"
#include "tests/nodeagent/edge_node.h"

namespace mainstay::test {
namespace {

// bcrypt of "pass-word-7", cost 5.
constexpr const char* kPasswordHash = "$2b$05$lOf3XPkB1goZjfrclVcw..Tv61577Xj.lRtCyiBge7cN7mWZm3iui";

int free_port() {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

bool answers(int port) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

TempDir::TempDir() {
  char name[] = "/tmp/mainstay-edge-XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  Status removed = remove_tree(path_);
  CHECK(removed.ok());
}

std::string why_no_images() {
  if (geteuid() != 0) return "unpacking layers needs root";
  if (find_program("skopeo").empty()) return "skopeo is not installed";
  if (find_program("busybox").empty()) return "busybox (package busybox-static) is not installed";
  return "";
}

std::string pack_example_images(const std::string& dir) {
  ProcessSpec spec;
  spec.argv = {MAINSTAY_SOURCE_DIR "/examples/images/pack.sh", dir + "/packed"};
  spec.env = plain_environment();
  REQUIRE_OK(run_checked(spec));
  return dir + "/packed";
}

std::unique_ptr<Images> open_store(const std::string& home) {
  NodePaths paths;
  paths.data_dir = home + "/data";
  paths.run_dir = home + "/run";
  return open_store_at(paths);
}

bool if_nothing_left(const std::string& interface) { return !path_exists("/sys/class/net/" + interface); }

std::unique_ptr<Images> open_store_at(const NodePaths& paths) {
  ImageStoreOptions options;
  options.paths = paths;
  auto store = open_image_store(options);
  REQUIRE_OK(store);
  return std::move(*store);
}

void skopeo(std::vector<std::string> arguments) {
  ProcessSpec spec;
  spec.argv = {find_program("skopeo"), "--insecure-policy"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.env = plain_environment();
  REQUIRE_OK(run_checked(spec));
}

TestRegistry::TestRegistry(const std::string& dir, const std::string& user, const std::string& password) {
  REQUIRE(password == "pass-word-7");
  REQUIRE_OK(make_dirs(dir));
  port_ = free_port();
  REQUIRE_OK(write_file(dir + "/htpasswd", user + ":" + kPasswordHash + "\n", 0600));
  std::string config =
      "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: " + dir +
      "/blobs\nhttp:\n  addr: 127.0.0.1:" + std::to_string(port_) +
      "\nauth:\n  htpasswd:\n    realm: test\n    path: " + dir + "/htpasswd\n";
  REQUIRE_OK(write_file(dir + "/config.yml", config, 0600));
  std::string file = dir + "/config.yml";
  std::string program = find_program("docker-registry");
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd : {0, 1, 2}) dup2(nowhere, fd);
    execl(program.c_str(), program.c_str(), "serve", file.c_str(), nullptr);
    _exit(127);
  }
  REQUIRE(eventually([&] { return answers(port_); }));
}

TestRegistry::~TestRegistry() {
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void kill_after(int milliseconds, const std::function<void()>& work) {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    work();
    _exit(0);
  }
  sleep_ms(milliseconds);
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace mainstay::test
