#include "reconciler/core/core_loop.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>

#include "reconciler/core/core.h"
#include "reconciler/core/core_loop_planner.h"
#include "reconciler/core/refusal.h"
#include "schema/base/clock.h"
#include "schema/base/inbox.h"
#include "schema/base/log.h"
#include "schema/base/published.h"

namespace mainstay {
namespace {

constexpr size_t kInboxLimit = 16384;
// Without any work the loop still looks at the clock this often.
constexpr Duration kLongestSleep = std::chrono::seconds{5};

}  // namespace

struct CoreLoop::State {
  std::unique_ptr<Core> core;
  Journal& journal;
  Listeners listeners;
  std::vector<std::function<void(std::shared_ptr<const Publication>)>> publication_listeners;

  Inbox<Message> inbox{kInboxLimit};
  // The words of the journal and the planner do not compete with requests for room: they must never wait.
  std::mutex words_mutex;
  std::vector<Message> own_words;

  std::mutex waiting_mutex;
  std::unordered_map<Ticket, Done> waiting;
  std::atomic<Ticket> last_ticket{0};
  Published<Publication> current;
  mutable std::mutex readiness_mutex;
  Readiness readiness;
  std::atomic<uint64_t> turns{0}, messages{0}, batches{0}, changes{0};
  std::atomic<int64_t> longest_turn{0};
  std::atomic<bool> stopping{false};
  std::thread thread;
  Planner planner{[this](Draft draft) { hear(std::move(draft)); }};

  State(std::unique_ptr<Core> given, Journal& disk, Listeners told)
      : core(std::move(given)), journal(disk), listeners(std::move(told)), current(core->published()) {}

  void hear(Message word) {
    {
      std::lock_guard lock(words_mutex);
      own_words.push_back(std::move(word));
    }
    inbox.poke();
  }
  std::vector<Message> collect();
  void run();
  void let_out(Effects effects);
  void finish(const Answer& answer);
  void refuse_all(std::string_view why);
  template <typename Request>
  void send(Request request, Done done);
};

std::vector<Message> CoreLoop::State::collect() {
  Duration wait = kLongestSleep;
  if (std::optional<MonoTime> wake = core->next_wake()) {
    wait = std::clamp(*wake - read_clock().mono, Duration{0}, kLongestSleep);
  }
  std::vector<Message> taken = inbox.take_all(wait);
  std::vector<Message> words;
  {
    std::lock_guard lock(words_mutex);
    words.swap(own_words);
  }
  words.insert(words.end(), std::make_move_iterator(taken.begin()), std::make_move_iterator(taken.end()));
  return words;
}

void CoreLoop::State::finish(const Answer& answer) {
  Done done;
  {
    std::lock_guard lock(waiting_mutex);
    auto found = waiting.find(answer.ticket);
    if (found == waiting.end()) return;
    done = std::move(found->second);
    waiting.erase(found);
  }
  done(answer);
}

void CoreLoop::State::let_out(Effects effects) {
  for (const std::string& sentence : effects.log) log::info("core", sentence);
  {
    std::lock_guard lock(readiness_mutex);
    readiness.ready = effects.writable;
    readiness.why =
        effects.writable ? "" : "the store refuses writes; reads go on, writes are tried again every second";
  }
  if (effects.batch) {
    batches.fetch_add(1, std::memory_order_relaxed);
    changes.fetch_add(effects.batch->changes.size(), std::memory_order_relaxed);
    journal.append(std::move(*effects.batch));
  }
  if (effects.publication) {
    // Whoever is told of it, or answered after it, finds it in current().
    current.set(effects.publication);
    if (listeners.published) listeners.published(effects.publication);
    for (const auto& listener : publication_listeners) listener(effects.publication);
  }
  for (const Answer& answer : effects.answers) finish(answer);
  for (const StatusPost& post : effects.posts) {
    if (listeners.post) listeners.post(post);
  }
  for (const SourceRequest& request : effects.reads) {
    if (listeners.read) listeners.read(request);
  }
  for (DraftRequest& request : effects.drafts) planner.ask(std::move(request));
}

void CoreLoop::State::run() {
  while (!stopping.load()) {
    std::vector<Message> given = collect();
    messages.fetch_add(given.size(), std::memory_order_relaxed);
    Now now = read_clock();
    Effects effects = core->turn(now, std::move(given));
    int64_t took = (read_clock().mono - now.mono).count();
    longest_turn.store(std::max(longest_turn.load(), took));
    turns.fetch_add(1, std::memory_order_relaxed);
    let_out(std::move(effects));
  }
}

void CoreLoop::State::refuse_all(std::string_view why) {
  std::unordered_map<Ticket, Done> left;
  {
    std::lock_guard lock(waiting_mutex);
    left.swap(waiting);
  }
  for (auto& [ticket, done] : left) {
    Answer answer;
    answer.ticket = ticket;
    answer.error = store_unavailable(why);
    done(answer);
  }
}

template <typename Request>
void CoreLoop::State::send(Request request, Done done) {
  request.ticket = last_ticket.fetch_add(1) + 1;
  Ticket ticket = request.ticket;
  {
    std::lock_guard lock(waiting_mutex);
    waiting.emplace(ticket, std::move(done));
  }
  if (!stopping.load() && inbox.push(Message(std::move(request)))) return;
  Answer answer;
  answer.ticket = ticket;
  answer.error = store_unavailable("the server is shutting down");
  finish(answer);
}

CoreLoop::CoreLoop(std::unique_ptr<Core> core, Journal& journal, Listeners listeners)
    : state_(std::make_unique<State>(std::move(core), journal, std::move(listeners))) {}

CoreLoop::~CoreLoop() { stop(); }

void CoreLoop::start() {
  State& s = *state_;
  JournalListener listener;
  listener.durable = [&s](const JournalDurable& word) { s.hear(word); };
  listener.refused = [&s](const JournalRefused& word) { s.hear(word); };
  listener.ambiguous = [](const std::string& why) {
    log::error("core",
               "it cannot be known whether the last writes are on disk, so this process ends and the next "
               "one starts from what is there: " +
                   why);
    std::abort();
  };
  s.journal.start(std::move(listener));
  s.thread = std::thread([&s] { s.run(); });
}

void CoreLoop::stop() {
  State& s = *state_;
  if (s.stopping.exchange(true)) return;
  s.inbox.close();
  if (s.thread.joinable()) {
    s.thread.join();
    s.journal.stop();
  }
  s.refuse_all("the server is shutting down");
}

std::shared_ptr<const Publication> CoreLoop::current() const { return state_->current.get(); }

CoreLoop::Readiness CoreLoop::readiness() const {
  std::lock_guard lock(state_->readiness_mutex);
  return state_->readiness;
}

void CoreLoop::on_publication(std::function<void(std::shared_ptr<const Publication>)> listener) {
  state_->publication_listeners.push_back(std::move(listener));
}

void CoreLoop::post(Message message) { state_->inbox.push(std::move(message)); }
void CoreLoop::request(ApiWrite write, Done done) { state_->send(std::move(write), std::move(done)); }
void CoreLoop::request(ReportIn report, Done done) { state_->send(std::move(report), std::move(done)); }
void CoreLoop::request(ApplicationOrder order, Done done) { state_->send(std::move(order), std::move(done)); }

CoreLoop::Counters CoreLoop::counters() const {
  const State& s = *state_;
  return {s.turns.load(), s.messages.load(), s.batches.load(), s.changes.load(),
          Duration{s.longest_turn.load()}};
}

}  // namespace mainstay
