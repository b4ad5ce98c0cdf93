// A node that looks after itself, with real containers, cgroups and a small disk that fills up.
#include <catch2/catch.hpp>

#include <algorithm>

#include "nodeagent/disk.h"
#include "nodeagent/housekeeping/housekeeper.h"
#include "nodeagent/housekeeping/supply.h"
#include "nodeagent/images/manifest.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "tests/nodeagent/agent_bench.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/real_bench.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

constexpr int64_t kMi = 1 << 20;

// A pod with the node's network that runs `script` and then waits.
ObjectPtr waiting_pod(const std::string& name, const std::string& script, const std::string& requests = "") {
  return pod_of("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
                ", namespace: d}\nspec:\n  hostNetwork: true\n  terminationGracePeriodSeconds: 1\n"
                "  volumes: [{name: s, emptyDir: {}}]\n"
                "  containers: [{name: c, image: i, volumeMounts: [{name: s, mountPath: /s}], resources: {requests: {" +
                requests + "}},\n    command: [sh, -c, \"" + script + "; echo done; while :; do sleep 0.1; done\"]}]\n");
}

// An image in the store with one layer of so many bytes, without its compressed blobs.
void plant_image(const NodePaths& paths, const std::string& name, size_t bytes) {
  Image image;
  image.name = name;
  image.id = "sha256:" + hex(sha256(name));
  image.digest = image.id;
  image.layers = {hex(sha256("layer of " + name)).substr(0, 24)};
  std::string layer = paths.layers() + "/" + image.layers[0];
  REQUIRE_OK(make_dirs(layer));
  REQUIRE_OK(write_file(layer + "/data", std::string(bytes, 'x'), 0644));
  std::string noted = "sha256:" + hex(sha256("layer of " + name)) + " " + std::to_string(bytes) + "\n";
  REQUIRE_OK(write_file(layer + ".diffid", noted, 0600));
  std::string record = paths.images() + "/names/" + hex(sha256(name)).substr(0, 40) + ".json";
  REQUIRE_OK(write_file(record, encode_image(image), 0600));
}

std::vector<std::string> names_in(Images& images) {
  auto list = images.list();
  REQUIRE_OK(list);
  std::vector<std::string> out;
  for (const Image& image : *list) out.push_back(image.name);
  return out;
}

// A housekeeper beside the bench's loop.
struct Kept {
  RealBench& bench;
  std::unique_ptr<Images> images = open_store_at(bench.paths());
  std::function<Supplies()> measure = [this] { return measure_supplies(bench.paths()); };
  std::unique_ptr<Housekeeper> keeper;
  MonoTime next;

  explicit Kept(RealBench& given) : bench(given) {}
  void start(HousekeepingSettings settings) {
    Housekeeper::World world{*images, bench.runtime(), bench.paths(), "n1", {}, {}, {}};
    world.measure = [this] { return measure(); };
    world.view = [this] { return view_node(bench.core()); };
    world.tell = [this](AgentInput input) { bench.tell(std::move(input)); };
    keeper = std::make_unique<Housekeeper>(std::move(settings), std::move(world));
  }
  // Until it holds, with rounds ten times as often as a node has them.
  bool until(const std::function<bool()>& done) {
    return bench.until([&] {
      MonoTime now = read_clock().mono;
      if (now >= next) next = now + keeper->round(now) / 10;
      return done();
    });
  }
  bool runs(const std::string& name) {
    const PodStatus& status = bench.status(name);
    return status.phase == "Running";
  }
  int64_t available() { return measure_supplies(bench.paths()).at(EvictionSignal::kNodefsAvailable).available; }
};

HousekeepingSettings settings_of(const std::string& hard = EvictionFlags{}.hard) {
  EvictionFlags flags;
  flags.hard = hard;
  flags.transition_period = "1s";
  Result<EvictionPolicy> policy = parse_eviction_flags(flags);
  REQUIRE_OK(policy);
  return {*policy, {}};
}

}  // namespace

