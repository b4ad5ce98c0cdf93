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
#include "reconciler/plan/guard.h"
#include "reconciler/store/transaction.h"
#include "schema/base/time.h"

namespace mainstay {

struct ApplicationSettings {
  std::string name = "root";
  std::string ns = "mainstay";  // where the Application object lives
  std::string repo_url;         // without userinfo
  std::string target_revision;  // branch, tag or commit
  std::string path = ".";
  std::string destination_ns = "default";
  bool automated = true;
  bool prune = true;
  bool self_heal = true;
  bool warn_only = false;                                // fieldValidation Warn
  Duration progress_deadline{std::chrono::minutes{10}};  // after which a rollout counts as failed
  size_t planned_at_once = 500;  // objects; commits that concern more are planned by a worker
};

// What is remembered of an application between turns. Part of what a refused batch takes back; copies share
// everything large.
struct ApplicationState {
  DesiredSetPtr applied;  // last applied set and what is held of those before; never null
  CommitFacts commit;     // that it came from; its id is "" before the first
  std::shared_ptr<const std::vector<CommitRow>> commits;  // newest first; never null
  std::vector<Hold> held;                                 // not pruned until acknowledged; sorted by key
  std::string acknowledged;                               // commit whose prunes `mainstay ack` let go
  std::string pinned;                 // `mainstay rollback`: this commit, until `mainstay sync`
  bool sync_ordered = false;          // `mainstay sync` of an application without automated
  std::string refused;                // the commit refused last
  std::vector<std::string> mistakes;  // and why
  std::string trouble;                // the source could not be read
  WallTime started, finished;         // of the rollout of `commit`; finished is zero while it goes on
  std::string phase;                  // Argo CD's operation phase: "Running", "Succeeded", "Failed"
  std::string message;
};
using ApplicationStates = std::map<std::string, ApplicationState>;

// What one reconciliation gives beside its writes in the transaction.
struct ApplicationOutcome {
  std::vector<CommitRow> commits;
  std::vector<DesiredRow> desired;
  std::vector<OriginRow> origins;
  std::vector<CursorRow> cursors;
  std::vector<StatusPost> posts;
  std::vector<SourceRequest> reads;
  std::vector<DraftRequest> drafts;
  std::vector<std::string> log;
};

class Applications {
 public:
  Applications(std::vector<ApplicationSettings> settings, const std::vector<LoadedApplication>& loaded);
  ~Applications();

  // What the journal held; the first ApplicationStates of the core.
  ApplicationStates initial() const;

  // The newest word about a source; kept until a newer one comes, also across refused batches.
  void take_news(const SourceNews& news);
  // What a worker has found; dropped if the application has another way to go by now.
  void take_draft(const Draft& draft);
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
