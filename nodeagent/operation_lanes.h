// OperationLanes: operations that wait to be carried out, and whose turn it is. Operations of one pod are carried
// out one after another; pulls of images share a wide lane. Pure; its owner locks.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "nodeagent/operation.h"

namespace mainstay {

class OperationLanes {
 public:
  explicit OperationLanes(size_t pulls_at_once) : pulls_at_once_(pulls_at_once) {}

  void push(Operation operation);

  // Of the operations that may begin now, the one that has waited longest, with its lane: no pod waits for ever
  // because others always have something to do. Nothing if none may begin.
  std::optional<std::pair<std::string, Operation>> take();

  // An operation taken from this lane has ended.
  void done(const std::string& lane);

 private:
  struct Lane {
    std::deque<Operation> queue;
    size_t running = 0;
    size_t width = 1;
  };

  size_t pulls_at_once_;
  std::map<std::string, Lane> lanes_;
};

}  // namespace mainstay
