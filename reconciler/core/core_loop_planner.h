// Planner: the thread that makes the core's drafts (plan/draft.h), one after another. Ends with what it is at;
// drafts that wait then are dropped. Any thread may ask.
#pragma once

#include <functional>
#include <thread>

#include "reconciler/core/messages.h"
#include "schema/base/inbox.h"

namespace mainstay {

class Planner {
 public:
  // `done` is called on the planner's thread; it must not wait for the core to turn.
  explicit Planner(std::function<void(Draft)> done);
  ~Planner();
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;

  // Never waits: the core asks for one draft after another.
  void ask(DraftRequest request);

 private:
  void run();

  const std::function<void(Draft)> done_;
  Inbox<DraftRequest> inbox_;
  std::thread thread_;
};

}  // namespace mainstay
