#include "reconciler/api/pki.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "reconciler/store/private_file.h"
#include "schema/base/crypto.h"
#include "tests/api/loopback.h"

namespace mainstay::api {
namespace {

using mainstay::test::have_program;
using mainstay::test::run_program;
using mainstay::test::TemporaryDirectory;

const WallTime kStart = *parse_rfc3339("2026-01-01T00:00:00Z");
constexpr Duration kDay = std::chrono::hours(24);

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

Pki open(const std::string& dir, const std::vector<std::string>& names, WallTime now) {
  Result<Pki> pki = open_pki(dir, names, now);
  REQUIRE(pki.ok());
  return std::move(pki).value();
}

}  // namespace

TEST_CASE("an authority and a server certificate are made once and kept") {
  TemporaryDirectory dir;
  Pki first = open(dir.path(), {"127.0.0.1", "::1", "cluster.example"}, kStart);
  CHECK(first.ca_created);
  CHECK(first.server_renewed);
  CHECK(mode_of(dir.path() + "/pki") == 0700);
  CHECK(mode_of(dir.path() + "/pki/ca.key") == 0600);
  CHECK(mode_of(dir.path() + "/pki/server.key") == 0600);
  CHECK_FALSE(std::filesystem::exists(dir.path() + "/pki/ca.key.new"));

  Result<CertificateFacts> ca = read_certificate(first.ca_pem);
  REQUIRE(ca.ok());
  CHECK(ca->authority);
  Result<CertificateFacts> server = read_certificate(first.server.certificate_pem);
  REQUIRE(server.ok());
  CHECK_FALSE(server->authority);
  CHECK(server->names == std::vector<std::string>{"127.0.0.1", "::1", "cluster.example"});
  CHECK(server->not_before < kStart);
  CHECK(server->not_after == kStart + 365 * kDay);

  Pki second = open(dir.path(), {"0:0:0:0:0:0:0:1", "127.0.0.1"}, kStart + 100 * kDay);
  CHECK_FALSE(second.ca_created);
  CHECK_FALSE(second.server_renewed);
  CHECK(second.server.certificate_pem == first.server.certificate_pem);
}

TEST_CASE("the server's certificate is renewed when it grows old or a name is missing; the authority stays") {
  TemporaryDirectory dir;
  Pki first = open(dir.path(), {"127.0.0.1"}, kStart);
  CHECK_FALSE(open(dir.path(), {"127.0.0.1"}, kStart + 240 * kDay).server_renewed);
  Pki old = open(dir.path(), {"127.0.0.1"}, kStart + 250 * kDay);
  CHECK(old.server_renewed);
  CHECK(old.ca_pem == first.ca_pem);
  Pki named = open(dir.path(), {"127.0.0.1", "new.example"}, kStart + 250 * kDay);
  CHECK(named.server_renewed);
  CHECK(named.server.key_pem != old.server.key_pem);
}

TEST_CASE("the authority's certificate is renewed with its key; holders of the old one trust the server on") {
  TemporaryDirectory dir;
  Pki first = open(dir.path(), {"127.0.0.1"}, kStart);
  CHECK(first.ca_end == kStart + 3650 * kDay);
  CHECK_FALSE(open(dir.path(), {"127.0.0.1"}, kStart + 2900 * kDay).ca_renewed);
  WallTime late = kStart + 3000 * kDay;
  Pki renewed = open(dir.path(), {"127.0.0.1"}, late);
  CHECK(renewed.ca_renewed);
  CHECK_FALSE(renewed.ca_created);
  CHECK(renewed.ca_pem != first.ca_pem);
  CHECK(renewed.ca_end == late + 3650 * kDay);
  CHECK(renewed.server_end > late);
  CHECK_FALSE(open(dir.path(), {"127.0.0.1"}, late + kDay).ca_renewed);
  std::ofstream(dir.path() + "/old.crt") << first.ca_pem;
  std::ofstream(dir.path() + "/both.crt") << first.ca_pem << renewed.ca_pem;
  auto verified = [&](const std::string& trusted, WallTime at) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at.since_epoch).count();
    return run_program("openssl verify -attime " + std::to_string(seconds) + " -CAfile " + dir.path() + "/" +
                       trusted + " " + dir.path() + "/pki/server.crt").status == 0;
  };
  REQUIRE(have_program("openssl"));
  for (const char* trusted : {"old.crt", "pki/ca.crt", "both.crt"}) {
    INFO(trusted);
    CHECK(verified(trusted, late + kDay));
  }
  Pki later = open(dir.path(), {"127.0.0.1"}, kStart + 3651 * kDay);  // the first one has ended
  CHECK(later.ca_pem == renewed.ca_pem);
  CHECK_FALSE(verified("old.crt", kStart + 3651 * kDay));
  CHECK(verified("both.crt", kStart + 3651 * kDay));
}

TEST_CASE("after years without a server everything is made good at the start") {
  TemporaryDirectory dir;
  open(dir.path(), {"127.0.0.1"}, kStart);
  WallTime late = kStart + 4000 * kDay;
  Pki pki = open(dir.path(), {"127.0.0.1"}, late);
  CHECK(pki.ca_renewed);
  CHECK(pki.server_renewed);
  CHECK(pki.server_end == late + 365 * kDay);
}

TEST_CASE("broken files: a server's are replaced, an authority's are left to a person") {
  TemporaryDirectory dir;
  Pki first = open(dir.path(), {"127.0.0.1"}, kStart);
  std::ofstream(dir.path() + "/pki/server.crt") << "nonsense";
  CHECK(open(dir.path(), {"127.0.0.1"}, kStart).server_renewed);
  std::filesystem::remove(dir.path() + "/pki/server.key");
  CHECK(open(dir.path(), {"127.0.0.1"}, kStart).server_renewed);
  std::ofstream(dir.path() + "/pki/ca.key") << "nonsense";
  Result<Pki> broken = open_pki(dir.path(), {"127.0.0.1"}, kStart);
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("names that are no names are refused") {
  TemporaryDirectory dir;
  for (const char* name : {"", "a b", "x,DNS:evil.example", "host:port", "new\nline"}) {
    INFO(name);
    Result<Pki> pki = open_pki(dir.path(), {name}, kStart);
    REQUIRE_FALSE(pki.ok());
    CHECK(pki.error().code == ErrorCode::kInvalid);
  }
  CHECK_FALSE(open_pki(dir.path(), {}, kStart).ok());
}

TEST_CASE("a kubeconfig names server, authority and token") {
  std::string text = kubeconfig_text("mainstay", "https://127.0.0.1:6443", "PEM", "secret");
  CHECK(text.find("server: https://127.0.0.1:6443\n") != std::string::npos);
  CHECK(text.find("certificate-authority-data: " + base64("PEM") + "\n") != std::string::npos);
  CHECK(text.find("token: secret\n") != std::string::npos);
  CHECK(text.find("current-context: mainstay\n") != std::string::npos);
}

TEST_CASE("a private file is replaced as a whole") {
  TemporaryDirectory dir;
  std::string path = dir.path() + "/file";
  std::ofstream(path + ".new") << "left by a crash";
  REQUIRE(write_private_file(path, "one").ok());
  CHECK(mode_of(path) == 0600);
  REQUIRE(write_private_file(path, "two").ok());
  CHECK(*read_whole_file(path) == "two");
  CHECK(read_whole_file(path, 2).error().code == ErrorCode::kInvalid);
  CHECK(read_whole_file(dir.path() + "/none").error().code == ErrorCode::kNotFound);
  CHECK_FALSE(write_private_file(dir.path() + "/none/none/file", "x").ok());
}

}  // namespace mainstay::api
