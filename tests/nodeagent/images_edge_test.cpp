// The image store on real archives, a real registry on loopback, and hostile layers built here.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "nodeagent/disk.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/process.h"
#include "schema/base/crypto.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

TEST_CASE("OCI archives are imported, share layers, and are collected", "[edge][images]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string packed = pack_example_images(temp.path());
  auto images = open_store(temp.path() + "/node");
  CHECK_FALSE(images->present("localhost/mainstay/web:v1").value().has_value());

  auto first = images->import_archive(packed + "/web-v1.tar");
  REQUIRE_OK(first);
  REQUIRE(first->size() == 1);
  CHECK(first->front().name == "localhost/mainstay/web:v1");
  CHECK(first->front().config.entrypoint == std::vector<std::string>{"/bin/serve"});
  CHECK(first->front().config.user == "web");
  auto second = images->import_archive(packed + "/web-v2.tar");
  REQUIRE_OK(second);
  CHECK(first->front().layers[0] == second->front().layers[0]);
  CHECK(first->front().layers[1] != second->front().layers[1]);

  auto present = images->present("localhost/mainstay/web:v1");
  REQUIRE_OK(present);
  REQUIRE(present->has_value());
  CHECK((*present)->id == first->front().id);
  std::string layers = temp.path() + "/node/data/images/layers/";
  CHECK(read_file(layers + first->front().layers[1] + "/www/index.html").value() ==
        "mainstay example web v1\n");
  CHECK(path_exists(layers + first->front().layers[0] + "/bin/busybox"));

  // Importing again changes nothing; a second store on the same directory sees the same.
  REQUIRE_OK(images->import_archive(packed + "/web-v1.tar"));
  auto again = open_store(temp.path() + "/node");
  CHECK(again->list().value().size() == 2);

  REQUIRE_OK(images->remove("localhost/mainstay/web:v1"));
  REQUIRE_OK(images->remove("localhost/mainstay/web:v1"));
  REQUIRE_OK(images->collect({first->front().layers[1]}));
  CHECK(path_exists(layers + first->front().layers[1]));  // a container runs on it
  auto freed = images->collect({});
  REQUIRE_OK(freed);
  CHECK(*freed > 0);
  CHECK_FALSE(path_exists(layers + first->front().layers[1]));
  CHECK(images->present("localhost/mainstay/web:v2").value().has_value());
  REQUIRE_OK(images->remove("localhost/mainstay/web:v2"));
  REQUIRE_OK(images->collect({}));
  CHECK(list_dir(temp.path() + "/node/data/images/blobs/sha256").value().empty());
  CHECK(list_dir(layers).value().empty());
  CHECK(list_dir(temp.path() + "/node/data/images/tmp").value().empty());
}

TEST_CASE("docker archives and layouts are imported, with and without names", "[edge][images]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string packed = pack_example_images(temp.path());
  auto images = open_store(temp.path() + "/node");
  std::string docker = temp.path() + "/docker:with colon.tar";
  std::string plain = temp.path() + "/docker.tar";
  skopeo({"copy", "--quiet", "oci-archive:" + packed + "/web-v1.tar",
          "docker-archive:" + plain + ":localhost/other/web:v9"});
  REQUIRE(rename(plain.c_str(), docker.c_str()) == 0);
  auto imported = images->import_archive(docker);
  REQUIRE_OK(imported);
  CHECK(imported->front().name == "localhost/other/web:v9");
  CHECK(imported->front().config.env == std::vector<std::string>{"PATH=/bin", "VERSION=v1"});

  auto renamed = images->import_archive(docker, "shop/web");
  REQUIRE_OK(renamed);
  CHECK(renamed->front().name == "docker.io/shop/web:latest");

  std::string layout = temp.path() + "/layout";
  skopeo({"copy", "--quiet", "oci-archive:" + packed + "/web-v2.tar", "oci:" + layout});
  auto nameless = images->import_archive(layout);
  REQUIRE_FALSE(nameless.ok());
  CHECK(nameless.error().code == ErrorCode::kInvalid);
  CHECK(nameless.error().message.find("has no name") != std::string::npos);
  REQUIRE_OK(images->import_archive(layout, "web:v2"));

  REQUIRE_OK(write_file(temp.path() + "/not.tar", "this is not an archive", 0644));
  auto wrong = images->import_archive(temp.path() + "/not.tar");
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().code == ErrorCode::kInvalid);
  CHECK_FALSE(images->import_archive(temp.path() + "/absent.tar").ok());
}

