#include "nodeagent/operation_lanes.h"

#include <variant>

namespace mainstay {

void OperationLanes::push(Operation operation) {
  bool pull = std::holds_alternative<EnsureImage>(operation.body);
  Lane& lane = lanes_[pull ? "image" : "pod:" + operation.uid];
  if (pull) lane.width = pulls_at_once_;
  lane.queue.push_back(std::move(operation));
}

std::optional<std::pair<std::string, Operation>> OperationLanes::take() {
  auto oldest = lanes_.end();
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    if (lane->second.queue.empty() || lane->second.running >= lane->second.width) continue;
    bool older = oldest == lanes_.end() || lane->second.queue.front().id < oldest->second.queue.front().id;
    if (older) oldest = lane;
  }
  if (oldest == lanes_.end()) return std::nullopt;
  auto& [name, lane] = *oldest;
  Operation operation = std::move(lane.queue.front());
  lane.queue.pop_front();
  ++lane.running;
  return std::pair{name, std::move(operation)};
}

void OperationLanes::done(const std::string& lane) {
  auto found = lanes_.find(lane);
  if (--found->second.running == 0 && found->second.queue.empty()) lanes_.erase(found);
}

}  // namespace mainstay
