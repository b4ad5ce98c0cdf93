#include "nodeagent/operation_lanes.h"

#include <variant>

#include "nodeagent/images/reference.h"

namespace mainstay {
namespace {

// Reading a few small files each.
constexpr size_t kLooksAtOnce = 2;

}  // namespace

void OperationLanes::push(Operation operation) {
  const auto* image = std::get_if<EnsureImage>(&operation.body);
  if (image != nullptr && image->policy == PullPolicy::kAlways) return push_pull(std::move(operation));
  Lane& lane = lanes_[image != nullptr ? "look" : "pod:" + operation.uid];
  if (image != nullptr) lane.width = kLooksAtOnce;
  lane.queue.push_back(std::move(operation));
}

void OperationLanes::push_pull(Operation operation) {
  Result<ImageReference> reference = parse_reference(std::get<EnsureImage>(operation.body).ref);
  Lane& lane = lanes_["pull:" + (reference.ok() ? reference->registry : "")];
  lane.width = pulls_of_registry_;
  lane.pulls = true;
  lane.queue.push_back(std::move(operation));
}

bool OperationLanes::may_begin(const Lane& lane) const {
  return !lane.queue.empty() && lane.running < lane.width && (!lane.pulls || pulling_ < pulls_at_once_);
}

std::optional<OperationLanes::Turn> OperationLanes::take() {
  auto oldest = lanes_.end();
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    if (!may_begin(lane->second)) continue;
    bool older = oldest == lanes_.end() || lane->second.queue.front().id < oldest->second.queue.front().id;
    if (older) oldest = lane;
  }
  if (oldest == lanes_.end()) return std::nullopt;
  auto& [name, lane] = *oldest;
  Turn turn{name, std::move(lane.queue.front()), lane.pulls};
  lane.queue.pop_front();
  ++lane.running;
  if (lane.pulls) ++pulling_;
  return turn;
}

void OperationLanes::done(const std::string& name) {
  auto found = lanes_.find(name);
  if (found->second.pulls) --pulling_;
  if (--found->second.running == 0 && found->second.queue.empty()) lanes_.erase(found);
}

}  // namespace mainstay
