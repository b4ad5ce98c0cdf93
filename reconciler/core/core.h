// Core: everything the daemon decides, as a function of (state, messages, now). One thread turns it; it reads
// no clock, socket, file or random device, so a simulation turns the same code in virtual time from one seed.
// Turns run ahead of durability; answers and publications do not: they wait in here for the journal's word.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/control/controller.h"
#include "reconciler/core/application.h"
#include "reconciler/core/messages.h"
#include "schema/base/rng.h"
#include "schema/base/time.h"

namespace mainstay {

struct CoreSettings {
  ControlSettings control;
  std::vector<ApplicationSettings> applications;
  // Keys reconciled in one turn before messages are looked at again; bounds how long a turn can last.
  size_t keys_per_turn = 1024;
  std::string version = "v1.33.0+mainstay";
};

class Core {
 public:
  // `loaded` is what the journal held; `seed` starts every random choice.
  Core(CoreSettings settings, Loaded loaded, Now now, uint64_t seed);
  ~Core();

  // One turn: absorb, reconcile, place, seal. Never fails: refusals are answers.
  Effects turn(Now now, std::vector<Message> messages);

  // When to turn again if no message comes sooner; nothing if only messages matter.
  std::optional<MonoTime> next_wake() const;

  // The newest durable state. Never null.
  std::shared_ptr<const Publication> published() const;
  // The speculative head, for tests and audits.
  const Snapshot& head() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
