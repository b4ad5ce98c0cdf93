// The Executor of a real node: a small pool of threads over the doors.
#pragma once

#include <memory>

#include "nodeagent/doors.h"
#include "nodeagent/executor.h"
#include "nodeagent/service_tokens.h"

namespace mainstay {

struct Doors {
  Images& images;
  Network& network;
  Volumes& volumes;
  Runtime& runtime;
};

// The doors must outlive it. `issue` is asked for the ServiceAccount tokens of pods; it may be empty.
std::unique_ptr<Executor> make_door_executor(Doors doors, size_t threads, Executor::Deliver deliver,
                                             IssueToken issue = {});

}  // namespace mainstay
