// Executor: whoever carries the agent's operations out. Results come back through the callback given at
// construction, from any thread, once per operation. Operations of one pod are carried out one after another in
// the order they were submitted; images and probes run beside them.
#pragma once

#include <functional>

#include "nodeagent/operation.h"

namespace mainstay {

class Executor {
 public:
  using Deliver = std::function<void(OperationResult)>;
  virtual ~Executor() = default;

  // Never waits; any thread.
  virtual void submit(Operation operation) = 0;
  // No result is delivered after this returns. Operations under way are finished, queued ones dropped.
  virtual void stop() = 0;
};

}  // namespace mainstay