TEST_CASE("images are pulled from a registry on loopback", "[edge][images]") {
  NEEDS_IMAGES();
  if (find_program("docker-registry").empty()) {
    WARN("SKIPPED: docker-registry is not installed");
    return;
  }
  TempDir temp;
  std::string packed = pack_example_images(temp.path());
  TestRegistry registry(temp.path() + "/registry", "user", "pass-word-7");
  std::string host = "127.0.0.1:" + std::to_string(registry.port());
  skopeo({"copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", "user:pass-word-7",
          "oci-archive:" + packed + "/web-v1.tar", "docker://" + host + "/team/web:v1"});
  auto images = open_store(temp.path() + "/node");

  PullRequest request;
  request.ref = host + "/team/web:v1";
  request.timeout = 60s;
  auto refused = images->pull(request);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kDenied);

  std::string auth = base64("user:pass-word-7");
  request.auth_configs = {R"({"auths":{"example.com":{"auth":"eDp5"}}})",
                          R"({"auths":{")" + host + R"(":{"auth":")" + auth + R"("}}})"};
  auto pulled = images->pull(request);
  REQUIRE_OK(pulled);
  CHECK(pulled->name == request.ref);
  CHECK(images->present(request.ref).value()->id == pulled->id);
  REQUIRE_OK(images->pull(request));  // Always: nothing is fetched twice

  // A login that is refused is followed by the next for the same registry, and the parts of one do as well.
  PullRequest several = request;
  several.auth_configs = {R"({"auths":{")" + host + R"(":{"auth":")" + base64("user:old") + R"("}}})",
                          R"({"auths":{")" + host + R"(/team":{"username":"other","password":"x"}}})",
                          R"({"auths":{")" + host + R"(":{"username":"user","password":"pass-word-7"}}})"};
  REQUIRE_OK(images->pull(several));
  several.auth_configs.pop_back();
  CHECK(images->pull(several).error().code == ErrorCode::kDenied);

  PullRequest pinned = request;
  pinned.ref = host + "/team/web@" + pulled->digest;
  auto by_digest = images->pull(pinned);
  REQUIRE_OK(by_digest);
  CHECK(by_digest->id == pulled->id);

  // A mirror that is away is passed over, one that has the image stands in for a registry that cannot be reached;
  // the node's own credentials do where the pod has none.
  ImageStoreOptions behind;
  behind.paths.data_dir = temp.path() + "/behind/data";
  behind.paths.run_dir = temp.path() + "/behind/run";
  behind.mirrors["registry.invalid"] = {"127.0.0.1:1", host};
  behind.auth_file = temp.path() + "/node-auth.json";
  REQUIRE_OK(write_file(behind.auth_file, request.auth_configs[1], 0600));
  auto mirrored = open_image_store(behind);
  REQUIRE_OK(mirrored);
  PullRequest through;
  through.ref = "registry.invalid/team/web:v1";
  through.timeout = 60s;
  auto found = (*mirrored)->pull(through);
  REQUIRE_OK(found);
  CHECK(found->name == through.ref);
  CHECK(found->id == pulled->id);

  PullRequest missing = request;
  missing.ref = host + "/team/web:v99";
  auto unknown = images->pull(missing);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::kNotFound);

  PullRequest nowhere = request;
  nowhere.ref = "127.0.0.1:1/team/web:v1";
  auto away = images->pull(nowhere);
  REQUIRE_FALSE(away.ok());
  CHECK(away.error().code == ErrorCode::kUnavailable);
  CHECK(list_dir(temp.path() + "/node/data/images/tmp").value().empty());

  request.auth_configs = {"not json, but secret"};
  auto bad_secret = images->pull(request);
  REQUIRE_FALSE(bad_secret.ok());
  CHECK(bad_secret.error().message.find("secret,") == std::string::npos);
  CHECK(bad_secret.error().message.find("but secret") == std::string::npos);
}

TEST_CASE("a login reaches skopeo by no command line and no disk", "[edge][images]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string auth = base64("user:pass-word-7"), program = temp.path() + "/skopeo";
  REQUIRE_OK(write_file(program,
                        "#!/bin/sh\ncd " + temp.path() + "\necho \"$@\" > argv\nenv > env\n"
                        "cat /proc/self/fd/3 > login\n"
                        "grep -r '" + auth + "' node > found\nexit 1\n", 0700));
  ImageStoreOptions options;
  options.paths.data_dir = temp.path() + "/node/data";
  options.paths.run_dir = temp.path() + "/node/run";
  options.skopeo = program;
  auto images = open_image_store(options);
  REQUIRE_OK(images);
  PullRequest request;
  request.ref = "a.example/web";
  request.auth_configs = {R"({"auths":{"a.example":{"auth":")" + auth + R"("}}})"};
  CHECK_FALSE((*images)->pull(request).ok());
  CHECK(read_file(temp.path() + "/login").value() == R"({"auths":{"a.example":{"auth":")" + auth + R"("}}})");
  CHECK(read_file(temp.path() + "/found").value().empty());
  for (const char* file : {"/argv", "/env"}) {
    std::string text = read_file(temp.path() + file).value();
    CHECK_FALSE(text.empty());
    CHECK(text.find(auth) == std::string::npos);
    CHECK(text.find("pass-word") == std::string::npos);
  }
}

