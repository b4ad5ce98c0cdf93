#include "nodeagent/timed_executor.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "nodeagent/simulated_node.h"
#include "schema/base/clock.h"

namespace mainstay {
namespace {

class TimedExecutor : public Executor {
 public:
  TimedExecutor(std::string network, Deliver deliver, std::function<void()> ended)
      : node_(std::move(network)),
        deliver_(std::move(deliver)),
        ended_(std::move(ended)),
        thread_([this] { run(); }) {}
  ~TimedExecutor() override { stop(); }

  void submit(Operation operation) override {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    SimulatedNode::Reply reply = node_.carry_out(operation, read_clock());
    due_.emplace(reply.at, std::move(reply.result));
    changed_.notify_one();
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Takes what is due; waits until something is.
  std::vector<OperationResult> take_due(bool& ended) {
    std::unique_lock lock(mutex_);
    std::vector<OperationResult> out;
    while (!stopping_) {
      Now now = read_clock();
      ended = node_.advance(now);
      while (!due_.empty() && due_.begin()->first <= now.mono) {
        out.push_back(std::move(due_.begin()->second));
        due_.erase(due_.begin());
      }
      if (ended || !out.empty()) return out;
      std::optional<MonoTime> next = node_.next_end();
      if (!due_.empty() && (!next || due_.begin()->first < *next)) next = due_.begin()->first;
      if (next) {
        changed_.wait_for(lock, *next - now.mono);
      } else {
        changed_.wait(lock);
      }
    }
    return out;
  }

  void run() {
    for (;;) {
      bool ended = false;
      std::vector<OperationResult> results = take_due(ended);
      for (OperationResult& result : results) deliver_(std::move(result));
      if (ended) ended_();
      std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  SimulatedNode node_;
  std::multimap<MonoTime, OperationResult> due_;
  bool stopping_ = false;
  const Deliver deliver_;
  const std::function<void()> ended_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Executor> make_timed_executor(std::string network, Executor::Deliver deliver,
                                              std::function<void()> ended) {
  return std::make_unique<TimedExecutor>(std::move(network), std::move(deliver), std::move(ended));
}

}  // namespace mainstay
