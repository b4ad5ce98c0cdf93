#include "tests/nodeagent/fake_world.h"

#include <memory>

#include "nodeagent/node_paths.h"

namespace mainstay::test {

using State = ProcessStatus::State;
using Guard = std::lock_guard<std::mutex>;

void FakeWorld::end(RuntimeContainer& container, int code) {
  if (container.status.state != State::kRunning) return;
  container.status.state = State::kExited;
  container.status.pid = 0;
  container.status.exit_code = code;
  container.status.finished_at = now.wall;
  ended = true;
}

void FakeWorld::end_first_attempt() {
  Guard guard(mutex);
  auto found = containers.find({uid, "main", 0});
  if (found != containers.end()) end(found->second, 3);
}

std::string FakeWorld::configuration() {
  Guard guard(mutex);
  for (const VolumeFile& file : volumes[uid]["config"].files) return file.bytes;
  return "";
}

std::vector<std::string> FakeWorld::left() {
  Guard guard(mutex);
  std::vector<std::string> out;
  for (const auto& [name, image] : images) out.push_back("image " + name);
  for (const std::string& layer : layers) out.push_back("layer " + layer);
  for (const auto& [uid, network] : networks) out.push_back("network " + uid);
  for (const auto& [uid, some] : volumes) {
    if (!some.empty()) out.push_back("volumes " + uid);
  }
  for (const std::string& uid : etc) out.push_back("files " + uid);
  for (const auto& [uid, sandbox] : sandboxes) out.push_back("sandbox " + uid);
  for (const auto& [key, container] : containers) out.push_back("container " + container_id(key));
  return out;
}

namespace {

struct FakeImages : Images {
  explicit FakeImages(FakeWorld& w) : world(w) {}
  FakeWorld& world;
  Result<std::optional<Image>> present(const std::string& ref) override {
    Guard guard(world.mutex);
    auto found = world.images.find(ref);
    return found == world.images.end() ? std::optional<Image>() : std::optional<Image>(found->second);
  }
  Result<Image> pull(const PullRequest&) override { return error(ErrorCode::kUnavailable, "no registry"); }
  Result<std::vector<Image>> import_archive(const std::string&, const std::string& name) override {
    Guard guard(world.mutex);
    Image image;
    image.name = name;
    image.id = image.digest = "sha256:" + std::string(64, 'a');
    image.layers = {"layer"};
    world.layers.insert("layer");
    world.images[name] = image;
    return std::vector<Image>{image};
  }
  Result<std::vector<Image>> list() override {
    Guard guard(world.mutex);
    std::vector<Image> out;
    for (const auto& [name, image] : world.images) out.push_back(image);
    return out;
  }
  Status remove(const std::string& ref) override {
    Guard guard(world.mutex);
    world.images.erase(ref);
    return {};
  }
  Result<uint64_t> collect(const std::vector<std::string>& in_use) override {
    Guard guard(world.mutex);
    if (world.images.empty() && in_use.empty()) world.layers.clear();
    return uint64_t{1};
  }
};

struct FakeNetwork : Network {
  explicit FakeNetwork(FakeWorld& w) : world(w) {}
  FakeWorld& world;
  Result<PodNetwork> add(const std::string& uid) override {
    Guard guard(world.mutex);
    auto [found, fresh] = world.networks.try_emplace(uid);
    if (fresh) found->second = {uid, "10.88.0.2", "/run/netns/" + uid, "veth0", {}};
    return found->second;
  }
  Status publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) override {
    Guard guard(world.mutex);
    auto found = world.networks.find(uid);
    if (found == world.networks.end()) return error(ErrorCode::kNotFound, "no network");
    found->second.ports = ports;
    return {};
  }
  Status del(const std::string& uid) override {
    Guard guard(world.mutex);
    for (const auto& [key, container] : world.containers) {
      bool runs = key.uid == uid && container.status.state == State::kRunning;
      if (runs) world.faults.push_back("the network went from under " + container_id(key));
    }
    world.networks.erase(uid);
    return {};
  }
  Result<std::vector<PodNetwork>> list() override {
    Guard guard(world.mutex);
    std::vector<PodNetwork> out;
    for (const auto& [uid, network] : world.networks) out.push_back(network);
    return out;
  }
  Status check(const std::string&) override { return {}; }
  Result<bool> repair_rules() override { return false; }
  Status remove_rules() override { return {}; }
};

struct FakeVolumes : Volumes {
  explicit FakeVolumes(FakeWorld& w) : world(w) {}
  FakeWorld& world;
  Result<std::string> prepare(const std::string& uid, const VolumeSpec& volume) override {
    if (volume.kind == VolumeSpec::Kind::kHostPath) return volume.host_path;
    Guard guard(world.mutex);
    world.volumes[uid][volume.name] = volume;
    return "/volumes/" + volume.name;
  }
  Result<std::string> sub_path(const std::string& uid, const VolumeSpec& volume, const std::string&,
                               const std::string& slot) override {
    auto prepared = prepare(uid, volume);
    return prepared.ok() ? Result<std::string>("/subpaths/" + slot) : prepared;
  }
  Result<std::string> write_etc(const std::string& uid, const EtcFiles&) override {
    Guard guard(world.mutex);
    world.etc.insert(uid);
    return std::string("/etc");
  }
  Status remove(const std::string& uid) override {
    Guard guard(world.mutex);
    world.volumes.erase(uid);
    world.etc.erase(uid);
    return {};
  }
  Result<std::vector<std::string>> list() override {
    Guard guard(world.mutex);
    std::set<std::string> out = world.etc;
    for (const auto& [uid, some] : world.volumes) {
      if (!some.empty()) out.insert(uid);
    }
    return std::vector<std::string>(out.begin(), out.end());
  }
};

struct FakeRuntime : Runtime {
  explicit FakeRuntime(FakeWorld& w) : world(w) {}
  FakeWorld& world;
  std::string version() const override { return "fake://1"; }
  Status make_sandbox(const SandboxSpec& spec) override {
    Guard guard(world.mutex);
    world.sandboxes[spec.uid] = spec;
    return {};
  }
  Status remove_sandbox(const std::string& uid) override {
    Guard guard(world.mutex);
    std::erase_if(world.containers, [&](auto& one) { return one.first.uid == uid; });
    world.sandboxes.erase(uid);
    return {};
  }
  Result<RuntimeContainer> start(const ContainerSpec& spec) override {
    Guard guard(world.mutex);
    const ContainerKey& key = spec.key;
    if (world.sandboxes.count(key.uid) == 0) return error(ErrorCode::kConflict, "no sandbox");
    if (auto found = world.containers.find(key); found != world.containers.end()) return found->second;
    for (const auto& [other, container] : world.containers) {
      bool twice = other.uid == key.uid && other.container == key.container;
      if (twice && container.status.state == State::kRunning) world.faults.push_back("two of " + key.container);
    }
    for (const std::string& layer : spec.image.layers) {
      if (world.layers.count(layer) == 0) world.faults.push_back(key.container + " without its image");
    }
    if (world.networks.count(key.uid) == 0 || world.etc.count(key.uid) == 0) {
      world.faults.push_back(key.container + " without network or files");
    }
    world.starts[key.container]++;
    RuntimeContainer& container = world.containers[key];
    container.key = key;
    container.id = container_id(key);
    container.note = spec.note;
    container.image_name = spec.image.name;
    container.status.state = State::kRunning;
    container.status.pid = 1;
    container.status.started_at = world.now.wall;
    if (key.container == "init") world.end(container, 0);
    return container;
  }
  Status stop(const ContainerKey& key) override {
    Guard guard(world.mutex);
    auto found = world.containers.find(key);
    if (found != world.containers.end()) world.end(found->second, 0);
    return {};
  }
  Status kill(const ContainerKey& key) override {
    Guard guard(world.mutex);
    world.faults.push_back("killed " + container_id(key));
    auto found = world.containers.find(key);
    if (found != world.containers.end()) world.end(found->second, 137);
    return {};
  }
  Status remove(const ContainerKey& key) override {
    Guard guard(world.mutex);
    auto found = world.containers.find(key);
    bool runs = found != world.containers.end() && found->second.status.state == State::kRunning;
    if (runs) world.faults.push_back("removed while it ran: " + container_id(key));
    world.containers.erase(key);
    return {};
  }
  Result<RuntimeContainer> status(const ContainerKey& key) override {
    Guard guard(world.mutex);
    auto found = world.containers.find(key);
    if (found == world.containers.end()) return error(ErrorCode::kNotFound, "no such container");
    return found->second;
  }
  Result<RuntimeList> list() override {
    Guard guard(world.mutex);
    RuntimeList out;
    for (const auto& [uid, sandbox] : world.sandboxes) out.sandboxes.push_back({sandbox, true});
    for (const auto& [key, container] : world.containers) out.containers.push_back(container);
    return out;
  }
  Result<ExecResult> exec(const ContainerKey& key, const std::vector<std::string>& argv, Duration, size_t) override {
    Guard guard(world.mutex);
    auto found = world.containers.find(key);
    bool runs = found != world.containers.end() && found->second.status.state == State::kRunning;
    if (!runs) return error(ErrorCode::kNotFound, "it does not run");
    for (const char* hook : {"post", "pre"}) {
      if (argv.back().starts_with(std::string("echo ") + hook + " ")) {
        world.hooks.insert(hook + (" " + std::to_string(key.attempt)));
      }
    }
    return ExecResult{};
  }
  void cancel_execs() override {}
  Result<bool> wait_exit(Duration) override { return false; }
  Result<std::string> log_path(const ContainerKey&) override { return std::string("/log"); }
  Result<bool> rotate_log(const ContainerKey&, uint64_t, int) override { return false; }
};

}  // namespace

struct FakeDoors::All {
  explicit All(FakeWorld& world) : images(world), network(world), volumes(world), runtime(world) {}
  FakeImages images;
  FakeNetwork network;
  FakeVolumes volumes;
  FakeRuntime runtime;
};

FakeDoors::FakeDoors(FakeWorld& world) : all_(std::make_unique<All>(world)) {}
FakeDoors::~FakeDoors() = default;
Doors FakeDoors::doors() { return {all_->images, all_->network, all_->volumes, all_->runtime}; }

}  // namespace mainstay::test
