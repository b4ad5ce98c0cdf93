// What the core remembers of an application across its own end.
#include <catch2/catch.hpp>

#include "reconciler/core/core.h"
#include "reconciler/store/memory_journal.h"

namespace mainstay {
namespace {

Now at(int64_t seconds) {
  return {WallTime{std::chrono::seconds{1'700'000'000 + seconds}}, MonoTime{std::chrono::seconds{seconds}}};
}

SourceNews broken_tip(const std::string& commit, const std::string& mistake) {
  SourceNews news;
  news.application = "root";
  news.commit.id = commit;
  news.commit.subject = "Oops";
  news.mistakes = {mistake};
  return news;
}

// One life of a core over `journal`: it takes the news and everything becomes durable.
void live(MemoryJournal& journal, int64_t from, const SourceNews& news) {
  Result<Loaded> loaded = journal.load();
  REQUIRE(loaded.ok());
  CoreSettings settings;
  settings.applications.push_back({});
  Core core(settings, std::move(*loaded), at(from), 1);
  std::vector<Message> words{news};
  JournalListener listener;
  listener.durable = [&words](const JournalDurable& word) { words.push_back(word); };
  journal.start(listener);
  for (int64_t second = 1; second < 10; ++second) {
    Effects effects = core.turn(at(from + second), std::exchange(words, {}));
    if (effects.batch) journal.append(*effects.batch);
    journal.deliver_all();
  }
  journal.crash();
}

std::vector<CommitRow> commits(MemoryJournal& journal) {
  Result<Loaded> loaded = journal.load();
  REQUIRE(loaded.ok());
  for (const LoadedApplication& one : loaded->applications) {
    if (one.application == "root") return one.commits;
  }
  return {};
}

}  // namespace

TEST_CASE("a commit that is still refused after a restart is told once, with the newest reason") {
  MemoryJournal journal("cluster");
  const std::string first(40, 'a'), second(40, 'b');
  live(journal, 0, broken_tip(first, "web.yaml:3:1: error: no such field"));
  live(journal, 100, broken_tip(first, "web.yaml:3:1: error: unknown field \"replica\""));
  REQUIRE(commits(journal).size() == 1);
  CHECK(commits(journal)[0].result == "refused");
  CHECK(commits(journal)[0].message == "web.yaml:3:1: error: unknown field \"replica\"\n");
  live(journal, 200, broken_tip(second, "web.yaml:4:1: error: no such field"));
  CHECK(commits(journal).size() == 2);
}

}  // namespace mainstay
