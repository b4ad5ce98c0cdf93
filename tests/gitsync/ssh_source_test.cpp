// The source over ssh, against a real sshd on loopback.
#include <catch2/catch.hpp>

#include "gitsync/libgit2_source.h"
#include "tests/support/git_fixture.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

std::string keygen(const std::string& path, const std::string& type) {
  if (run({"ssh-keygen", "-q", "-t", type, "-N", "", "-f", path}).code != 0)
    throw std::runtime_error("ssh-keygen failed");
  std::ifstream file(path + ".pub");
  std::string kind, key;
  file >> kind >> key;
  return kind + " " + key;
}

// sshd wants this directory; made, and unmade, only where it is missing.
class PrivilegeDirectory {
 public:
  PrivilegeDirectory() : made_(std::filesystem::create_directory("/run/sshd")) {}
  ~PrivilegeDirectory() {
    std::error_code ignored;
    if (made_) std::filesystem::remove("/run/sshd", ignored);
  }

 private:
  bool made_;
};

}  // namespace

TEST_CASE("a source reads over ssh with a key, and only from the server it knows") {
  if (!find_program("sshd") || !find_program("ssh-keygen") || ::geteuid() != 0) {
    WARN("SKIPPED: needs sshd, ssh-keygen and root");
    return;
  }
  PrivilegeDirectory privilege;
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  repo.commit_files({{"a.yaml", "kind: A\n"}});
  std::string host_key = keygen(root / "host", "ed25519");
  std::string user_key = keygen(root / "user", "ed25519");
  keygen(root / "stranger", "ed25519");
  std::string rsa_key = keygen(root / "rsa", "rsa");
  write_file(root / "authorized", user_key + "\n" + rsa_key + "\n");
  PortServer server([&](uint16_t port) {
    std::string config = root / "sshd_config";
    write_file(config, "Port " + std::to_string(port) + "\nListenAddress 127.0.0.1\nHostKey " +
                           (root / "host") + "\nAuthorizedKeysFile " + (root / "authorized") +
                           "\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
                           "PasswordAuthentication no\nKbdInteractiveAuthentication no\n");
    return std::vector<std::string>{*find_program("sshd"), "-D", "-e", "-f", config};
  });
  std::string name = "[127.0.0.1]:" + std::to_string(server.port());
  SourceSpec spec;
  spec.url = "ssh://root@127.0.0.1:" + std::to_string(server.port()) + repo.path();
  spec.ref = {RefChoice::Kind::kBranch, "main"};
  spec.credentials.ssh_key_file = root / "user";
  spec.credentials.known_hosts_file = root / "known_hosts";
  auto source = [&] { return std::move(make_libgit2_source(spec, mirrors.path())).value(); };
  auto refused = [&](ErrorCode code, const std::string& words) {
    Result<RefTip> tip = source()->tip();
    REQUIRE_FALSE(tip.ok());
    INFO(tip.error().message);
    CHECK(tip.error().code == code);
    CHECK(tip.error().message.find(words) != std::string::npos);
  };

  refused(ErrorCode::kNotFound, "known_hosts");
  write_file(root / "known_hosts", "elsewhere " + host_key + "\n");
  refused(ErrorCode::kDenied, "does not name");
  write_file(root / "known_hosts", name + " " + user_key + "\n");
  refused(ErrorCode::kDenied, "NOT the one");
  write_file(root / "known_hosts", name + " " + rsa_key + "\n");
  refused(ErrorCode::kDenied, "other types");
  write_file(root / "known_hosts", name + " " + host_key + "\n");

  auto good = source();
  Result<RefTip> tip = good->tip();
  if (!tip.ok()) FAIL(tip.error().message);
  CHECK(tip->commit.text() == repo.head());
  Status fetched = good->fetch(tip->commit);
  if (!fetched.ok()) FAIL(fetched.error().message);
  CHECK(good->commit_info(tip->commit)->subject == "change");

  spec.credentials.ssh_key_file = root / "stranger";
  refused(ErrorCode::kDenied, "ed25519");
  spec.credentials.ssh_key_file = root / "rsa";
  refused(ErrorCode::kDenied, "ed25519");
  spec.credentials.ssh_key_file = root / "user";
  spec.url += "-nothing";
  refused(ErrorCode::kNotFound, "no such repository");
}

TEST_CASE("an ssh server that says nothing is given up on at the deadline") {
  TempDir root;
  TinyHttp silent([](const std::string&) { return std::string(); });
  write_file(root / "known_hosts", "");
  write_file(root / "key", "");
  SourceSpec spec;
  spec.url = "ssh://git@127.0.0.1:" + std::to_string(silent.port()) + "/x";
  spec.credentials = {"", "", root / "key", root / "known_hosts"};
  spec.limits.tip_timeout = 200ms;
  Result<RefTip> tip = std::move(make_libgit2_source(spec, root / "repos")).value()->tip();
  REQUIRE_FALSE(tip.ok());
  INFO(tip.error().message);
  CHECK(tip.error().code == ErrorCode::kTimeout);
}
