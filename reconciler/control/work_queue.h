// WorkQueue: which keys which controller must look at, and when. A key waits at most once per controller,
// however often it was woken. Driven by the `now` it is given; core thread only.
//
// Fairness: fresh work (something changed) goes before resync (look whether all is still well), but one key
// in eight is a resync, so that neither starves the other. Within each, first come, first served.
#pragma once

#include <compare>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "reconciler/control/controller.h"

namespace mainstay {

class WorkQueue {
 public:
  struct Item {
    size_t controller = 0;  // index into the controllers
    Key key;
    auto operator<=>(const Item&) const = default;
  };

  // The controllers must outlive the queue.
  explicit WorkQueue(std::span<const Controller> controllers = all_controllers());

  // Everything there is, as resync work, and every sweep: at the start and after a rollback of the store.
  void resync(const Snapshot& view);
  // What `changes` wake; `view` is the state after them.
  void absorb(const std::vector<Change>& changes, const Snapshot& view);
  // Wakes one key of the controller called `name`. Requires that there is such a controller.
  void wake(std::string_view name, Key key);

  // The next keys to look at, at most `limit`, in the order of the controllers; timers that are due count as
  // fresh.
  std::vector<Item> take(const Now& now, size_t limit);
  // What became of an item: its next wake replaces any earlier one.
  void done(const Item& item, const Outcome& outcome);

  // Keys waiting now, and whether there are any (timers that are not due do not count).
  size_t waiting() const { return queued_fresh_.size() + queued_resync_.size(); }
  bool idle() const { return waiting() == 0; }
  // When the next timer is due; nothing if there is none.
  std::optional<MonoTime> next_wake() const;
  std::span<const Controller> controllers() const { return controllers_; }

 private:
  struct ItemHash {
    size_t operator()(const Item& item) const noexcept {
      return std::hash<Key>{}(item.key) * 31 + item.controller;
    }
  };

  void add_fresh(Item item);
  void add_resync(Item item);
  void wake_for(const Change& change, const Snapshot& view, bool resync);
  void forget_timer(const Item& item);
  bool take_one(std::deque<Item>& queue, std::vector<Item>& out);

  std::span<const Controller> controllers_;
  // An item stands in `queued_fresh_` while it waits as fresh, else in `queued_resync_`. A resync item that
  // becomes fresh stays in its deque as a husk, which take_one() skips.
  std::deque<Item> fresh_, resync_;
  std::unordered_set<Item, ItemHash> queued_fresh_, queued_resync_;
  std::map<Item, MonoTime> timers_;
  std::set<std::pair<MonoTime, Item>> due_;
  std::vector<Key> scratch_;  // reused by wake_for
};

// Takes at most `limit` keys and runs their controllers in the context's transaction, each under its own name
// as cause. Changes are not absorbed: the caller does that when the transaction is sealed. Returns the number
// of keys looked at.
size_t run_controllers(ControlContext& context, WorkQueue& queue, size_t limit);

}  // namespace mainstay
