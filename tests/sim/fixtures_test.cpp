// Real repositories in the simulated cluster: what others have written for Kubernetes reaches Synced and
// Healthy on three nodes, and an edit, a bad edit, a deletion and a revert each do what they should.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/sim/world.h"

using namespace mainstay;
using namespace mainstay::sim;

namespace {

namespace fs = std::filesystem;

constexpr const char* kRepositories = "/work/shared/fixtures/repos";
const std::vector<std::string> kNothing;

using Files = std::map<std::string, std::string>;

Files read_folder(const fs::path& folder) {
  Files out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    std::ostringstream bytes;
    bytes << in.rdbuf();
    out["apps/" + entry.path().filename().string()] = bytes.str();
  }
  return out;
}

// The first file that holds all of these texts.
std::string file_with(const Files& files, const std::vector<std::string>& texts) {
  for (const auto& [path, bytes] : files) {
    bool all = true;
    for (const std::string& text : texts) all = all && bytes.find(text) != std::string::npos;
    if (all) return path;
  }
  return "";
}

Files with_text(Files files, const std::string& path, const std::string& from, const std::string& to) {
  std::string& bytes = files.at(path);
  bytes.replace(bytes.find(from), from.size(), to);
  return files;
}

// Versions of all that the repository declares or that follows from it, by key.
std::map<std::string, uint64_t> versions(const Snapshot& view) {
  std::map<std::string, uint64_t> out;
  for (Kind kind : {Kind::kDeployment, Kind::kReplicaSet, Kind::kPod, Kind::kService, Kind::kConfigMap}) {
    for (const ObjectPtr& object : view.list(kind, "default")) out[object->key().text()] = object->version;
  }
  return out;
}

std::vector<int32_t> replica_counts(const Snapshot& view) {
  std::vector<int32_t> out;
  for (const ObjectPtr& object : view.list(Kind::kDeployment, "default")) {
    CHECK(as<Deployment>(*object).status.ready_replicas == as<Deployment>(*object).spec.replicas.value_or(0));
    out.push_back(as<Deployment>(*object).spec.replicas.value_or(0));
  }
  return out;
}

std::string conditions(const Snapshot& view) {
  std::string out;
  ObjectPtr app = view.find(Kind::kApplication, "mainstay", kApplication);
  REQUIRE(app);
  for (const auto& condition : as<Application>(*app).status.conditions) {
    out += condition.type + ": " + condition.message;
  }
  return out;
}

void push(World& world, const Files& files, const std::string& message) {
  world.repository().push(kBranch, files, message);
  world.daemon().poke(world.now());
}

}  // namespace

TEST_CASE("what others wrote for Kubernetes becomes Synced and Healthy; edits, mistakes, reverts") {
  std::string folder = GENERATE("argocd-example-apps/guestbook", "argocd-example-apps/sock-shop/base",
                                "example-voting-app/k8s-specifications");
  fs::path path = fs::path(kRepositories) / folder;
  if (!fs::exists(path)) {
    WARN("SKIPPED: " << path.string() << " is not on this machine");
    return;
  }
  INFO(folder);
  Files files = read_folder(path);
  World world({1, 3, "apps"});
  CommitId first = world.repository().push(kBranch, files, "as they wrote it");
  REQUIRE(world.settle(5min) == kNothing);
  std::vector<int32_t> as_written = replica_counts(world.daemon().head());
  REQUIRE_FALSE(as_written.empty());
  size_t services = world.daemon().head().list(Kind::kService, "default").size();

  std::string deployment = file_with(files, {"kind: Deployment", "replicas: 1"});
  REQUIRE_FALSE(deployment.empty());
  Files edited = with_text(files, deployment, "replicas: 1", "replicas: 3");
  push(world, edited, "scale");
  REQUIRE(world.settle(5min) == kNothing);
  CHECK(replica_counts(world.daemon().head()) != as_written);

  std::map<std::string, uint64_t> before = versions(world.daemon().head());
  push(world, with_text(edited, deployment, "replicas: 3", "replicas: three"), "a mistake");
  world.run_for(1min);
  CHECK(versions(world.daemon().head()) == before);
  CHECK(conditions(world.daemon().head()).find(deployment + ":") != std::string::npos);
  CHECK(conditions(world.daemon().head()).find("spec.replicas") != std::string::npos);

  Files fewer = edited;
  REQUIRE(fewer.erase(file_with(files, {"kind: Service\n"})) == 1);
  push(world, fewer, "one service less");
  REQUIRE(world.settle(5min) == kNothing);
  CHECK(world.daemon().head().list(Kind::kService, "default").size() == services - 1);

  world.repository().revert(kBranch, first);
  world.daemon().poke(world.now());
  REQUIRE(world.settle(5min) == kNothing);
  CHECK(replica_counts(world.daemon().head()) == as_written);
  CHECK(world.daemon().head().list(Kind::kService, "default").size() == services);
  world.check_at_rest();
  CHECK(world.checks().found() == kNothing);
}
