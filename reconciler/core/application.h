// The application controller: one source + path + destination + policy, kept as its target commit says.
// Level-based: it looks at the newest accepted desired set, the last applied one and what is, and makes the
// difference go away; a newer commit supersedes an older one at once. Core thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/core/messages.h"
#include "reconciler/store/transaction.h"
#include "schema/base/time.h"

namespace mainstay {

struct ApplicationSettings {
  std::string name = "root";
  std::string ns = "mainstay";         // where the Application object lives
  std::string repo_url;                // without userinfo
  std::string target_revision;         // branch, tag or commit
  std::string path = ".";
  std::string destination_ns = "default";
  bool automated = true;
  bool prune = true;
  bool self_heal = true;
  bool warn_only = false;              // fieldValidation Warn
  Duration progress_deadline{std::chrono::minutes{10}};  // after which a rollout counts as failed
};

// What is remembered of an application between turns. Part of what a refused batch takes back; copies share
// everything large.
struct ApplicationState {
  DesiredSetPtr applied;                        // last applied set; never null
  std::string commit;                           // that it came from; "" before the first
  std::shared_ptr<const std::vector<CommitRow>> commits;  // newest first; never null
  uint64_t rows = 0;                            // number of the newest commit row
  std::vector<Key> held;                        // not pruned until acknowledged
  std::string acknowledged;                     // commit whose prune was acknowledged by `mainstay ack`
  std::string pinned;                           // commit of a rollback: newer ones wait for `sync`
  std::string refused;                          // commit refused last, and why
  std::vector<std::string> mistakes;
  std::string trouble;                          // the source could not be read
  bool sync_ordered = false;                    // `mainstay sync` of an application without automated
  WallTime started;                             // of the rollout under way
  bool settled = false;                         // success or failure of `commit` was said
  std::string posted;                           // last commit status, "commit state description"
};
using ApplicationStates = std::map<std::string, ApplicationState>;

// What one reconciliation gives beside its writes in the transaction.
struct ApplicationOutcome {
  std::vector<CommitRow> commits;
  std::vector<DesiredRow> desired;
  std::vector<OriginRow> origins;
  std::vector<CursorRow> cursors;
  std::vector<StatusPost> posts;
  std::vector<std::string> log;
  std::optional<MonoTime> wake_at;
};

class Applications {
 public:
  Applications(std::vector<ApplicationSettings> settings, const std::vector<LoadedApplication>& loaded);
  ~Applications();

  // What the journal held; the first ApplicationStates of the core.
  ApplicationStates initial() const;

  // The newest word about a source; kept until a newer one comes, also across refused batches.
  void take_news(SourceNews news);
  // An operator's order; the refusal's sentence if it cannot be taken.
  std::optional<std::string> take_order(const ApplicationOrder& order, ApplicationStates& states);

  // Marks what the changes touch as dirty.
  void absorb(const std::vector<Change>& changes, const ApplicationStates& states);
  void mark_all_dirty();
  bool any_dirty(MonoTime now) const;
  std::optional<MonoTime> next_wake() const;

  // Brings every dirty application towards its target: applies a new commit, repairs drift, rolls up health.
  ApplicationOutcome reconcile(Transaction& txn, ApplicationStates& states);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
