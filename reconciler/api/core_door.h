// What the API needs of the core, as functions, so that tests can stand in for it.
#pragma once

#include <functional>
#include <memory>

#include "reconciler/core/messages.h"

namespace mainstay {
class CoreLoop;
}

namespace mainstay::api {

struct CoreDoor {
  // The newest durable state; never null.
  std::function<std::shared_ptr<const Publication>()> current;
  // Sends a request; `done` is called once, on the core's thread, when the answer may be let out.
  std::function<void(ApiWrite, std::function<void(Answer)> done)> write;
  std::function<void(ReportIn, std::function<void(Answer)> done)> report;
  std::function<void(ApplicationOrder, std::function<void(Answer)> done)> order;
  // "" while the store takes writes; else why not, in a sentence.
  std::function<std::string()> trouble;
};

// `core` must outlive the door.
CoreDoor door_to(CoreLoop& core);

}  // namespace mainstay::api
