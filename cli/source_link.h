// The wires between a source's worker and the core: reports become messages, commit statuses go to the forge.
#pragma once

#include <memory>
#include <string>

#include "cli/config.h"
#include "gitsync/worker.h"
#include "reconciler/core/core_loop.h"

namespace mainstay {

// What a report says, as the core takes it.
SourceNews news_of(const SourceReport& report);

// Starts the worker of the configured application; its news go to `core`. `last_commit` is the one applied last.
Result<std::unique_ptr<SourceWorker>> start_source(const ServerConfig& config, const std::string& last_commit,
                                                   CoreLoop& core);

// A thread that posts commit statuses, de-duplicated and retried. Any thread may add.
class StatusPoster {
 public:
  // kInvalid if the forge cannot be told from the address.
  static Result<std::unique_ptr<StatusPoster>> start(const ServerConfig& config);
  ~StatusPoster();
  void add(const StatusPost& post);

 private:
  struct State;
  explicit StatusPoster(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
