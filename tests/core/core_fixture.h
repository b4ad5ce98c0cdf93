// A core with a journal that becomes durable only when told to, and a clock that goes a second on with each turn.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "reconciler/core/core.h"
#include "reconciler/store/memory_journal.h"

namespace mainstay::test {

inline Now at(int64_t seconds) {
  return {WallTime{std::chrono::seconds{1'700'000'000 + seconds}}, MonoTime{std::chrono::seconds{seconds}}};
}

struct CoreFixture {
  MemoryJournal journal{"cluster"};
  std::unique_ptr<Core> core;
  std::vector<Message> words;        // of the journal, for the next turn
  std::vector<Answer> answers;
  std::vector<DraftRequest> drafts;  // asked for and not made yet
  int64_t seconds = 0;

  explicit CoreFixture(CoreSettings settings = {}) {
    Result<Loaded> loaded = journal.load();
    REQUIRE(loaded.ok());
    core = std::make_unique<Core>(std::move(settings), std::move(*loaded), at(0), 1);
    JournalListener listener;
    listener.durable = [this](const JournalDurable& word) { words.push_back(word); };
    listener.refused = [this](const JournalRefused& word) { words.push_back(word); };
    journal.start(listener);
    settle();
  }

  Effects turn(std::vector<Message> messages = {}) {
    for (Message& word : std::exchange(words, {})) messages.push_back(std::move(word));
    Effects effects = core->turn(at(++seconds), std::move(messages));
    if (effects.batch) journal.append(*effects.batch);
    for (const Answer& answer : effects.answers) answers.push_back(answer);
    for (const DraftRequest& request : effects.drafts) drafts.push_back(request);
    return effects;
  }
  // Everything durable and quiet.
  void settle() {
    for (int i = 0; i < 10; ++i) {
      turn();
      journal.deliver_all();
    }
    turn();
  }
};

}  // namespace mainstay::test