TEST_CASE("a damaged blob or a lying digest is refused and fetched again", "[edge][images]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string packed = pack_example_images(temp.path());
  auto images = open_store(temp.path() + "/node");
  auto imported = images->import_archive(packed + "/web-v1.tar");
  REQUIRE_OK(imported);
  // The layer goes, and its blob is damaged: skopeo reuses what has the right name.
  std::string data = temp.path() + "/node/data/images";
  REQUIRE_OK(images->remove(imported->front().name));
  auto layers = list_dir(data + "/layers");
  REQUIRE_OK(layers);
  for (const std::string& name : *layers) REQUIRE_OK(remove_tree(data + "/layers/" + name));
  auto blobs = list_dir(data + "/blobs/sha256");
  REQUIRE_OK(blobs);
  size_t largest = 0;
  std::string victim;
  for (const std::string& name : *blobs) {
    struct stat info;
    REQUIRE(stat((data + "/blobs/sha256/" + name).c_str(), &info) == 0);
    if (static_cast<size_t>(info.st_size) > largest) victim = data + "/blobs/sha256/" + name;
    largest = std::max(largest, static_cast<size_t>(info.st_size));
  }
  REQUIRE(truncate(victim.c_str(), static_cast<off_t>(largest / 2)) == 0);
  auto broken = images->import_archive(packed + "/web-v1.tar");
  CHECK_FALSE(broken.ok());
  CHECK_FALSE(images->present("localhost/mainstay/web:v1").value().has_value());
  REQUIRE_OK(images->import_archive(packed + "/web-v1.tar"));  // the bad blob was thrown away
}

TEST_CASE("one image may be brought from several sides at once", "[edge][images]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string packed = pack_example_images(temp.path());
  auto images = open_store(temp.path() + "/node");
  for (int round = 0; round < 5; ++round) {
    std::vector<std::string> trouble(6);
    std::vector<std::thread> sides;
    for (std::string& said : trouble) {
      sides.emplace_back([&] {
        auto imported = images->import_archive(packed + "/web-v1.tar");
        if (!imported.ok()) said = imported.error().message;
      });
    }
    for (std::thread& side : sides) side.join();
    for (const std::string& said : trouble) CHECK(said == "");
    CHECK(images->present("localhost/mainstay/web:v1").value().has_value());
    REQUIRE_OK(images->remove("localhost/mainstay/web:v1"));
    REQUIRE_OK(images->collect({}));
  }
}

TEST_CASE("what a killed writer left of records and notes goes with the next collection", "[edge][images][crash]") {
  NEEDS_IMAGES();
  TempDir temp;
  auto images = open_store(temp.path() + "/node");
  std::string data = temp.path() + "/node/data/images";
  for (const std::string& file :
       {std::string("/layers/0123456789abcdef01234567.diffid"), std::string("/layers/0123456789abcdef01234567.diffid.new"),
        "/names/" + std::string(40, 'a') + ".json.new"}) {
    REQUIRE_OK(write_file(data + file, "half", 0600));
  }
  REQUIRE_OK(images->collect({}));
  CHECK(list_dir(data + "/layers").value().empty());
  CHECK(list_dir(data + "/names").value().empty());
}

TEST_CASE("an import killed at any moment leaves a store that works", "[edge][images][crash]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string packed = pack_example_images(temp.path());
  for (int delay_ms : {0, 5, 15, 30, 45, 60, 80, 110, 150}) {
    std::string home = temp.path() + "/node-" + std::to_string(delay_ms);
    kill_after(delay_ms, [&] {
      auto images = open_store(home);
      (void)images->import_archive(packed + "/web-v1.tar");
    });
    auto images = open_store(home);
    INFO("killed after " << delay_ms << " ms");
    CHECK(list_dir(home + "/data/images/tmp").value().empty());
    auto imported = images->import_archive(packed + "/web-v1.tar");
    REQUIRE_OK(imported);
    std::string file = home + "/data/images/layers/" + imported->front().layers[1] + "/www/index.html";
    CHECK(read_file(file).value() == "mainstay example web v1\n");
    REQUIRE_OK(images->remove("localhost/mainstay/web:v1"));
    REQUIRE_OK(images->collect({}));
    CHECK(list_dir(home + "/data/images/layers").value().empty());
  }
}
