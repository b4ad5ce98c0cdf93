#include "reconciler/api/watch_hub.h"

#include <atomic>
#include <charconv>
#include <deque>
#include <map>
#include <thread>

#include "reconciler/api/errors.h"
#include "reconciler/api/filter.h"
#include "reconciler/api/render.h"
#include "schema/base/clock.h"
#include "schema/base/inbox.h"

namespace mainstay::api {
namespace {

// One change, and the lines made of it that some connection still holds.
struct Entry {
  Change change;
  std::vector<std::pair<std::string, std::weak_ptr<const std::string>>> lines;
};

struct KindLog {
  std::deque<Entry> entries;
  uint64_t first = 0;  // number of entries.front()
  uint64_t floor = 0;  // the newest version that is not in the log any more
  uint64_t end() const { return first + entries.size(); }
};

struct Initial {
  Snapshot view;
  ObjectName after;  // the last one sent
  bool started = false;
};

struct Watcher {
  std::shared_ptr<Stream> stream;
  const KindInfo* info = nullptr;
  ObjectFilter filter;
  Rendering how;
  std::optional<Initial> initial;
  bool initial_end = false;     // a bookmark ends the initial events
  bool bookmarks = false;
  uint64_t since = 0;           // only later versions are sent
  uint64_t next = 0;            // place in the log
  bool blocked = false;         // the window is full
  MonoTime until, next_bookmark;
};

struct Joined { uint64_t id; std::shared_ptr<Watcher> watcher; };
struct Drained { uint64_t id; };
struct Ended { uint64_t id; };
using News = std::variant<std::shared_ptr<const Publication>, Joined, Drained, Ended>;
// Without a limit of its own: at most a few letters per watcher, and the core's publications.
using Letters = Inbox<News>;

Bytes expired_line(uint64_t asked, uint64_t oldest) {
  std::string body = *expired(asked, oldest).body;
  while (body.ends_with('\n')) body.pop_back();
  return make_bytes("{\"type\":\"ERROR\",\"object\":" + body + "}\n");
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_after(const ObjectName& name, const Object& object) {
  return std::tie(object.meta.ns, object.meta.name) > std::tie(name.ns, name.name);
}

}  // namespace

class WatchHub::Impl {
 public:
  Impl(std::shared_ptr<const Publication> first, WatchLimits limits)
      : limits_(limits), letters_(std::make_shared<Letters>(SIZE_MAX)), newest_(first->view.version()) {
    for (KindLog& log : logs_) log.floor = newest_;
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    std::lock_guard lock(stop_mutex_);
    if (!thread_.joinable()) return;
    letters_->close();
    thread_.join();
  }

  const std::shared_ptr<Letters>& letters() const { return letters_; }
  const WatchLimits& limits() const { return limits_; }
  uint64_t next_id() { return next_id_++; }
  size_t count() const { return count_; }

 private:
  void run() {
    while (!letters_->closed()) {
      std::vector<News> all = letters_->take_all(wait());
      now_ = read_clock();
      for (News& news : all) std::visit([&](auto& one) { take(one); }, news);
      advance_fresh();
      if (now_.mono >= next_tick_) tick();
      held_.clear();
      count_ = watchers_.size();
    }
    for (auto& [id, watcher] : watchers_) watcher->stream->close();
    watchers_.clear();
  }

  Duration wait() const {
    if (watchers_.empty()) return std::chrono::hours(1);
    return std::max<Duration>(next_tick_ - now_.mono, 1ms);
  }

  void take(std::shared_ptr<const Publication>& publication) {
    for (const Change& change : publication->changes) {
      KindLog& log = logs_[static_cast<size_t>(change.key.kind)];
      log.entries.push_back({change, {}});
      order_.push_back(change.key.kind);
      fresh_[static_cast<size_t>(change.key.kind)] = true;
    }
    newest_ = std::max(newest_, publication->view.version());
    advance_fresh();  // before the log forgets anything: who keeps up loses nothing
    while (order_.size() > limits_.log_changes) {
      KindLog& log = logs_[static_cast<size_t>(order_.front())];
      log.floor = log.entries.front().change.version;
      log.entries.pop_front();
      ++log.first;
      order_.pop_front();
    }
  }

