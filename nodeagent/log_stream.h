// Sends a container's log up the stream the control plane asked for. Blocks until it is all sent, the reader has
// gone, or (following) the container has ended; a thread of its own each.
#pragma once

#include <functional>
#include <string>

#include "nodeagent/control_link.h"

namespace mainstay {

struct LogSource {
  std::function<Result<std::string>()> locate;  // path of the log
  std::function<bool()> running;                // more may come
  std::function<bool()> stopping;               // the agent ends
};
void serve_log(ControlLink& link, const StreamRequest& request, const LogSource& source);

}  // namespace mainstay
