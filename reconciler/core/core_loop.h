// CoreLoop: the one thread that turns the core, and the door through which every other thread speaks to it.
// It reads the clock, collects messages, calls Core::turn, hands batches to the journal and lets answers and
// publications out once they are durable. Everything public may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reconciler/core/messages.h"

namespace mainstay {

class Core;

class CoreLoop {
 public:
  // Called on the core thread, in order, with what is durable; must return quickly and not call back into request().
  struct Listeners {
    std::function<void(std::shared_ptr<const Publication>)> published;
    std::function<void(const StatusPost&)> post;
    std::function<void(const SourceRequest&)> read;
  };

  // `journal` must outlive the loop.
  CoreLoop(std::unique_ptr<Core> core, Journal& journal, Listeners listeners);
  ~CoreLoop();
  CoreLoop(const CoreLoop&) = delete;
  CoreLoop& operator=(const CoreLoop&) = delete;

  void start();
  // Finishes the turn under way; waiting requests are answered 503.
  void stop();

  // The newest durable state; never null after construction.
  std::shared_ptr<const Publication> current() const;

  // False while the journal refuses writes; `why` then says so in a sentence.
  struct Readiness {
    bool ready = true;
    std::string why;
  };
  Readiness readiness() const;

  // Adds a listener for publications; before start() only.
  void on_publication(std::function<void(std::shared_ptr<const Publication>)> listener);

  // Sends a message nobody waits for.
  void post(Message message);
  // Sends a request; `done` is called once, on the core thread, when the answer may be let out. Waits while the
  // inbox is full; after stop() it is answered 503 at once.
  using Done = std::function<void(Answer)>;
  void request(ApiWrite write, Done done);
  void request(ReportIn report, Done done);
  void request(ApplicationOrder order, Done done);

  struct Counters {
    uint64_t turns = 0, messages = 0, batches = 0, changes = 0;
    Duration longest_turn{0};
  };
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