  void take(Joined& joined) {
    Watcher& w = *joined.watcher;
    KindLog& log = logs_[static_cast<size_t>(w.info->id)];
    if (w.since < log.floor) {
      w.stream->push(expired_line(w.since, log.floor));
      w.stream->close();
      return;
    }
    w.next = log.end();
    while (w.next > log.first && log.entries[w.next - 1 - log.first].change.version > w.since) --w.next;
    watchers_[joined.id] = joined.watcher;
    next_tick_ = std::min(next_tick_, now_.mono + 1s);
    advance(w);
  }

  void take(Drained& drained) {
    auto it = watchers_.find(drained.id);
    if (it == watchers_.end()) return;
    it->second->blocked = false;
    advance(*it->second);
  }

  void take(Ended& ended) { watchers_.erase(ended.id); }

  void advance_fresh() {
    for (auto& [id, watcher] : watchers_) {
      if (fresh_[static_cast<size_t>(watcher->info->id)]) advance(*watcher);
    }
    fresh_.fill(false);
  }

  // Sends what the window has room for.
  void advance(Watcher& w) {
    if (w.blocked || !w.stream->open()) return;
    if (w.initial && !send_initial(w)) return;
    KindLog& log = logs_[static_cast<size_t>(w.info->id)];
    if (w.next < log.first) {
      w.stream->push(expired_line(w.since, log.floor));
      w.stream->close();
      return;
    }
    for (; w.next < log.end(); ++w.next) {
      Entry& entry = log.entries[w.next - log.first];
      if (entry.change.version <= w.since) continue;
      Bytes line = line_for(entry, w);
      if (!line) continue;
      if (!has_room(w)) return;
      if (!w.stream->push(line)) return;
    }
  }

  bool has_room(Watcher& w) {
    w.blocked = w.stream->queued() >= limits_.window;
    // The drain may have been before this look: its letter then finds nothing blocked.
    if (w.blocked && w.stream->queued() <= limits_.window / 4) w.blocked = false;
    return !w.blocked;
  }

  // True when all initial objects are sent.
  bool send_initial(Watcher& w) {
    Initial& initial = *w.initial;
    for (const ObjectPtr& object : candidates(initial.view, w.filter)) {
      if (initial.started && !is_after(initial.after, *object)) continue;
      if (!w.filter.matches(*object)) continue;
      if (!has_room(w)) return false;
      if (!w.stream->push(render_event("ADDED", *object, object->version, w.how))) return false;
      initial.started = true;
      initial.after = {object->meta.ns, object->meta.name};
    }
    if (w.initial_end) w.stream->push(render_bookmark(*w.info, initial.view.version(), true));
    w.initial.reset();
    return true;
  }

  // Null if the change does not concern the watcher.
  Bytes line_for(Entry& entry, const Watcher& w) {
    const Change& change = entry.change;
    bool before = change.before && w.filter.matches(*change.before);
    bool after = change.after && w.filter.matches(*change.after);
    if (!before && !after) return nullptr;
    const char* type = !before ? "ADDED" : after ? "MODIFIED" : "DELETED";
    // As Kubernetes: who leaves a selection is shown as he was, with the version of the change.
    const Object& object = after ? *change.after : *change.before;
    std::string key = type + w.how.key();
    for (auto& [name, line] : entry.lines) {
      if (name != key) continue;
      if (Bytes still = line.lock()) return still;
      Bytes made = make_bytes(render_event(type, object, change.version, w.how));
      line = made;
      held_.push_back(made);
      return made;
    }
    Bytes made = make_bytes(render_event(type, object, change.version, w.how));
    if (entry.lines.size() < 8) entry.lines.emplace_back(key, made);
    held_.push_back(made);
    return made;
  }

  // Time-outs and bookmarks, once a second.
  void tick() {
    next_tick_ = now_.mono + 1s;
    for (auto& [id, watcher] : watchers_) {
      Watcher& w = *watcher;
      if (now_.mono >= w.until) {
        w.stream->close();
        continue;
      }
      if (!w.bookmarks || now_.mono < w.next_bookmark || w.blocked || w.initial) continue;
      if (w.next != logs_[static_cast<size_t>(w.info->id)].end()) continue;
      w.next_bookmark = now_.mono + limits_.bookmark_every;
      w.stream->push(render_bookmark(*w.info, std::max(newest_, w.since), false));
    }
  }

