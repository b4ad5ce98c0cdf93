// A core with a journal that becomes durable only when told to, and a clock that goes a second on with each turn.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/core/core.h"
#include "reconciler/store/memory_journal.h"

namespace mainstay::test {

inline Now at(int64_t seconds) {
  return {WallTime{std::chrono::seconds{1'700'000'000 + seconds}}, MonoTime{std::chrono::seconds{seconds}}};
}

// One process: what the journal holds outlives it.
struct CoreLife {
  MemoryJournal& journal;
  std::unique_ptr<Core> core;
  std::vector<Message> words;        // of the journal, for the next turn
  std::vector<Answer> answers;
  std::vector<DraftRequest> drafts;  // asked for and not made yet
  std::vector<std::string> log, reads;  // reads: commits asked for
  Now now;

  CoreLife(MemoryJournal& given, CoreSettings settings, Now start) : journal(given), now(start) {
    Result<Loaded> loaded = journal.load();
    REQUIRE(loaded.ok());
    core = std::make_unique<Core>(std::move(settings), std::move(*loaded), now, 1);
    JournalListener listener;
    listener.durable = [this](const JournalDurable& word) { words.push_back(word); };
    listener.refused = [this](const JournalRefused& word) { words.push_back(word); };
    journal.start(listener);
  }

  Effects turn(std::vector<Message> messages = {}) {
    for (Message& word : std::exchange(words, {})) messages.push_back(std::move(word));
    now.mono = now.mono + std::chrono::seconds{1};
    now.wall = now.wall + std::chrono::seconds{1};
    Effects effects = core->turn(now, std::move(messages));
    if (effects.batch) journal.append(*effects.batch);
    for (const Answer& answer : effects.answers) answers.push_back(answer);
    for (const DraftRequest& request : effects.drafts) drafts.push_back(request);
    for (const std::string& line : effects.log) log.push_back(line);
    for (const SourceRequest& read : effects.reads) reads.push_back(read.commit);
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

struct OwnJournal {
  MemoryJournal own{"cluster"};
};

// A process with a journal of its own, at rest.
struct CoreFixture : OwnJournal, CoreLife {
  explicit CoreFixture(CoreSettings settings = {}) : CoreLife(own, std::move(settings), at(0)) { settle(); }
};

}  // namespace mainstay::test
