// Applications: from a new commit to its plan, its writes and its rows; refusals.
#include "reconciler/core/application_cursor.h"
#include "reconciler/core/application_state.h"
#include "reconciler/plan/apply.h"

namespace mainstay {
namespace {

constexpr size_t kCommitsKept = 100;

CommitRow row_of(const CommitFacts& commit, std::string_view result, WallTime seen) {
  CommitRow row;
  row.commit = commit.id;
  row.tree = commit.tree;
  row.author = commit.author;
  row.subject = commit.subject;
  row.committed = commit.when;
  row.result = result;
  row.seen = seen;
  return row;
}

// What was written by the plan is as declared: it need not be compared to see that.
void note_written(const Plan& plan, const DesiredSet& set, const Snapshot& live, SyncMemo& memo) {
  for (const PlannedChange& change : plan.changes.changes) {
    if (change.action == PlanAction::kPrune) continue;
    const DesiredObject* desired = set.objects.find(change.key);
    ObjectPtr object = live.find(change.key);
    if (desired != nullptr && object && object->meta.deletion_timestamp == WallTime{}) memo.note(*desired, *object);
  }
}

// Rows for what is declared anew, otherwise, elsewhere or no longer.
void add_rows(const std::string& application, const DesiredSet& before, const DesiredSet& after,
              ApplicationOutcome& out) {
  DesiredObjects::for_each_difference(
      before.objects, after.objects, [&](const DesiredObject* old, const DesiredObject* object) {
        if (object == nullptr) {
          out.desired.push_back({application, old->key, nullptr, {}});
          return;
        }
        if (old == nullptr || old->hash != object->hash) {
          out.desired.push_back({application, object->key, object->declared, object->hash, old == nullptr});
        }
        if (old == nullptr || old->origin != object->origin) {
          out.origins.push_back({application, object->key, object->origin});
        }
      });
}

// Diagnostics as sentences with their places, for status and commit.
std::vector<std::string> sentences(const Diagnostics& mistakes) {
  std::vector<std::string> out;
  for (const Diagnostic& mistake : mistakes.all()) {
    if (mistake.severity == Severity::kError) out.push_back(mistake.text());
  }
  return out;
}

}  // namespace

// A row of the same commit as the newest replaces it, so that a restart at a broken tip is not told as a second
// refusal; but what was once refused and is applied now is news.
void Applications::State::add_commit_row(One& one, ApplicationState& state, CommitRow row,
                                         ApplicationOutcome& out) {
  auto rows = std::make_shared<std::vector<CommitRow>>(*state.commits);
  bool same = !rows->empty() && rows->front().commit == row.commit &&
              (rows->front().result == "refused") == (row.result == "refused");
  if (same) {
    row.number = rows->front().number;
    row.seen = rows->front().seen;
    rows->front() = row;
  } else {
    row.number = rows->empty() ? 1 : rows->front().number + 1;
    rows->insert(rows->begin(), row);
    if (rows->size() > kCommitsKept) rows->resize(kCommitsKept);
  }
  row.application = one.settings.name;
  rows->front().application = one.settings.name;
  out.commits.push_back(std::move(row));
  state.commits = std::move(rows);
}

void Applications::State::post(One& one, const std::string& commit, StatusPost::State what,
                               std::string description, ApplicationOutcome& out) {
  constexpr size_t kLongest = 140;
  if (description.size() > kLongest) description = description.substr(0, kLongest - 3) + "...";
  std::string said = commit + " " + std::to_string(static_cast<int>(what)) + " " + description;
  if (commit.empty() || said == one.posted) return;
  one.posted = said;
  out.posts.push_back({one.settings.name, commit, what, std::move(description)});
}

void Applications::State::refuse(One& one, ApplicationState& state, const CommitFacts& commit,
                                 std::vector<std::string> why, WallTime now, ApplicationOutcome& out) {
  state.refused = commit.id;
  state.mistakes = std::move(why);
  std::string all;
  for (const std::string& line : state.mistakes) all += line + "\n";
  CommitRow row = row_of(commit, "refused", now);
  row.message = all;
  row.finished = now;
  add_commit_row(one, state, std::move(row), out);
  size_t count = state.mistakes.size();
  std::string first_line = state.mistakes.empty() ? "" : state.mistakes.front();
  post(one, commit.id, StatusPost::State::kFailure,
       count == 1 ? first_line : std::to_string(count) + " errors, first: " + first_line, out);
  out.log.push_back(one.settings.name + ": commit " + short_id(commit.id) +
                    " is refused and nothing moves:\n" + all);
}

bool Applications::State::can_plan(One& one, const ApplicationState& state, const DesiredSetPtr& desired,
                                   const Snapshot& live, ApplicationOutcome& out) {
  const Draft* draft = one.drafting ? &*one.drafting : nullptr;
  if (draft != nullptr && draft->desired == desired && draft->last == state.applied) {
    if (!draft->changes) return false;
    if (has_its_namespaces(*draft->changes, *desired, live)) return true;
  } else if (diff_size(*desired, *state.applied, one.suspects) <= one.settings.planned_at_once) {
    one.drafting.reset();
    return true;
  }
  one.drafting = Draft{one.settings.name, ++one.drafts, desired, state.applied, nullptr};
  out.drafts.push_back({one.settings.name, one.drafts, desired, state.applied, live, one.suspects});
  return false;
}

void Applications::State::refuse_tree(One& one, ApplicationState& state, const SourceNews& news, Transaction& txn,
                                      ApplicationOutcome& out) {
  std::vector<std::string> why = news.mistakes;
  if (news.readable) {
    if (!can_plan(one, state, news.readable, txn.view(), out)) return;
    ChangeSet found = one.drafting
                          ? std::move(*one.drafting->changes)
                          : diff({*news.readable, state.applied.get(), txn.view(), {}, &one.suspects});
    one.drafting.reset();
    for (std::string& sentence : sentences(found.mistakes)) why.push_back(std::move(sentence));
  }
  refuse(one, state, news.commit, std::move(why), txn.now().wall, out);
}

void Applications::State::apply_news(One& one, ApplicationState& state, const SourceNews& news,
                                     Transaction& txn, ApplicationOutcome& out) {
  bool ack = state.acknowledged == news.commit.id && !news.commit.id.empty();
  if (ack) state.acknowledged.clear();  // it counts once, and the cursor row below says so
  std::vector<AppliedSet> earlier;
  for (const CommitRow& row : *state.commits) {
    if (row.result != "refused") earlier.push_back({row.set_hash, {}});
  }
  std::vector<Key> held = keys_of(state.held);
  DesiredSetPtr before = state.applied;
  PlanInput input{one.settings.name,
                  state.commit.id,
                  news.commit.id,
                  *news.set,
                  before.get(),
                  txn.view(),
                  {},
                  earlier,
                  held,
                  prune_trailer(news.commit.trailers),
                  ack,
                  one.settings.prune,
                  &one.suspects,
                  one.drafting ? one.drafting->changes.get() : nullptr};
  Plan plan = make_plan(input, &one.memo);
  one.drafting.reset();
  if (!plan.acceptable()) {
    refuse(one, state, news.commit, sentences(plan.changes.mistakes), txn.now().wall, out);
    return;
  }
  Transaction::Mark mark = txn.mark();
  Result<Applied> applied = apply_plan(txn, plan);
  if (!applied.ok()) {
    txn.rollback_to(std::move(mark));
    refuse(one, state, news.commit, {applied.error().message}, txn.now().wall, out);
    return;
  }
  auto set = std::make_shared<DesiredSet>(applied_set(*news.set, before.get(), plan.guard));
  note_written(plan, *set, txn.view(), one.memo);
  add_rows(one.settings.name, *before, *set, out);
  bool same_set = before->hash == set->hash && !state.commit.id.empty();
  state.applied = std::move(set);
  state.commit = news.commit;
  state.held = plan.guard.holds;
  state.refused.clear();
  state.mistakes.clear();
  state.started = txn.now().wall;
  state.finished = {};
  state.phase = "Running";
  state.message = summary(plan);
  state.sync_ordered = false;
  CommitRow row = row_of(news.commit, "applied", txn.now().wall);
  row.message = state.message;
  row.set_hash = state.applied->hash;
  row.version = txn.view().version();
  for (const CommitRow& old : *state.commits) {
    if (old.result == "refused" || old.set_hash != row.set_hash || old.commit == row.commit) continue;
    row.message += same_set ? "; declares exactly what was applied before"
                            : "; returns exactly to what commit " + short_id(old.commit) + " declared";
    break;
  }
  if (!news.forced_from.empty()) {
    row.message += "; history was rewritten: " + short_id(news.forced_from) + " is no ancestor of this commit";
  }
  state.message = row.message;
  out.log.push_back(one.settings.name + ": commit " + short_id(news.commit.id) + " (" + news.commit.subject +
                    ") is applied: " + row.message);
  add_commit_row(one, state, std::move(row), out);
  out.cursors.push_back(cursor_row(one.settings.name, state));
  post(one, state.commit.id, StatusPost::State::kPending, "rolling out: " + state.message, out);
}

// Moves to the target, if it is not the applied commit already.
void Applications::State::settle_commit(One& one, ApplicationState& state, Transaction& txn,
                                        ApplicationOutcome& out) {
  state.trouble = !one.away.empty() ? one.away : one.tip ? one.tip->trouble : std::string();
  const SourceNews* target = one.tip ? &*one.tip : nullptr;
  if (!state.pinned.empty()) {
    target = one.asked && one.asked->commit.id == state.pinned ? &*one.asked : nullptr;
    if (target == nullptr && one.tip && one.tip->commit.id == state.pinned) target = &*one.tip;
    if (target == nullptr && state.commit.id != state.pinned && one.read_asked != state.pinned) {
      one.read_asked = state.pinned;
      out.reads.push_back({one.settings.name, state.pinned});
    }
  }
  if (target == nullptr || target->commit.id.empty() || target->commit.id == state.refused) return;
  if (!target->mistakes.empty()) {
    refuse_tree(one, state, *target, txn, out);
    return;
  }
  if (!target->set) return;
  bool allowed = one.settings.automated || state.sync_ordered || !state.pinned.empty();
  bool acknowledged = state.acknowledged == target->commit.id && !state.held.empty();
  if (!allowed || (target->commit.id == state.commit.id && !acknowledged && !state.sync_ordered)) return;
  if (!can_plan(one, state, target->set, txn.view(), out)) return;
  apply_news(one, state, *target, txn, out);
}

}  // namespace mainstay
