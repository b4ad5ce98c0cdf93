// OperationLanes: operations that wait to be carried out, and whose turn it is. Operations of one pod are carried
// out one after another. An image is first looked for on the node, which waits for nobody; pulls follow in lanes of
// their registries, so that one that does not answer does not keep all others waiting. Pure; its owner locks.
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
  // At most so many pulls at once, and of one registry.
  OperationLanes(size_t pulls_at_once, size_t pulls_of_registry)
      : pulls_at_once_(pulls_at_once), pulls_of_registry_(pulls_of_registry) {}

  struct Turn {
    std::string lane;
    Operation operation;
    bool pulls = false;  // an EnsureImage whose image is to be fetched; else it is only to be looked for
  };

  void push(Operation operation);
  // An EnsureImage whose image is not here.
  void push_pull(Operation operation);

  // Of the operations that may begin now, the one that has waited longest: no pod waits for ever because others
  // always have something to do. Nothing if none may begin.
  std::optional<Turn> take();

  // An operation taken from this lane has ended.
  void done(const std::string& lane);

 private:
  struct Lane {
    std::deque<Operation> queue;
    size_t running = 0;
    size_t width = 1;
    bool pulls = false;
  };
  bool may_begin(const Lane& lane) const;

  size_t pulls_at_once_;
  size_t pulls_of_registry_;
  size_t pulling_ = 0;
  std::map<std::string, Lane> lanes_;
};

}  // namespace mainstay
