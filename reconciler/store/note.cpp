// record_note() of lifecycle.h: Event objects with counts, bounded in number.
#include <algorithm>
#include <utility>
#include <vector>

#include "reconciler/store/lifecycle.h"
#include "reconciler/store/object_parts.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

constexpr size_t kNameLimit = 253;
constexpr size_t kHashLength = 16;
constexpr size_t kReasonLimit = 128;
constexpr size_t kMessageLimit = 1024;

// Cut at a whole UTF-8 character.
std::string cut(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string event_name(const Note& note) {
  std::string identity;
  for (std::string_view part : {std::string_view(kind_info(note.about.kind).kind), std::string_view(note.uid),
                                std::string_view(note.reason), std::string_view(note.message),
                                std::string_view(note.source), std::string_view(note.host)}) {
    identity += part;
    identity += '\0';
  }
  std::string base = note.about.name.substr(0, kNameLimit - kHashLength - 1);
  while (!base.empty() && (base.back() == '.' || base.back() == '-')) base.pop_back();
  return base + "." + hex(sha256(identity)).substr(0, kHashLength);
}

// Makes room for many more at once, so that a cluster at its limit does not look for the oldest at every
// note.
void drop_oldest_events(Transaction& txn) {
  Snapshot before = txn.view();
  std::vector<std::pair<WallTime, Key>> events;
  events.reserve(before.count(Kind::kEvent));
  for (const ObjectPtr& event : before.list(Kind::kEvent)) {
    events.emplace_back(as<Event>(*event).last_timestamp, event->key());
  }
  auto end = events.begin() + static_cast<ptrdiff_t>(events.size() / 8 + 1);
  std::nth_element(events.begin(), end - 1, events.end());
  for (auto it = events.begin(); it != end; ++it) txn.remove(it->second);
}

Object new_event(const Note& note, const std::string& ns, const std::string& name, WallTime at) {
  Object object = make_object<Event>(ns, name);
  Event& event = as<Event>(object);
  const KindInfo& info = kind_info(note.about.kind);
  event.involved_object.kind = info.kind;
  event.involved_object.api_version = info.api_version();
  event.involved_object.ns = note.about.ns;
  event.involved_object.name = note.about.name;
  event.involved_object.uid = note.uid;
  event.involved_object.field_path = note.field_path;
  event.reason = cut(note.reason, kReasonLimit);
  event.message = cut(note.message, kMessageLimit);
  event.source.component = note.source;
  event.source.host = note.host;
  event.reporting_component = note.source;
  event.reporting_instance = note.host;
  event.type = note.warning ? "Warning" : "Normal";
  event.first_timestamp = at;
  event.last_timestamp = at;
  event.count = 1;
  return object;
}

}  // namespace

void record_note(Transaction& txn, const Note& note) {
  std::string ns = note.about.ns.empty() ? "default" : note.about.ns;
  ObjectPtr home = txn.view().find(Kind::kNamespace, "", ns);
  // A namespace that is going takes its events along, and what it held says no more.
  if (home && is_deleting(*home)) return;
  if (!home && !note.about.ns.empty() && !txn.view().find(note.about)) return;
  std::string name = event_name(note);
  WallTime at = txn.now().wall.seconds();
  if (ObjectPtr known = txn.view().find(Kind::kEvent, ns, name)) {
    Object next = *known;
    next.version = 0;
    Event& event = as<Event>(next);
    ++event.count;
    event.last_timestamp = at;
    auto written = txn.update(std::move(next));
    ENSURE(written.ok(), "an event that was just found can be updated");
    return;
  }
  if (txn.view().count(Kind::kEvent) >= kEventLimit) drop_oldest_events(txn);
  auto written = txn.create(new_event(note, ns, name, at));
  ENSURE(written.ok(), "an event of a new name can be created");
}

}  // namespace mainstay
