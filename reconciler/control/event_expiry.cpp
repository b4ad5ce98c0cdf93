// Events go when nothing has been added to them for settings.event_ttl. Key: the sweep of all events. One
// look at all of them a minute is cheaper than a timer for each; so an event lives up to a minute longer.
#include "reconciler/control/event_expiry.h"

#include <algorithm>

#include "reconciler/control/controllers.h"

namespace mainstay {
namespace {

constexpr Duration kPeriod = std::chrono::minutes(1);

Outcome reconcile(ControlContext& context, const Key&) {
  WallTime oldest = context.now().wall - context.settings.event_ttl;
  std::vector<Key> expired;
  for (const ObjectPtr& event : context.view().list(Kind::kEvent)) {
    // A young one cannot have been seen last long ago, and its body need not be read to know it.
    if (event->meta.creation_timestamp > oldest) continue;
    if (last_seen(*event) <= oldest) expired.push_back(event->key());
  }
  for (const Key& key : expired) context.txn.remove(key);
  Outcome outcome;
  outcome.wake(context.now().mono + kPeriod);
  return outcome;
}

void wakes(const Change&, const Snapshot&, std::vector<Key>&) {}

}  // namespace

WallTime last_seen(const Object& object) {
  const Event& event = as<Event>(object);
  WallTime last = std::max({event.last_timestamp, event.event_time, event.first_timestamp});
  return last == WallTime{} ? object.meta.creation_timestamp : last;
}

Controller event_expiry_controller() { return {"event-expiry", &reconcile, &wakes, Kind::kEvent}; }

}  // namespace mainstay
