// Applications: how the objects stand, the end of a rollout, and the Application object that says so.
#include <algorithm>

#include "reconciler/core/application_cursor.h"
#include "reconciler/core/application_state.h"

namespace mainstay {

bool Applications::State::look(One& one, const ApplicationState& state, const Snapshot& live) {
  std::vector<Key> held = keys_of(state.held);
  size_t compared = 0;
  while (!one.to_look.empty() && compared < kLookedAtOnce) {
    Key key = std::move(one.to_look.extract(one.to_look.begin()).value());
    const DesiredObject* desired = state.applied->objects.find(key);
    ObjectPtr object = live.find(key);
    if (desired != nullptr && object && !one.memo.holds(*desired, *object)) ++compared;
    one.standing.look(key, desired, object, std::binary_search(held.begin(), held.end(), key), &one.memo);
  }
  return one.to_look.empty();
}

Duration Applications::State::rollout_time(One& one, const ApplicationState& state, Now now) {
  if (one.rollout != state.started) {
    one.rollout = state.started;
    one.rollout_since = now.mono - std::max(Duration{0}, now.wall - state.started);
  }
  return now.mono - one.rollout_since;
}

void Applications::State::finish_rollout(One& one, ApplicationState& state, const ApplicationView& view,
                                         Now now, ApplicationOutcome& out) {
  state.finished = now.wall;
  state.phase = view.rolled_out ? "Succeeded" : "Failed";
  CommitRow row = state.commits->empty() ? CommitRow{} : state.commits->front();
  if (row.commit == state.commit.id) {
    row.finished = state.finished;
    row.result = view.rolled_out ? "rolled out" : "failed";
    if (!view.rolled_out) row.message += "; " + (view.reason.empty() ? "not ready in time" : view.reason);
    add_commit_row(one, state, std::move(row), out);
  }
  out.cursors.push_back(cursor_row(one.settings.name, state));
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(rollout_time(one, state, now)).count();
  out.log.push_back(one.settings.name + ": commit " + short_id(state.commit.id) +
                    (view.rolled_out ? " is rolled out" : " failed: " + view.reason) + " after " +
                    std::to_string(took) + " ms");
}

// Health of the whole; the Application object; the end of the rollout and its commit status.
void Applications::State::roll_up(One& one, ApplicationState& state, Transaction& txn,
                                  ApplicationOutcome& out) {
  bool rolls = state.finished == WallTime{} && !state.commit.id.empty();
  Duration left = rolls ? one.settings.progress_deadline - rollout_time(one, state, txn.now()) : Duration{0};
  if (!look(one, state, txn.view())) {
    one.dirty = true;
    return;
  }
  ApplicationView view = view_application(state, one.standing, one.tip ? one.tip->commit.id : std::string());
  if (rolls && (view.rolled_out || view.failed || left <= Duration{0})) {
    finish_rollout(one, state, view, txn.now(), out);
  } else if (rolls) {
    MonoTime deadline = txn.now().mono + left;
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

}  // namespace mainstay
