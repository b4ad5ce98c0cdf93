// The Executor of a real node: a small pool of threads over the doors.
#pragma once

#include <memory>

#include "nodeagent/doors.h"
#include "nodeagent/executor.h"

namespace mainstay {

struct Doors {
  Images& images;
  Network& network;
  Volumes& volumes;
  Runtime& runtime;
};

// The doors must outlive it.
std::unique_ptr<Executor> make_door_executor(Doors doors, size_t threads, Executor::Deliver deliver);

}  // namespace mainstay
