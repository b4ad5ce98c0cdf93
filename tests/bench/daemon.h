// The control plane without its servers: the real core on the real SQLite journal, turned by the calling thread,
// so that a benchmark sees which turn costs what. Answers, posts and read requests go nowhere. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/core/core.h"
#include "reconciler/store/sqlite_journal.h"
#include "schema/base/result.h"

namespace mainstay::bench {

// Settings for thousands of silent nodes: a large cluster CIDR, a long grace, one application "root".
CoreSettings bench_settings();

class Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> open(const std::string& data_dir, CoreSettings settings = bench_settings());
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // How long open() took: the journal opened, everything loaded, the core made.
  struct Start {
    Duration open{0}, load{0}, core{0};
    Duration total() const { return open + load + core; }
  };
  const Start& start() const { return start_; }

  // Taken in by the next turn.
  void send(Message message) { outbox_.push_back(std::move(message)); }
  void send(std::vector<Message> messages);

  // One turn with whatever there is, waiting a little for the journal if there is nothing; how many changes it
  // sealed.
  size_t turn();

  // Called for every publication, in order; its changes are those since the one before.
  using Watch = std::function<void(const Publication&)>;
  // Turns until done() after a publication, or at once. kTimeout with the core's last sentences.
  Status until(const std::function<bool()>& done, Duration limit, const Watch& watch = {});
  // Turns until nothing is left to do and everything is durable, also copied from the log into the database: what is
  // measured next shall not pay for what came before.
  Status quiet(Duration limit);

  const Publication& durable() const { return *core_->published(); }
  const Core& core() const { return *core_; }
  uint64_t turns() const { return turns_; }
  // Since the last call.
  Duration take_longest_turn() { return std::exchange(longest_turn_, Duration{0}); }
  SqliteJournal::Counters journal() const { return journal_->counters(); }

 private:
  struct Words;
  Daemon();
  bool is_quiet() const;

  Start start_;
  std::unique_ptr<Words> words_;            // the journal's, on their way here
  std::unique_ptr<SqliteJournal> journal_;  // ends before words_
  std::unique_ptr<Core> core_;
  std::vector<Message> outbox_;
  std::vector<std::string> sentences_;      // the last ones of the core
  std::shared_ptr<const Publication> fresh_;
  Duration longest_turn_{0};
  uint64_t turns_ = 0, handed_ = 0, settled_ = 0;
  size_t drafting_ = 0;  // drafts that are asked for and have not come
  std::string refusal_;
};

}  // namespace mainstay::bench