  const WatchLimits limits_;
  const std::shared_ptr<Letters> letters_;
  std::atomic<uint64_t> next_id_{1};
  std::atomic<size_t> count_{0};
  std::mutex stop_mutex_;

  // All below: the hub's thread only.
  std::array<KindLog, kKindCount> logs_;
  std::array<bool, kKindCount> fresh_{};
  std::deque<Kind> order_;  // of all logs' entries together
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers_;
  std::vector<Bytes> held_;  // lines made in this round, so that all watchers share them
  uint64_t newest_;
  Now now_;
  MonoTime next_tick_;
  std::thread thread_;
};

WatchHub::WatchHub(std::shared_ptr<const Publication> first, WatchLimits limits)
    : impl_(std::make_unique<Impl>(std::move(first), limits)) {}

WatchHub::~WatchHub() { stop(); }

void WatchHub::stop() { impl_->stop(); }

size_t WatchHub::watchers() const { return impl_->count(); }

void WatchHub::publish(std::shared_ptr<const Publication> publication) {
  impl_->letters()->push(std::move(publication));
}

Reply WatchHub::watch(const Request& request, const ResourcePath& path,
                      const std::shared_ptr<const Publication>& current, Now now) {
  const WatchLimits& limits = impl_->limits();
  auto watcher = std::make_shared<Watcher>();
  watcher->how = rendering_of(request, now.wall);
  if (watcher->how.accepted.form == Form::kNone) return not_acceptable();
  if (impl_->count() >= limits.max_watchers) {
    return failure(429, "TooManyRequests", "too many watches", {"", "", "", "", {}, 5});
  }
  Result<ObjectFilter> filter = parse_filter(request, *path.kind, path.ns);
  if (!filter.ok()) return bad_request(filter.error().message);
  watcher->filter = std::move(filter).value();
  // A watch of one object by its path is a watch of the list with a selector.
  if (!path.name.empty()) watcher->filter.fields.all.push_back({"metadata.name", path.name, true});
  watcher->info = path.kind;

  std::string_view text = request.param("resourceVersion"), send = request.param("sendInitialEvents");
  std::optional<uint64_t> version = text.empty() ? std::optional<uint64_t>(0) : number(text);
  if (!version) return bad_request("resourceVersion: Invalid value: " + json_quote(text.substr(0, 64)));
  if (!send.empty() && request.param("resourceVersionMatch") != "NotOlderThan") {
    return failure(422, "Invalid", "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                                   "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  uint64_t have = current->view.version();
  if (*version > have) return too_large_version(*version, have);
  watcher->bookmarks = is_true(request.param("allowWatchBookmarks"));
  watcher->initial_end = is_true(send) && watcher->bookmarks;
  bool initial = send.empty() ? *version == 0 : is_true(send);
  if (initial) watcher->initial = Initial{current->view, {}, false};
  watcher->since = initial || *version == 0 ? have : *version;

  std::string_view seconds = request.param("timeoutSeconds");
  std::optional<uint64_t> timeout = number(seconds);
  if (!seconds.empty() && !timeout) return bad_request("timeoutSeconds is no number");
  Duration longest = timeout && *timeout > 0 ? Duration(std::chrono::seconds(std::min<uint64_t>(*timeout, 86'400)))
                                             : limits.longest;
  watcher->until = now.mono + longest;
  watcher->next_bookmark = now.mono + limits.bookmark_every;

  Stream::Options options;
  options.content_type = watcher->how.accepted.form == Form::kJson ? "application/json" : "application/json;stream=watch";
  options.limit = limits.window + (8 << 20);  // the window, and one event of any size behind it
  watcher->stream = std::make_shared<Stream>(std::move(options));
  uint64_t id = impl_->next_id();
  std::weak_ptr<Letters> letters = impl_->letters();
  watcher->stream->on_drain(limits.window / 4, [letters, id] {
    if (auto open = letters.lock()) open->push(Drained{id});
  });
  watcher->stream->on_end([letters, id] {
    if (auto open = letters.lock()) open->push(Ended{id});
  });
  std::shared_ptr<Stream> stream = watcher->stream;
  if (!impl_->letters()->push(Joined{id, std::move(watcher)})) {
    return failure(503, "ServiceUnavailable", "the server is stopping", {"", "", "", "", {}, 1});
  }
  return stream;
}

}  // namespace mainstay::api
