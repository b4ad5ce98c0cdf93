// The insides of Applications: what its parts share. application.cpp takes in news, orders and changes,
// application_news.cpp moves to commits, application_drift.cpp keeps objects in step, application_rollup.cpp says how
// they stand. Core thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "reconciler/core/application.h"
#include "reconciler/core/application_object.h"
#include "reconciler/plan/plan.h"
#include "reconciler/plan/rollup.h"

namespace mainstay {

// Objects that one reconciliation compares with what is declared; the rest follows in later turns.
inline constexpr size_t kLookedAtOnce = 250;

// The first ten digits, for people.
inline std::string short_id(const std::string& commit) { return commit.substr(0, 10); }

std::vector<Key> keys_of(const std::vector<Hold>& holds);

struct Applications::State {
  struct One {
    ApplicationSettings settings;
    std::optional<SourceNews> tip;    // newest commit read, with what may have been wrong since
    std::string away;                 // why the source cannot be read; "" if it can
    std::optional<SourceNews> asked;  // of the pinned commit
    SyncMemo memo;
    Standing standing;             // of the objects of `standing_of`
    DesiredSetPtr standing_of;
    std::set<Key> to_look;         // whose standing may have changed
    std::set<Key> suspects;        // which may have drifted
    bool dirty = true;
    MonoTime not_before;  // the next roll-up
    // Since when a rollout goes on by the clock that never jumps, and which: ApplicationState::started. Of one
    // taken over from an earlier process only the wall clock tells how long it had gone on.
    std::optional<WallTime> rollout;
    MonoTime rollout_since;
    Duration heal_pause{0};
    MonoTime healed_at, heal_at;
    std::optional<MonoTime> wake;
    std::string read_asked;  // commit that was asked for and not come yet
    std::string posted;      // last commit status, so that it is said once
    uint64_t drafts = 0;            // asked for so far
    std::optional<Draft> drafting;  // the one asked for last; without changes until they have come
  };
  std::vector<ApplicationSettings> all_settings;
  std::map<std::string, One> apps;
  ApplicationStates first;

  void settle_commit(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out);
  // True when the commit can be planned now: it is small, or a worker's draft of it is there. Else one is asked for.
  static bool can_plan(One& one, const ApplicationState& state, const DesiredSetPtr& desired, const Snapshot& live,
                       ApplicationOutcome& out);
  void apply_news(One& one, ApplicationState& state, const SourceNews& news, Transaction& txn,
                  ApplicationOutcome& out);
  // Refuses a commit whose reader found mistakes, together with what the live objects say against the rest of it.
  void refuse_tree(One& one, ApplicationState& state, const SourceNews& news, Transaction& txn,
                   ApplicationOutcome& out);
  void refuse(One& one, ApplicationState& state, const CommitFacts& commit, std::vector<std::string> why,
              WallTime now, ApplicationOutcome& out);
  // How long the present rollout has gone on.
  static Duration rollout_time(One& one, const ApplicationState& state, Now now);
  void finish_rollout(One& one, ApplicationState& state, const ApplicationView& view, Now now,
                      ApplicationOutcome& out);
  // What has changed in the live objects, or in what is declared, is looked at again.
  static void mark(One& one, const ApplicationState& state, std::span<const Change> changes);
  static void follow_applied(One& one, const ApplicationState& state);
  void heal(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out);
  // True if nothing is left to look at.
  static bool look(One& one, const ApplicationState& state, const Snapshot& live);
  void roll_up(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out);
  void add_commit_row(One& one, ApplicationState& state, CommitRow row, ApplicationOutcome& out);
  void post(One& one, const std::string& commit, StatusPost::State what, std::string description,
            ApplicationOutcome& out);
};

}  // namespace mainstay
