// The doors with a crash point before and after every operation that changes the world. Once the agent is over,
// every call fails and nothing is done.
#pragma once

#include "nodeagent/door_executor.h"
#include "tests/nodeagent/crash_point.h"

namespace mainstay::test {

// What all four share. `call` is carried out between two points.
class CrashDoor {
 public:
  explicit CrashDoor(CrashPoint& point) : point_(point) {}

 protected:
  static Error over() { return error(ErrorCode::kCancelled, "the agent is over"); }
  template <typename Call>
  auto step(const char* what, Call call) -> decltype(call()) {
    if (!point_.reach("before", what)) return over();
    auto out = call();
    if (!point_.reach("after", what)) return over();
    return out;
  }
  template <typename Call>
  auto look(Call call) -> decltype(call()) {
    if (point_.ended.load()) return over();
    return call();
  }

  CrashPoint& point_;
};

class CrashImages : public Images, CrashDoor {
 public:
  CrashImages(Images& images, CrashPoint& point) : CrashDoor(point), images_(images) {}
  Result<std::optional<Image>> present(const std::string& ref) override {
    return look([&] { return images_.present(ref); });
  }
  Result<Image> pull(const PullRequest& request) override {
    return step("images.pull", [&] { return images_.pull(request); });
  }
  Result<std::vector<Image>> import_archive(const std::string& path, const std::string& name) override {
    return step("images.import", [&] { return images_.import_archive(path, name); });
  }
  Result<std::vector<Image>> list() override {
    return look([&] { return images_.list(); });
  }
  Status remove(const std::string& ref) override {
    return step("images.remove", [&] { return images_.remove(ref); });
  }
  Result<uint64_t> collect(const std::vector<std::string>& layers_in_use) override {
    return step("images.collect", [&] { return images_.collect(layers_in_use); });
  }

 private:
  Images& images_;
};

class CrashNetwork : public Network, CrashDoor {
 public:
  CrashNetwork(Network& network, CrashPoint& point) : CrashDoor(point), network_(network) {}
  Result<PodNetwork> add(const std::string& uid) override {
    return step("network.add", [&] { return network_.add(uid); });
  }
  Status publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) override {
    return step("network.publish_ports", [&] { return network_.publish_ports(uid, ports); });
  }
  Status del(const std::string& uid) override {
    return step("network.del", [&] { return network_.del(uid); });
  }
  Result<std::vector<PodNetwork>> list() override {
    return look([&] { return network_.list(); });
  }
  Status check(const std::string& uid) override {
    return look([&] { return network_.check(uid); });
  }
  Result<bool> repair_rules() override {
    return step("network.repair_rules", [&] { return network_.repair_rules(); });
  }
  Status remove_rules() override {
    return step("network.remove_rules", [&] { return network_.remove_rules(); });
  }

 private:
  Network& network_;
};

class CrashVolumes : public Volumes, CrashDoor {
 public:
  CrashVolumes(Volumes& volumes, CrashPoint& point) : CrashDoor(point), volumes_(volumes) {}
  Result<std::string> prepare(const std::string& uid, const VolumeSpec& volume) override {
    return step(("volumes.prepare " + volume.name).c_str(), [&] { return volumes_.prepare(uid, volume); });
  }
  Result<std::string> sub_path(const std::string& uid, const VolumeSpec& volume, const std::string& path,
                               const std::string& slot) override {
    return step("volumes.sub_path", [&] { return volumes_.sub_path(uid, volume, path, slot); });
  }
  Result<std::string> write_etc(const std::string& uid, const EtcFiles& files) override {
    return step("volumes.write_etc", [&] { return volumes_.write_etc(uid, files); });
  }
  Status remove(const std::string& uid) override {
    return step("volumes.remove", [&] { return volumes_.remove(uid); });
  }
  Result<std::vector<std::string>> list() override {
    return look([&] { return volumes_.list(); });
  }

 private:
  Volumes& volumes_;
};

class CrashRuntime : public Runtime, CrashDoor {
 public:
  CrashRuntime(Runtime& runtime, CrashPoint& point) : CrashDoor(point), runtime_(runtime) {}
  std::string version() const override { return runtime_.version(); }
  Status make_sandbox(const SandboxSpec& spec) override {
    return step("runtime.make_sandbox", [&] { return runtime_.make_sandbox(spec); });
  }
  Status remove_sandbox(const std::string& uid) override {
    return step("runtime.remove_sandbox", [&] { return runtime_.remove_sandbox(uid); });
  }
  Result<RuntimeContainer> start(const ContainerSpec& spec) override {
    return step(("runtime.start " + spec.key.container).c_str(), [&] { return runtime_.start(spec); });
  }
  Status stop(const ContainerKey& key) override {
    return step("runtime.stop", [&] { return runtime_.stop(key); });
  }
  Status kill(const ContainerKey& key) override {
    return step("runtime.kill", [&] { return runtime_.kill(key); });
  }
  Status remove(const ContainerKey& key) override {
    return step("runtime.remove", [&] { return runtime_.remove(key); });
  }
  Result<RuntimeContainer> status(const ContainerKey& key) override {
    return look([&] { return runtime_.status(key); });
  }
  Result<RuntimeList> list() override {
    return look([&] { return runtime_.list(); });
  }
  Result<ExecResult> exec(const ContainerKey& key, const std::vector<std::string>& argv, Duration timeout,
                          size_t max_output) override {
    return step(("runtime.exec " + argv.at(0)).c_str(), [&] { return runtime_.exec(key, argv, timeout, max_output); });
  }
  void cancel_execs() override { runtime_.cancel_execs(); }
  Result<bool> wait_exit(Duration timeout) override {
    return look([&] { return runtime_.wait_exit(timeout); });
  }
  Result<std::string> log_path(const ContainerKey& key) override { return runtime_.log_path(key); }
  Result<bool> rotate_log(const ContainerKey& key, uint64_t max_bytes, int max_files) override {
    return step("runtime.rotate_log", [&] { return runtime_.rotate_log(key, max_bytes, max_files); });
  }

 private:
  Runtime& runtime_;
};

}  // namespace mainstay::test
