#include "reconciler/core/application.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "reconciler/core/application_object.h"
#include "reconciler/plan/apply.h"
#include "reconciler/plan/plan.h"
#include "schema/json.h"

namespace mainstay {
namespace {

// Repairs of drift that come one upon the other wait: at once, then 2, 6, 18 ... 300 s (Argo CD's self-heal).
constexpr Duration kFirstHealPause = std::chrono::seconds{2};
constexpr Duration kLongestHealPause = std::chrono::seconds{300};
constexpr Duration kHealForgotten = std::chrono::minutes{10};
// Roll-ups of a large application are not made more often than this.
constexpr Duration kRollUpPause = std::chrono::milliseconds{100};
constexpr size_t kCommitsKept = 100;

std::string short_id(const std::string& commit) { return commit.substr(0, 10); }

// What the cursor's free text carries beside the applied set.
std::string cursor_state(const ApplicationState& state) {
  Value out = Value::map();
  Value commit = Value::map();
  commit.set("id", state.commit.id);
  commit.set("tree", state.commit.tree);
  commit.set("author", state.commit.author);
  commit.set("subject", state.commit.subject);
  commit.set("when", format_rfc3339(state.commit.when));
  out.set("commit", std::move(commit));
  Value held = Value::list();
  for (const Hold& hold : state.held) {
    Value item = Value::map();
    item.set("apiVersion", kind_info(hold.key.kind).api_version());
    item.set("kind", kind_info(hold.key.kind).kind);
    item.set("namespace", hold.key.ns);
    item.set("name", hold.key.name);
    item.set("path", hold.origin.path);
    item.set("line", static_cast<int64_t>(hold.origin.line));
    item.set("why", hold.sentence);
    held.push(std::move(item));
  }
  out.set("held", std::move(held));
  out.set("pinned", state.pinned);
  out.set("phase", state.phase);
  out.set("message", state.message);
  out.set("started", format_rfc3339_micro(state.started));
  if (state.finished != WallTime{}) out.set("finished", format_rfc3339_micro(state.finished));
  return to_json(out);
}

void read_cursor_state(const std::string& text, ApplicationState& state) {
  Result<Value> parsed = read_json(text.empty() ? "{}" : text);
  if (!parsed.ok()) return;  // written by us; an older form means an empty one
  if (const Value* commit = parsed->find("commit")) {
    state.commit.id = commit->string_at("id");
    state.commit.tree = commit->string_at("tree");
    state.commit.author = commit->string_at("author");
    state.commit.subject = commit->string_at("subject");
    state.commit.when = parse_rfc3339(commit->string_at("when")).value_or(WallTime{});
  }
  if (const Value* held = parsed->find("held"); held != nullptr && held->is_list()) {
    for (const Value& item : held->as_list()) {
      const KindInfo* info = find_kind(item.string_at("apiVersion"), item.string_at("kind"));
      if (info == nullptr) continue;
      Hold hold;
      hold.key = {info->id, std::string(item.string_at("namespace")), std::string(item.string_at("name"))};
      const Value* line = item.find("line");
      hold.origin = {std::string(item.string_at("path")),
                     line != nullptr && line->is_int() ? static_cast<uint32_t>(line->as_int()) : 0};
      hold.reason = HoldReason::kHeldBefore;
      hold.sentence = item.string_at("why");
      state.held.push_back(std::move(hold));
    }
  }
  state.pinned = parsed->string_at("pinned");
  state.phase = parsed->string_at("phase");
  state.message = parsed->string_at("message");
  state.started = parse_rfc3339(parsed->string_at("started")).value_or(WallTime{});
  state.finished = parse_rfc3339(parsed->string_at("finished")).value_or(WallTime{});
}

// Rows for what is declared anew, otherwise, elsewhere or no longer.
void add_rows(const std::string& application, const DesiredSet& before, const DesiredSet& after,
              ApplicationOutcome& out) {
  auto old = before.objects.begin();
  for (const DesiredObject& object : after.objects) {
    while (old != before.objects.end() && old->key < object.key) {
      out.desired.push_back({application, old->key, nullptr, {}});
      ++old;
    }
    bool known = old != before.objects.end() && old->key == object.key;
    if (!known || old->hash != object.hash) {
      out.desired.push_back({application, object.key, object.declared, object.hash});
    }
    if (!known || old->origin != object.origin)
      out.origins.push_back({application, object.key, object.origin});
    if (known) ++old;
  }
  for (; old != before.objects.end(); ++old) out.desired.push_back({application, old->key, nullptr, {}});
}

std::vector<Key> keys_of(const std::vector<Hold>& holds) {
  std::vector<Key> out;
  for (const Hold& hold : holds) out.push_back(hold.key);
  return out;
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

struct Applications::State {
  struct One {
    ApplicationSettings settings;
    std::optional<SourceNews> tip;    // newest commit read, with what may have been wrong since
    std::string away;                 // why the source cannot be read; "" if it can
    std::optional<SourceNews> asked;  // of the pinned commit
    SyncMemo memo;
    std::unordered_set<Key> keys;  // of the applied set, for telling whose change it is
    DesiredSetPtr keyed;           // that `keys` was made of
    bool dirty = true;
    MonoTime not_before;  // the next roll-up
    Duration heal_pause{0};
    MonoTime healed_at, heal_at;
    std::optional<MonoTime> wake;
    std::string read_asked;  // commit that was asked for and not come yet
    std::string posted;      // last commit status, so that it is said once
  };
  std::vector<ApplicationSettings> all_settings;
  std::map<std::string, One> apps;
  ApplicationStates first;

  void settle_commit(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out);
  void apply_news(One& one, ApplicationState& state, const SourceNews& news, Transaction& txn,
                  ApplicationOutcome& out);
  void refuse(One& one, ApplicationState& state, const CommitFacts& commit, std::vector<std::string> why,
              WallTime now, ApplicationOutcome& out);
  void heal(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out);
  void roll_up(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out);
  void add_commit_row(One& one, ApplicationState& state, CommitRow row, ApplicationOutcome& out);
  void post(One& one, const std::string& commit, StatusPost::State what, std::string description,
            ApplicationOutcome& out);
};

// A row of the same commit and result as the newest replaces it.
void Applications::State::add_commit_row(One& one, ApplicationState& state, CommitRow row,
                                         ApplicationOutcome& out) {
  auto rows = std::make_shared<std::vector<CommitRow>>(*state.commits);
  bool same = !rows->empty() && rows->front().commit == row.commit && rows->front().result != "refused";
  if (same && row.result != "refused") {
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
  if (state.refused == commit.id) return;
  state.refused = commit.id;
  state.mistakes = std::move(why);
  std::string all;
  for (const std::string& line : state.mistakes) all += line + "\n";
  CommitRow row;
  row.commit = commit.id;
  row.tree = commit.tree;
  row.author = commit.author;
  row.subject = commit.subject;
  row.committed = commit.when;
  row.result = "refused";
  row.message = all;
  row.seen = row.finished = now;
  add_commit_row(one, state, std::move(row), out);
  size_t count = state.mistakes.size();
  std::string first_line = state.mistakes.empty() ? "" : state.mistakes.front();
  post(one, commit.id, StatusPost::State::kFailure,
       count == 1 ? first_line : std::to_string(count) + " errors, first: " + first_line, out);
  out.log.push_back(one.settings.name + ": commit " + short_id(commit.id) +
                    " is refused and nothing moves:\n" + all);
}

void Applications::State::apply_news(One& one, ApplicationState& state, const SourceNews& news,
                                     Transaction& txn, ApplicationOutcome& out) {
  bool ack = state.acknowledged == news.commit.id && !news.commit.id.empty();
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
                  one.settings.prune};
  Plan plan = make_plan(input, &one.memo);
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
  CommitRow row;
  row.commit = news.commit.id;
  row.tree = news.commit.tree;
  row.author = news.commit.author;
  row.subject = news.commit.subject;
  row.committed = news.commit.when;
  row.result = "applied";
  row.message = state.message;
  row.seen = txn.now().wall;
  row.set_hash = state.applied->hash;
  row.version = txn.view().version();
  for (const CommitRow& old : *state.commits) {
    if (old.result == "refused" || old.set_hash != row.set_hash || old.commit == row.commit) continue;
    row.message += same_set ? "; declares exactly what was applied before"
                            : "; returns exactly to what commit " + short_id(old.commit) + " declared";
    break;
  }
  state.message = row.message;
  out.log.push_back(one.settings.name + ": commit " + short_id(news.commit.id) + " (" + news.commit.subject +
                    ") is applied: " + row.message);
  if (!news.forced_from.empty()) {
    out.log.push_back(one.settings.name + ": history was rewritten: " + short_id(news.forced_from) +
                      " is no ancestor of " + short_id(news.commit.id));
  }
  add_commit_row(one, state, std::move(row), out);
  out.cursors.push_back(
      {one.settings.name, state.commit.id, state.applied->hash, 0, cursor_state(state), false});
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
  if (target == nullptr || target->commit.id.empty()) return;
  if (!target->mistakes.empty()) {
    refuse(one, state, target->commit, target->mistakes, txn.now().wall, out);
    return;
  }
  if (!target->set || target->commit.id == state.refused) return;
  bool allowed = one.settings.automated || state.sync_ordered || !state.pinned.empty();
  bool acknowledged = state.acknowledged == target->commit.id && !state.held.empty();
  if (!allowed || (target->commit.id == state.commit.id && !acknowledged && !state.sync_ordered)) return;
  apply_news(one, state, *target, txn, out);
  if (acknowledged) state.acknowledged.clear();
}

// Drift repair: always towards the applied commit, also while Git is away or a newer commit is refused.
void Applications::State::heal(One& one, ApplicationState& state, Transaction& txn, ApplicationOutcome& out) {
  if (!one.settings.self_heal || state.commit.id.empty()) return;
  if (txn.now().mono < one.heal_at) {
    one.wake = one.heal_at;
    return;
  }
  std::vector<Key> held = keys_of(state.held);
  PlanInput input{one.settings.name,
                  state.commit.id,
                  state.commit.id,
                  *state.applied,
                  state.applied.get(),
                  txn.view(),
                  {},
                  {},
                  held,
                  std::nullopt,
                  false,
                  false};
  Plan plan = make_plan(input, &one.memo);
  if (plan.empty() || !plan.acceptable()) return;
  Transaction::Mark mark = txn.mark();
  Result<Applied> applied = apply_plan(txn, plan);
  if (!applied.ok()) {
    txn.rollback_to(std::move(mark));
    out.log.push_back(one.settings.name + ": drift cannot be repaired: " + applied.error().message);
  } else if (!applied->nothing()) {
    out.log.push_back(one.settings.name + ": drift repaired: " + summary(plan));
  } else {
    return;
  }
  if (txn.now().mono - one.healed_at > kHealForgotten) one.heal_pause = Duration{0};
  one.healed_at = txn.now().mono;
  one.heal_at = txn.now().mono + one.heal_pause;
  one.heal_pause =
      one.heal_pause == Duration{0} ? kFirstHealPause : std::min(one.heal_pause * 3, kLongestHealPause);
}

// Health of the whole; the Application object; the end of the rollout and its commit status.
void Applications::State::roll_up(One& one, ApplicationState& state, Transaction& txn,
                                  ApplicationOutcome& out) {
  ApplicationView view = view_application(one.settings, state, txn.view(),
                                          one.tip ? one.tip->commit.id : std::string(), one.memo);
  bool overdue = state.finished == WallTime{} && !state.commit.id.empty() &&
                 txn.now().wall - state.started >= one.settings.progress_deadline;
  bool ends =
      state.finished == WallTime{} && !state.commit.id.empty() && (view.rolled_out || view.failed || overdue);
  if (ends) {
    state.finished = txn.now().wall;
    state.phase = view.rolled_out ? "Succeeded" : "Failed";
    CommitRow row = state.commits->empty() ? CommitRow{} : state.commits->front();
    if (row.commit == state.commit.id) {
      row.finished = state.finished;
      row.result = view.rolled_out ? "rolled out" : "failed";
      if (!view.rolled_out) row.message += "; " + (view.reason.empty() ? "not ready in time" : view.reason);
      add_commit_row(one, state, std::move(row), out);
    }
    out.cursors.push_back(
        {one.settings.name, state.commit.id, state.applied->hash, 0, cursor_state(state), false});
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(state.finished - state.started).count();
    out.log.push_back(one.settings.name + ": commit " + short_id(state.commit.id) +
                      (view.rolled_out ? " is rolled out" : " failed: " + view.reason) + " after " +
                      std::to_string(took) + " ms");
  } else if (state.finished == WallTime{} && !state.commit.id.empty()) {
    MonoTime deadline = txn.now().mono + (one.settings.progress_deadline - (txn.now().wall - state.started));
    if (!one.wake || deadline < *one.wake) one.wake = deadline;
  }
  if (state.finished != WallTime{}) {
    bool good = view.rolled_out;
    std::string text = good ? std::to_string(state.applied->objects.size()) + " objects rolled out"
                            : (view.reason.empty() ? "not ready" : view.reason);
    if (!state.held.empty()) text += "; " + std::to_string(state.held.size()) + " held";
    post(one, state.commit.id,
         !good                ? StatusPost::State::kFailure
         : state.held.empty() ? StatusPost::State::kSuccess
                              : StatusPost::State::kPending,
         std::move(text), out);
  }
  write_application_object(one.settings, state, view, txn);
}

Applications::Applications(std::vector<ApplicationSettings> settings,
                           const std::vector<LoadedApplication>& loaded)
    : state_(std::make_unique<State>()) {
  for (ApplicationSettings& one : settings) {
    ApplicationState first;
    first.applied = std::make_shared<DesiredSet>();
    first.commits = std::make_shared<std::vector<CommitRow>>();
    for (const LoadedApplication& row : loaded) {
      if (row.application != one.name) continue;
      first.applied = row.desired;
      first.commits = std::make_shared<std::vector<CommitRow>>(row.commits);
      if (row.cursor) read_cursor_state(row.cursor->state, first);
    }
    state_->first[one.name] = std::move(first);
    state_->apps[one.name].settings = one;
  }
}
Applications::~Applications() = default;

ApplicationStates Applications::initial() const { return state_->first; }

void Applications::take_news(const SourceNews& news) {
  auto found = state_->apps.find(news.application);
  if (found == state_->apps.end()) return;
  State::One& one = found->second;
  one.dirty = true;
  one.not_before = {};
  if (!news.is_tip) {
    one.asked = news;
    return;
  }
  one.away = news.away ? news.trouble : "";
  bool is_back = !news.set && news.mistakes.empty() && news.trouble.empty();
  if (news.away || is_back) return;
  // Trouble takes nothing back: what was read of the last commit stays, with the trouble beside it.
  if (!news.trouble.empty() && one.tip) {
    one.tip->trouble = news.trouble;
    return;
  }
  one.tip = news;
}

std::optional<std::string> Applications::take_order(const ApplicationOrder& order,
                                                    ApplicationStates& states) {
  auto found = state_->apps.find(order.application);
  if (found == state_->apps.end()) return "there is no application \"" + order.application + "\"";
  ApplicationState& state = states[order.application];
  using What = ApplicationOrder::What;
  switch (order.what) {
    case What::kSync:
    case What::kResume:
      state.pinned.clear();
      state.sync_ordered = true;
      break;
    case What::kAck:
      if (state.held.empty()) return "nothing is held in application \"" + order.application + "\"";
      if (!state.commit.id.starts_with(order.commit) || order.commit.size() < 7) {
        return "the applied commit is " + state.commit.id +
               "; give it, so that what you acknowledge is what you saw";
      }
      state.acknowledged = state.commit.id;
      break;
    case What::kRollback: {
      const CommitRow* row = nullptr;
      for (const CommitRow& known : *state.commits) {
        if (order.commit.size() >= 7 && known.commit.starts_with(order.commit) && known.result != "refused")
          row = &known;
      }
      if (row == nullptr)
        return "no applied commit \"" + order.commit + "\" in the history of this application";
      state.pinned = row->commit;
      found->second.read_asked.clear();
      break;
    }
  }
  found->second.dirty = true;
  found->second.not_before = {};
  return std::nullopt;
}

void Applications::absorb(const std::vector<Change>& changes, const ApplicationStates& states) {
  for (auto& [name, one] : state_->apps) {
    const DesiredSetPtr& applied = states.at(name).applied;
    if (one.keyed != applied) {
      one.keyed = applied;
      one.keys.clear();
      for (const DesiredObject& object : applied->objects) one.keys.insert(object.key);
    }
    if (one.dirty) continue;
    for (const Change& change : changes) {
      if (one.keys.count(change.key) > 0 || is_application_object(one.settings, change.key)) {
        one.dirty = true;
        break;
      }
    }
  }
}

void Applications::mark_all_dirty() {
  for (auto& [name, one] : state_->apps) {
    one.dirty = true;
    one.not_before = {};
    one.memo.clear();
    one.posted.clear();
    one.read_asked.clear();
  }
}

bool Applications::any_dirty(MonoTime now) const {
  return std::any_of(state_->apps.begin(), state_->apps.end(), [&](auto& item) {
    const State::One& one = item.second;
    return (one.dirty && now >= one.not_before) || (one.wake && now >= *one.wake);
  });
}

std::optional<MonoTime> Applications::next_wake() const {
  std::optional<MonoTime> wake;
  for (const auto& [name, one] : state_->apps) {
    std::optional<MonoTime> candidate = one.wake;
    if (one.dirty && (!candidate || one.not_before < *candidate)) candidate = one.not_before;
    if (candidate && (!wake || *candidate < *wake)) wake = candidate;
  }
  return wake;
}

ApplicationOutcome Applications::reconcile(Transaction& txn, ApplicationStates& states) {
  ApplicationOutcome out;
  MonoTime now = txn.now().mono;
  for (auto& [name, one] : state_->apps) {
    bool due = (one.dirty && now >= one.not_before) || (one.wake && now >= *one.wake);
    if (!due) continue;
    one.dirty = false;
    one.wake.reset();
    one.not_before = now + kRollUpPause;
    ApplicationState& state = states[name];
    state_->settle_commit(one, state, txn, out);
    state_->heal(one, state, txn, out);
    state_->roll_up(one, state, txn, out);
  }
  return out;
}

}  // namespace mainstay
