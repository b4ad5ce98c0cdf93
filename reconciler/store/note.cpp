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
constexpr size_t kSimilarLimit = 9;
constexpr Duration kSimilarTime = 10min;
// What repeats is written so often at once, and then once in such a time: as client-go's spam filter does.
constexpr int64_t kBurst = 25;
constexpr Duration kRefill = 5min;
constexpr std::string_view kCombined = "(combined from similar events): ";

// Cut at a whole UTF-8 character.
std::string cut(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// What the names of all events of an object begin with.
std::string event_prefix(const Note& note) {
  std::string base = note.about.name.substr(0, kNameLimit - kHashLength - 1);
  while (!base.empty() && (base.back() == '.' || base.back() == '-')) base.pop_back();
  return base + ".";
}

std::string event_hash(const Note& note, std::string_view message, std::string_view field_path) {
  std::string identity;
  for (std::string_view part : {std::string_view(kind_info(note.about.kind).kind), std::string_view(note.uid),
                                std::string_view(note.reason), message,
                                std::string_view(note.source), std::string_view(note.host)}) {
    identity += part;
    identity += '\0';
  }
  identity += field_path;
  return hex(sha256(identity)).substr(0, kHashLength);
}

// What is on record of the same object.
struct Known {
  ObjectPtr same;      // says what the note says
  ObjectPtr combined;  // of events that differ in their message alone
  size_t similar = 0;  // such events of late, that one not counted
};

bool is_similar(const Event& event, const Note& note) {
  return event.involved_object.uid == note.uid && event.reason == note.reason &&
         event.source.component == note.source && event.source.host == note.host &&
         event.type == (note.warning ? "Warning" : "Normal");
}

Known look_up(const Snapshot& view, const ObjectName& same, const ObjectName& combined, size_t prefix_size,
              const Note& note, WallTime at) {
  Known known;
  std::string_view prefix = std::string_view(same.name).substr(0, prefix_size);
  const ObjectTable& events = view.table(Kind::kEvent);
  auto row = events.partition_point([&](const ObjectName& mine) {
    return mine.ns != same.ns ? mine.ns < same.ns : std::string_view(mine.name) < prefix;
  });
  for (; row != events.end() && row.key().ns == same.ns && row.key().name.starts_with(prefix); ++row) {
    const Event& event = as<Event>(*row.value());
    if (row.key() == same) known.same = row.value();
    else if (row.key() == combined) known.combined = row.value();
    else if (is_similar(event, note) && at - event.last_timestamp < kSimilarTime) ++known.similar;
  }
  return known;
}

Object new_event(const Note& note, const ObjectName& name, WallTime at) {
  Object object = make_object<Event>(name.ns, name.name);
  Event& event = as<Event>(object);
  const KindInfo& info = kind_info(note.about.kind);
  event.involved_object.kind = info.kind;
  event.involved_object.api_version = info.api_version();
  event.involved_object.ns = note.about.ns;
  event.involved_object.name = note.about.name;
  event.involved_object.uid = note.uid;
  event.involved_object.field_path = note.field_path;
  event.reason = cut(note.reason, kReasonLimit);
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

// Worked out from the event itself, so that nothing has to be remembered.
bool repeats_too_often(const Event& event, WallTime at) {
  return event.count >= kBurst + (at - event.first_timestamp) / kRefill;
}

}  // namespace

// Makes room for many more at once, so that a cluster at its limit does not look for the oldest at every note.
void drop_oldest_events(Transaction& txn) {
  Snapshot before = txn.view();
  struct Aged {
    uint64_t version = 0;  // of the last write
    size_t place = 0;      // in the list
    const Object* event = nullptr;
  };
  std::vector<Aged> events;
  events.reserve(before.count(Kind::kEvent));
  for (const ObjectPtr& event : before.list(Kind::kEvent)) {
    events.push_back({event->version, events.size(), event.get()});
  }
  auto end = events.begin() + static_cast<ptrdiff_t>(events.size() / 4 + 1);
  std::nth_element(events.begin(), end - 1, events.end(),
                   [](const Aged& a, const Aged& b) { return a.version < b.version; });
  // In the order in which they stand, so that each part of the tables is taken up once.
  std::sort(events.begin(), end, [](const Aged& a, const Aged& b) { return a.place < b.place; });
  for (auto it = events.begin(); it != end; ++it) txn.remove(it->event->key());
}

void record_note(Transaction& txn, const Note& note) {
  std::string ns = note.about.ns.empty() ? "default" : note.about.ns;
  ObjectPtr home = txn.view().find(Kind::kNamespace, "", ns);
  // A namespace that is going takes its events along, and what it held says no more.
  if (home && is_deleting(*home)) return;
  if (!home && !note.about.ns.empty() && !txn.view().find(note.about)) return;
  WallTime at = txn.now().wall.seconds();
  std::string prefix = event_prefix(note);
  ObjectName name{ns, prefix + event_hash(note, note.message, note.field_path)};
  ObjectName combined{ns, prefix + event_hash(note, kCombined, "")};
  Known known = look_up(txn.view(), name, combined, prefix.size(), note, at);
  std::string message = cut(note.message, kMessageLimit);
  if (!known.same) {
    bool recent = known.combined && at - as<Event>(*known.combined).last_timestamp < kSimilarTime;
    if (recent || known.similar >= kSimilarLimit) {
      name = combined;
      known.same = known.combined;
      message = cut(std::string(kCombined) + note.message, kMessageLimit);
    }
  }
  if (known.same) {
    if (repeats_too_often(as<Event>(*known.same), at)) return;
    Object next = *known.same;
    next.version = 0;
    Event& event = as<Event>(next);
    ++event.count;
    event.last_timestamp = at;
    event.message = std::move(message);
    auto written = txn.update(std::move(next));
    ENSURE(written.ok(), "an event that was just found can be updated");
    return;
  }
  if (txn.view().count(Kind::kEvent) >= kMostEvents) drop_oldest_events(txn);
  Object fresh = new_event(note, name, at);
  as<Event>(fresh).message = std::move(message);
  auto written = txn.create(std::move(fresh));
  ENSURE(written.ok(), "an event of a new name can be created");
}

void record_node_status(Transaction& txn, const Object& node, std::string_view status, std::string_view source,
                        std::string_view host) {
  Note note;
  note.about = node.key();
  note.uid = node.meta.uid;
  note.reason = status;
  note.message = "Node " + node.meta.name + " status is now: " + std::string(status);
  note.source = source;
  note.host = host;
  record_note(txn, note);
}

}  // namespace mainstay
