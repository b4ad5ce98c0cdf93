#include "tests/nodeagent/real_bench.h"

#include <catch2/catch.hpp>
#include <utility>

#include "nodeagent/disk.h"
#include "nodeagent/volumes/host_volumes.h"
#include "schema/base/clock.h"

namespace mainstay::test {
namespace {

class OneImage : public Images {
 public:
  explicit OneImage(Image image) : image_(std::move(image)) {}
  Result<std::optional<Image>> present(const std::string&) override { return std::optional<Image>(image_); }
  Result<Image> pull(const PullRequest&) override { return image_; }
  Result<std::vector<Image>> import_archive(const std::string&, const std::string&) override {
    return std::vector<Image>{};
  }
  Result<std::vector<Image>> list() override { return std::vector<Image>{image_}; }
  Status remove(const std::string&) override { return {}; }
  Result<uint64_t> collect(const std::vector<std::string>&) override { return uint64_t{0}; }

 private:
  Image image_;
};

class NoNetwork : public Network {
 public:
  Result<PodNetwork> add(const std::string&) override { return failed("this test has no pod network"); }
  Status publish_ports(const std::string&, const std::vector<PodHostPort>&) override { return {}; }
  Status del(const std::string&) override { return {}; }
  Result<std::vector<PodNetwork>> list() override { return std::vector<PodNetwork>{}; }
  Status check(const std::string&) override { return {}; }
  Result<bool> repair_rules() override { return false; }
  Status remove_rules() override { return {}; }
};

}  // namespace

std::unique_ptr<Images> one_image(Image image) { return std::make_unique<OneImage>(std::move(image)); }
std::unique_ptr<Network> no_network() { return std::make_unique<NoNetwork>(); }

RealBench::RealBench(RealBenchOptions how)
    : node_({.oci_runtime = "", .log_limit = 0, .disk_bytes = how.disk_bytes}), shared_(node_.dir() + "/shared") {
  REQUIRE_OK(make_dirs(shared_, 0777));
  images_ = one_image(node_.image());
  network_ = no_network();
  auto volumes = open_host_volumes(node_.paths());
  REQUIRE_OK(volumes);
  volumes_ = std::move(*volumes);
  executor_ = make_door_executor({*images_, *network_, *volumes_, node_.runtime()}, 2,
                                 [this](OperationResult result) { results_.push(std::move(result)); });
  NodeFacts facts;
  facts.name = "n1";
  facts.address = "127.0.0.1";
  facts.memory_bytes = int64_t{1} << 30;
  if (how.facts) how.facts(facts);
  core_ = std::make_unique<AgentCore>(facts, "boot", AgentMemory{});
}

RealBench::~RealBench() {
  assign({});
  CHECK(until([this] { return core_->pods().empty(); }));
  executor_->stop();
}

void RealBench::assign(std::vector<ObjectPtr> pods) {
  Assignment assignment;
  assignment.at = {1, ++number_};
  assignment.node = "n1";
  assignment.pods = std::move(pods);
  step({assignment});
}

void RealBench::step(std::vector<AgentInput> inputs) {
  bool again = true;
  while (again) {
    AgentActions actions = core_->step(read_clock(), std::exchange(inputs, {}));
    for (Operation& operation : actions.operations) executor_->submit(std::move(operation));
    again = actions.report_due;
    if (!again) return;
    NodeReport report = core_->take_report(false);
    for (PodReport& pod : report.pods) reports_[pod.name] = pod;
    events_.insert(events_.end(), report.events.begin(), report.events.end());
    inputs.emplace_back(ReportAcknowledged{report.sequence});
  }
}

bool RealBench::until(const std::function<bool()>& done) {
  MonoTime deadline = read_clock().mono + 60s;
  while (!done()) {
    if (read_clock().mono >= deadline) return false;
    std::vector<AgentInput> inputs = std::exchange(told_, {});
    for (OperationResult& result : results_.take_all(20ms)) inputs.emplace_back(std::move(result));
    if (auto ended = node_.runtime().wait_exit(Duration{0}); ended.ok() && *ended) core_->look_again();
    step(std::move(inputs));
  }
  return true;
}

std::string RealBench::event_message(const std::string& reason) const {
  for (const AgentEvent& event : events_) {
    if (event.reason == reason) return event.message;
  }
  return "";
}

}  // namespace mainstay::test
