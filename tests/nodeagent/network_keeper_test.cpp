// The keeper of the network's state: the newest wins, what fails is tried again, and it outlives the agent.
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>

#include "nodeagent/disk.h"
#include "nodeagent/local_state.h"
#include "nodeagent/network_keeper.h"
#include "tests/nodeagent/edge_images.h"

namespace mainstay {
namespace {

using test::TempDir;

// Fails as often as told, and can be held inside apply().
class FlakyNetwork : public NodeNetwork {
 public:
  Status apply(NetworkStatePtr state) override {
    std::unique_lock lock(mutex_);
    ++tries_;
    entered_.notify_all();
    entered_.wait(lock, [this] { return !held_; });
    if (failures_ > 0) {
      --failures_;
      return failed("not now");
    }
    applied_.push_back(state->at.number);
    last_ = std::move(state);
    entered_.notify_all();
    return {};
  }
  Result<bool> repair() override {
    std::lock_guard lock(mutex_);
    ++repairs_;
    entered_.notify_all();
    return false;
  }
  Status remove() override { return {}; }

  void fail(int times) {
    std::lock_guard lock(mutex_);
    failures_ = times;
  }
  void hold(bool held) {
    std::lock_guard lock(mutex_);
    held_ = held;
    entered_.notify_all();
  }
  bool wait_for(const std::function<bool()>& what) {
    std::unique_lock lock(mutex_);
    return entered_.wait_for(lock, std::chrono::seconds{30}, what);
  }
  std::vector<uint64_t> applied_;
  NetworkStatePtr last_;
  int tries_ = 0, repairs_ = 0;

 private:
  std::mutex mutex_;
  std::condition_variable entered_;
  int failures_ = 0;
  bool held_ = false;
};

NetworkUpdate update(uint64_t from, uint64_t to, const std::string& node) {
  NetworkUpdate out;
  out.at = {1, to};
  out.from = {1, from};
  out.whole = from == 0;
  out.digest = "d" + std::to_string(to);
  out.items = {{"node/" + node, R"({"address":"192.0.2.1"})"}};
  return out;
}

NetworkKeeper::Settings quick() {
  NetworkKeeper::Settings out;
  out.repair_every = 20ms;
  out.save_every = 5ms;
  out.first_retry = 1ms;
  out.longest_retry = 5ms;
  return out;
}

NodePaths paths_in(const TempDir& dir) {
  NodePaths out;
  out.data_dir = out.run_dir = dir.path();
  return out;
}

}  // namespace

TEST_CASE("network keeper: what fails is tried again, what holds is repaired") {
  TempDir dir;
  FlakyNetwork network;
  network.fail(3);
  NetworkKeeper keeper(paths_in(dir), network, quick());
  keeper.start();
  Result<bool> news = keeper.take(update(0, 5, "n1"));
  REQUIRE(news.ok());
  CHECK(*news);
  CHECK(network.wait_for([&] { return network.applied_ == std::vector<uint64_t>{5}; }));
  CHECK(network.tries_ == 4);
  CHECK(network.wait_for([&] { return network.repairs_ >= 2; }));
  keeper.stop();
}

TEST_CASE("network keeper: a trouble is told when it was met twice, once, and again when it comes back") {
  TempDir dir;
  FlakyNetwork network;
  std::atomic<int> told = 0;
  NetworkKeeper::Settings settings = quick();
  settings.troubled = [&](const std::string& trouble) { told += trouble == "not now" ? 1 : 100; };
  NetworkKeeper keeper(paths_in(dir), network, settings);
  keeper.start();
  auto applied = [&](uint64_t number) {
    return network.wait_for([&] { return !network.applied_.empty() && network.applied_.back() == number; });
  };
  network.fail(1);
  REQUIRE(keeper.take(update(0, 1, "a")).value());
  REQUIRE(applied(1));
  network.fail(4);
  REQUIRE(keeper.take(update(1, 2, "b")).value());
  REQUIRE(applied(2));
  CHECK(told == 1);
  network.fail(2);
  REQUIRE(keeper.take(update(2, 3, "c")).value());
  REQUIRE(applied(3));
  keeper.stop();
  CHECK(told == 2);
}

TEST_CASE("network keeper: the newest state wins") {
  TempDir dir;
  FlakyNetwork network;
  network.hold(true);
  NetworkKeeper keeper(paths_in(dir), network, quick());
  keeper.start();
  REQUIRE(keeper.take(update(0, 5, "n1")).ok());
  CHECK(network.wait_for([&] { return network.tries_ == 1; }));
  for (uint64_t number = 5; number < 9; ++number) REQUIRE(keeper.take(update(number, number + 1, "n2")).ok());
  network.hold(false);
  CHECK(network.wait_for([&] { return network.applied_ == std::vector<uint64_t>{5, 9}; }));
  CHECK(keeper.seen() == AssignmentNumber{1, 9});
  keeper.stop();
}

TEST_CASE("network keeper: what does not follow is asked for whole") {
  TempDir dir;
  FlakyNetwork network;
  NetworkKeeper keeper(paths_in(dir), network, quick());
  keeper.start();
  AgentHas has;
  keeper.present(has);
  CHECK(has.network == AssignmentNumber{});
  REQUIRE(keeper.take(update(0, 5, "n1")).ok());
  keeper.present(has);
  CHECK(has.network == AssignmentNumber{1, 5});
  CHECK(has.network_digest == "d5");
  CHECK(keeper.take(update(7, 8, "n2")).error().code == ErrorCode::kConflict);
  keeper.present(has);
  CHECK(has.network == AssignmentNumber{});
  CHECK(has.network_digest.empty());
  CHECK(keeper.seen() == AssignmentNumber{1, 5});
  // A late one brings nothing new; a whole one does.
  CHECK_FALSE(*keeper.take(update(3, 4, "n3")));
  REQUIRE(*keeper.take(update(0, 8, "n2")));
  keeper.present(has);
  CHECK(has.network == AssignmentNumber{1, 8});
  CHECK(network.wait_for([&] { return !network.applied_.empty() && network.applied_.back() == 8; }));
  CHECK(network.last_->nodes.count("n1") == 0);
}

TEST_CASE("network keeper: the state is there at the next start, without a control plane") {
  TempDir dir;
  {
    RecordedNetwork network;
    NetworkKeeper keeper(paths_in(dir), network, quick());
    keeper.start();
    REQUIRE(keeper.take(update(0, 5, "n1")).ok());
    REQUIRE(keeper.take(update(5, 6, "n2")).ok());
  }
  FlakyNetwork network;
  NetworkKeeper::Settings settings = quick();
  NetworkStatePtr told;
  settings.known = [&](const NetworkStatePtr& state) { told = state; };
  NetworkKeeper keeper(paths_in(dir), network, settings);
  keeper.start();
  CHECK(network.wait_for([&] { return network.applied_ == std::vector<uint64_t>{6}; }));
  REQUIRE(told);
  CHECK(told->nodes.size() == 2);
  AgentHas has;
  keeper.present(has);
  CHECK(has.network_digest == "d6");
  // A file that cannot be read is as good as none.
  keeper.stop();
  std::string file = dir.path() + "/network.json";
  REQUIRE(write_file(file, "{\"epoch\":1,\"number\":", 0600).ok());
  CHECK_FALSE(load_network(paths_in(dir)));
}

}  // namespace mainstay
