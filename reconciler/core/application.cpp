#include "reconciler/core/application.h"

#include <algorithm>

#include "reconciler/core/application_cursor.h"
#include "reconciler/core/application_state.h"

namespace mainstay {
namespace {

// Roll-ups of a large application are not made more often than this.
constexpr Duration kRollUpPause = std::chrono::milliseconds{100};

}  // namespace

std::vector<Key> keys_of(const std::vector<Hold>& holds) {
  std::vector<Key> out;
  for (const Hold& hold : holds) out.push_back(hold.key);
  return out;
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
      if (row.cursor) read_cursor_text(row.cursor->state, first);
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

void Applications::take_draft(const Draft& draft) {
  auto found = state_->apps.find(draft.application);
  if (found == state_->apps.end()) return;
  State::One& one = found->second;
  if (!one.drafting || one.drafting->number != draft.number) return;
  one.drafting = draft;
  one.dirty = true;
  one.not_before = {};
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
  for (auto& [name, one] : state_->apps) State::mark(one, states.at(name), changes);
}

void Applications::mark_all_dirty() {
  for (auto& [name, one] : state_->apps) {
    one.dirty = true;
    one.not_before = {};
    one.memo.clear();
    one.standing.clear();
    one.standing_of.reset();
    one.to_look.clear();
    one.suspects.clear();
    one.posted.clear();
    one.read_asked.clear();
    one.drafting.reset();
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
    size_t written = txn.changes().size();
    state_->settle_commit(one, state, txn, out);
    State::follow_applied(one, state);
    if (txn.changes().size() - written > kLookedAtOnce) {
      // A large commit has been a long turn already: how its objects stand is looked at in the next ones.
      State::mark(one, state, std::span(txn.changes()).subspan(written));
      one.not_before = now;
      continue;
    }
    state_->heal(one, state, txn, out);
    State::mark(one, state, std::span(txn.changes()).subspan(written));
    state_->roll_up(one, state, txn, out);
  }
  return out;
}

}  // namespace mainstay
