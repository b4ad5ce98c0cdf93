#include "tests/bench/daemon.h"

#include <cstdio>
#include <cstdlib>

#include "reconciler/core/core_loop_planner.h"
#include "schema/base/clock.h"
#include "schema/base/inbox.h"

namespace mainstay::bench {
namespace {

constexpr size_t kKeptSentences = 8;
// Longer than any journal's group; a turn that only waits for the journal looks again after it.
constexpr Duration kLongestWait = 50ms;
// A wake-up farther away than this is a timer of the far future, not work left over.
constexpr Duration kSoon = 500ms;

}  // namespace

struct Daemon::Words {
  Inbox<Message> inbox{1'000'000};
  Planner planner{[this](Draft draft) { inbox.push(std::move(draft)); }};
};

CoreSettings bench_settings() {
  CoreSettings settings;
  settings.control.root_ca = "-----BEGIN CERTIFICATE-----";  // which every pod with a token mounts
  settings.control.cluster_cidr = "10.0.0.0/8";  // a /16 holds 256 nodes
  settings.control.service_cidr = "172.16.0.0/16";
  settings.control.node_grace = 24h;             // nodes here speak only when they have something to say
  ApplicationSettings root;
  root.repo_url = "file:///bench";
  root.target_revision = "main";
  settings.applications.push_back(root);
  return settings;
}

Daemon::Daemon() : words_(std::make_unique<Words>()) {}

Daemon::~Daemon() {
  if (core_) journal_->stop();
}

Result<std::unique_ptr<Daemon>> Daemon::open(const std::string& data_dir, CoreSettings settings) {
  std::unique_ptr<Daemon> daemon(new Daemon);
  MonoTime begin = read_clock().mono;
  SqliteJournalOptions options;
  options.data_dir = data_dir;
  ASSIGN_OR_RETURN(daemon->journal_, SqliteJournal::open(std::move(options)));
  MonoTime opened = read_clock().mono;
  ASSIGN_OR_RETURN(Loaded loaded, daemon->journal_->load());
  Now now = read_clock();
  daemon->core_ = std::make_unique<Core>(std::move(settings), std::move(loaded), now, 1);
  daemon->start_ = {opened - begin, now.mono - opened, read_clock().mono - now.mono};
  JournalListener listener;
  Inbox<Message>& inbox = daemon->words_->inbox;
  listener.durable = [&inbox](const JournalDurable& word) { inbox.push(word); };
  listener.refused = [&inbox](const JournalRefused& word) { inbox.push(word); };
  listener.ambiguous = [](const std::string& why) {
    std::fprintf(stderr, "mainstay_bench: the journal cannot go on: %s\n", why.c_str());
    std::abort();
  };
  daemon->journal_->start(std::move(listener));
  return daemon;
}

void Daemon::send(std::vector<Message> messages) {
  for (Message& message : messages) outbox_.push_back(std::move(message));
}

size_t Daemon::turn() {
  Duration wait = kLongestWait;
  if (!outbox_.empty()) wait = 0us;
  if (std::optional<MonoTime> wake = core_->next_wake()) {
    wait = std::clamp(*wake - read_clock().mono, Duration{0}, wait);
  }
  std::vector<Message> messages = words_->inbox.take_all(wait);
  for (const Message& message : messages) {
    if (const auto* durable = std::get_if<JournalDurable>(&message)) settled_ = std::max(settled_, durable->number);
    if (const auto* refused = std::get_if<JournalRefused>(&message)) refusal_ = refused->message;
    if (std::holds_alternative<Draft>(message)) --drafting_;
  }
  std::move(outbox_.begin(), outbox_.end(), std::back_inserter(messages));
  outbox_.clear();
  Now begin = read_clock();
  Effects effects = core_->turn(begin, std::move(messages));
  longest_turn_ = std::max(longest_turn_, read_clock().mono - begin.mono);
  ++turns_;
  for (std::string& sentence : effects.log) {
    if (sentences_.size() == kKeptSentences) sentences_.erase(sentences_.begin());
    sentences_.push_back(std::move(sentence));
  }
  fresh_ = effects.publication;
  drafting_ += effects.drafts.size();
  for (DraftRequest& request : effects.drafts) words_->planner.ask(std::move(request));
  size_t sealed = 0;
  if (effects.batch) {
    sealed = effects.batch->changes.size();
    handed_ = effects.batch->number;
    journal_->append(std::move(*effects.batch));
  }
  return sealed;
}

Status Daemon::until(const std::function<bool()>& done, Duration limit, const Watch& watch) {
  MonoTime deadline = read_clock().mono + limit;
  while (!done()) {
    if (!refusal_.empty()) return failed("the journal refused a batch: " + refusal_);
    if (read_clock().mono > deadline) {
      std::string said = "not done within " + human_duration(limit);
      for (const std::string& sentence : sentences_) said += "; " + sentence;
      return error(ErrorCode::kTimeout, said);
    }
    turn();
    if (fresh_ && watch) watch(*fresh_);
  }
  return {};
}

bool Daemon::is_quiet() const {
  if (!outbox_.empty() || drafting_ > 0 || handed_ != settled_ || turns_ == 0) return false;
  if (journal_->counters().copying) return false;
  std::optional<MonoTime> wake = core_->next_wake();
  return !wake || *wake - read_clock().mono > kSoon;
}

Status Daemon::quiet(Duration limit) {
  turn();
  return until([this] { return is_quiet(); }, limit);
}

}  // namespace mainstay::bench