TEST_CASE("real: a disk that fills up: images go before it is full, then who uses most of it, and the node is well",
          "[edge][housekeeping]") {
  NEEDS_CONTAINERS();
  constexpr int64_t kDisk = 64 * kMi;
  RealBench bench({{}, kDisk});
  Kept kept(bench);
  const std::string library = "docker.io/library/";
  const std::string used = "localhost/test/busybox:v1";  // what the pods' image is called
  for (const std::string& name : {library + "a:1", library + "b:1", used}) {
    plant_image(bench.paths(), name, 3584 << 10);
  }
  ObjectPtr hog = waiting_pod("hog", "sleep 0.2; dd if=/dev/zero of=/s/x bs=1M count=10 2>/dev/null");
  ObjectPtr modest = waiting_pod("modest", "dd if=/dev/zero of=/s/x bs=1M count=2 2>/dev/null");
  bench.assign({modest});
  kept.start(settings_of("nodefs.available<10%,imagefs.available<15%"));
  REQUIRE(kept.until([&] { return kept.runs("modest"); }));
  kept.keeper->round(read_clock().mono);  // sees which images were there before the next one comes
  plant_image(bench.paths(), library + "c:1", 3584 << 10);

  // Above 85 % and not yet under pressure: as much goes as brings it to 80 %, what is used longest ago first.
  REQUIRE(kept.until([&] { return measure_pod_use(bench.paths(), modest, ScarceResource::kDisk).used > 2 * kMi - 1; }));
  int64_t ballast = kept.available() - kDisk * 155 / 1000;
  REQUIRE(ballast > 0);
  REQUIRE_OK(write_file(bench.paths().data_dir + "/ballast", std::string(static_cast<size_t>(ballast), 'x'), 0600));
  REQUIRE(kept.until([&] { return kept.available() > kDisk / 5; }));
  CHECK(names_in(*kept.images) == std::vector<std::string>{library + "b:1", library + "c:1", used});
  CHECK(bench.core().pressures() == NodePressures{});

  // Under pressure all unused images go, except the one that has just come, and then the pod that uses most.
  bench.assign({modest, hog});
  REQUIRE(kept.until([&] { return bench.status("hog").phase == "Failed"; }));
  CHECK(bench.core().pressures().disk);
  CHECK(bench.status("hog").reason == "Evicted");
  INFO(bench.status("hog").message);
  CHECK(bench.status("hog").message.starts_with("The node was low on resource: ephemeral-storage. Threshold quantity: "));
  CHECK(names_in(*kept.images) == std::vector<std::string>{library + "c:1", used});
  CHECK(bench.event_message("EvictionThresholdMet") == "Attempting to reclaim ephemeral-storage");
  CHECK(bench.event_message("NodeHasDiskPressure") == "Node n1 status is now: NodeHasDiskPressure");
  REQUIRE(kept.until([&] { return !bench.core().pressures().disk; }));
  CHECK(kept.runs("modest"));
  CHECK(kept.available() > kDisk * 15 / 100);
}

TEST_CASE("real: short of memory, pods go one at a time: who uses most beyond what he requested is first",
          "[edge][housekeeping]") {
  NEEDS_CONTAINERS();
  RealBench bench;
  Kept kept(bench);
  auto fill = [](const std::string& mebibytes) { return "dd if=/dev/zero of=/dev/shm/x bs=1M count=" + mebibytes; };
  std::vector<ObjectPtr> pods = {waiting_pod("asks", fill("50"), "memory: 64Mi"), waiting_pod("small", fill("10")),
                                 waiting_pod("big", fill("40")), waiting_pod("middle", fill("25"))};
  bench.assign(pods);
  int64_t available = 1 << 30;
  kept.measure = [&] { return Supplies{{EvictionSignal::kMemoryAvailable, {available, 4LL << 30}}}; };
  kept.start(settings_of());
  auto uses = [&](const ObjectPtr& pod) {
    return measure_pod_use(bench.paths(), pod, ScarceResource::kMemory).used.value_or(0);
  };
  REQUIRE(kept.until([&] {
    return uses(pods[0]) > 50 * kMi && uses(pods[1]) > 10 * kMi && uses(pods[2]) > 40 * kMi && uses(pods[3]) > 25 * kMi;
  }));
  CHECK(uses(pods[2]) < 60 * kMi);
  CHECK(measure_pod_use(bench.paths(), pods[0], ScarceResource::kPids).used >= 1);
  available = 50 * kMi;
  size_t most = 0;
  auto failed = [&](const char* name) { return bench.status(name).phase == "Failed"; };
  REQUIRE(kept.until([&] {
    std::vector<HousedPod> seen = view_node(bench.core()).pods;
    size_t ending = static_cast<size_t>(
        std::count_if(seen.begin(), seen.end(), [](const HousedPod& one) { return one.ending && !one.over; }));
    most = std::max(most, ending);
    if (failed("middle")) available = 1 << 30;
    // The one that was chosen in the meantime is not called back.
    if (failed("big")) CHECK(bench.status("big").reason == "Evicted");
    else CHECK_FALSE(failed("middle"));
    return failed("middle");
  }));
  CHECK(most == 1);
  CHECK(kept.runs("small"));
  CHECK(kept.runs("asks"));
  INFO(bench.status("big").message);
  CHECK(bench.status("big").message.find("Threshold quantity: 100Mi, available: 50Mi. Container c was using ") !=
        std::string::npos);
  CHECK(bench.core().pressures().memory);
  REQUIRE(kept.until([&] { return !bench.core().pressures().memory; }));
  CHECK(kept.runs("small"));
}

TEST_CASE("real: everything a node may run short of is measured here", "[edge][housekeeping]") {
  NEEDS_CONTAINERS();
  EdgeNode node({"", 0, 8 * kMi});
  REQUIRE_OK(make_dirs(node.paths().images(), 0700));
  Supplies supplies = measure_supplies(node.paths());
  for (EvictionSignal signal :
       {EvictionSignal::kMemoryAvailable, EvictionSignal::kNodefsAvailable, EvictionSignal::kNodefsInodesFree,
        EvictionSignal::kImagefsAvailable, EvictionSignal::kImagefsInodesFree, EvictionSignal::kPidAvailable}) {
    INFO(signal_name(signal));
    REQUIRE(supplies.count(signal) == 1);
    CHECK(supplies[signal].available > 0);
    CHECK(supplies[signal].available <= supplies[signal].capacity);
  }
  CHECK(supplies[EvictionSignal::kNodefsAvailable].capacity == 8 * kMi);
  CHECK_FALSE(has_own_image_disk(node.paths()));
  CHECK(tree_entries(node.paths().images()) >= 1);
}
