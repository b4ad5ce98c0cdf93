#include "reconciler/control/work_queue.h"

#include <algorithm>

namespace mainstay {
namespace {

constexpr size_t kResyncShare = 8;

}  // namespace

WorkQueue::WorkQueue(std::span<const Controller> controllers) : controllers_(controllers) {}

void WorkQueue::add_fresh(Item item) {
  if (!queued_fresh_.insert(item).second) return;
  queued_resync_.erase(item);
  fresh_.push_back(std::move(item));
}

void WorkQueue::add_resync(Item item) {
  if (queued_fresh_.count(item) != 0 || !queued_resync_.insert(item).second) return;
  resync_.push_back(std::move(item));
}

void WorkQueue::wake_for(const Change& change, const Snapshot& view, bool resync) {
  for (size_t i = 0; i < controllers_.size(); ++i) {
    scratch_.clear();
    controllers_[i].wakes(change, view, scratch_);
    for (Key& key : scratch_) {
      if (resync) add_resync({i, std::move(key)}); else add_fresh({i, std::move(key)});
    }
  }
}

void WorkQueue::resync(const Snapshot& view) {
  for (size_t i = 0; i < controllers_.size(); ++i) {
    if (controllers_[i].sweeps) add_resync({i, sweep_key(*controllers_[i].sweeps)});
  }
  for (const KindInfo& info : all_kinds()) {
    for (const ObjectPtr& object : view.list(info.id)) {
      wake_for({object->version, ChangeOp::kAdd, object->key(), nullptr, object}, view, true);
    }
  }
}

void WorkQueue::absorb(const std::vector<Change>& changes, const Snapshot& view) {
  for (const Change& change : changes) wake_for(change, view, false);
}

void WorkQueue::wake(std::string_view name, Key key) {
  for (size_t i = 0; i < controllers_.size(); ++i) {
    if (controllers_[i].name != name) continue;
    add_fresh({i, std::move(key)});
    return;
  }
  ENSURE(false, "a controller of that name exists");
}

bool WorkQueue::take_one(std::deque<Item>& queue, std::vector<Item>& out) {
  auto& queued = &queue == &fresh_ ? queued_fresh_ : queued_resync_;
  while (!queue.empty()) {
    Item item = std::move(queue.front());
    queue.pop_front();
    if (queued.erase(item) == 0) continue;
    forget_timer(item);
    out.push_back(std::move(item));
    return true;
  }
  return false;
}

std::vector<WorkQueue::Item> WorkQueue::take(const Now& now, size_t limit) {
  while (!due_.empty() && due_.begin()->first <= now.mono) {
    Item item = due_.begin()->second;
    forget_timer(item);
    add_fresh(std::move(item));
  }
  std::vector<Item> out;
  while (out.size() < limit) {
    bool resync_turn = out.size() % kResyncShare == kResyncShare - 1;
    if (resync_turn ? take_one(resync_, out) || take_one(fresh_, out)
                    : take_one(fresh_, out) || take_one(resync_, out)) {
      continue;
    }
    break;
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Item& a, const Item& b) { return a.controller < b.controller; });
  return out;
}

void WorkQueue::done(const Item& item, const Outcome& outcome) {
  forget_timer(item);
  if (!outcome.wake_at) return;
  timers_.emplace(item, *outcome.wake_at);
  due_.emplace(*outcome.wake_at, item);
}

void WorkQueue::forget_timer(const Item& item) {
  auto timer = timers_.find(item);
  if (timer == timers_.end()) return;
  due_.erase({timer->second, item});
  timers_.erase(timer);
}

std::optional<MonoTime> WorkQueue::next_wake() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

size_t run_controllers(ControlContext& context, WorkQueue& queue, size_t limit) {
  std::span<const Controller> controllers = queue.controllers();
  size_t keys = 0;
  for (const WorkQueue::Item& item : queue.take(context.now(), limit)) {
    const Controller& controller = controllers[item.controller];
    context.txn.set_cause({std::string(controller.name), ""});
    queue.done(item, controller.reconcile(context, item.key));
    ++keys;
  }
  return keys;
}

}  // namespace mainstay
