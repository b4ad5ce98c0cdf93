// The Executor of `--runtime simulated`: a SimulatedNode with a clock and one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nodeagent/executor.h"

namespace mainstay {

// `ended` is called (any thread) when a simulated container has ended by itself.
std::unique_ptr<Executor> make_timed_executor(std::string network, Executor::Deliver deliver,
                                              std::function<void()> ended);

}  // namespace mainstay
