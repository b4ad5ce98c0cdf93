#include "tests/sim/daemon.h"

#include <algorithm>

#include "reconciler/control/service_addresses.h"
#include "reconciler/core/assign.h"
#include "tests/sim/events.h"

namespace mainstay::sim {
namespace {

constexpr Duration kPollWait = 10s;       // of the agents
constexpr Duration kLongestSleep = 5s;    // as CoreLoop
constexpr Duration kShortestTurn = 1ms;
constexpr uint64_t kLongestDraft = 300'000;  // microseconds
constexpr size_t kLogLines = 200;

CoreSettings settings(const std::string& path) {
  CoreSettings out;
  out.control.root_ca = "-----BEGIN CERTIFICATE-----";  // which every pod with a token mounts
  out.control.api_service = true;
  out.control.api_address = "10.0.0.5";
  out.control.api_port = 6443;
  ApplicationSettings app;
  app.name = kApplication;
  app.repo_url = "https://git.example.com/shop.git";
  app.target_revision = kBranch;
  app.path = path;
  app.planned_at_once = 3;  // the trees here are small, and a draft is to meet everything that can happen meanwhile
  out.applications.push_back(app);
  return out;
}

// What a report says, as the core takes it; the daemon's own wire is cli/source_link.cpp.
SourceNews news_of(const SourceReport& report) {
  SourceNews news;
  news.application = report.application;
  news.is_tip = report.is_tip;
  if (report.commit && report.outcome != SourceReport::Outcome::kHold) {
    news.commit.id = report.commit->id.text();
    news.commit.tree = report.commit->tree.text();
    news.commit.author = report.commit->author_name;
    news.commit.when = report.commit->author_time;
    news.commit.subject = report.commit->subject;
    news.commit.trailers.assign(report.commit->trailers.begin(), report.commit->trailers.end());
  }
  if (report.forced_from) news.forced_from = report.forced_from->text();
  for (const Diagnostic& found : report.diagnostics.all()) {
    (found.severity == Severity::kError ? news.mistakes : news.warnings).push_back(found.text());
  }
  news.trouble = report.trouble;
  if (report.outcome == SourceReport::Outcome::kAccepted) news.set = report.set;
  if (report.outcome == SourceReport::Outcome::kRefused) news.readable = report.readable;
  return news;
}

}  // namespace

Daemon::Daemon(std::shared_ptr<FakeRepository> repository, std::string path, Checks& checks, Down down)
    : repository_(std::move(repository)), path_(std::move(path)), checks_(checks), down_(std::move(down)) {}

void Daemon::start(Now now, Rng& rng) {
  Loaded loaded = *journal_.load();
  std::string last_commit;
  for (const LoadedApplication& app : loaded.applications) {
    if (app.application == kApplication && app.cursor) last_commit = app.cursor->target;
  }
  durable_version_ = start_version_ = loaded.snapshot.version();
  core_ = std::make_unique<Core>(settings(path_), std::move(loaded), now, rng.next());
  checks_.daemon_started();
  current_ = core_->published();
  network_answers_ = {};
  network_answers_.set(current_->network, current_->epoch);
  JournalListener listener;
  listener.durable = [this](const JournalDurable& word) {
    durable_version_ = std::max(durable_version_, word.version);
    inbox_.emplace_back(word);
  };
  listener.refused = [this](const JournalRefused& word) { inbox_.emplace_back(word); };
  journal_.start(std::move(listener));
  source_ = std::make_unique<FakeSource>(repository_, kBranch);
  FileRules rules;
  rules.path = path_;
  reader_ = std::make_unique<SourceReader>(kApplication, *source_, *FileSelection::create(rules),
                                           ManifestRules{});
  if (std::optional<CommitId> commit = CommitId::parse(last_commit)) reader_->remember_tip(*commit);
  look_at_ = now.mono;
  turned_at_ = now.mono - kShortestTurn;
  inbox_at_ = now.mono;
}

void Daemon::kill() {
  journal_.crash();
  core_.reset();
  reader_.reset();
  source_.reset();
  inbox_.clear();
  inbox_at_.reset();
  written_at_.reset();
  senders_.clear();
  current_.reset();
  touched_.clear();
  polls_.clear();
  drafts_.clear();
  for (auto& [ticket, answered] : std::exchange(clients_, {})) {
    if (answered) answered(nullptr);
  }
}

void Daemon::restore() {
  ENSURE(!core_ && backup_, "a database is restored while nobody has it open");
  journal_.restore(*backup_);
}

void Daemon::hear(Message word, MonoTime now) {
  inbox_.push_back(std::move(word));
  if (!inbox_at_) inbox_at_ = now;
}

void Daemon::receive(const NodeReport& report, Now now) {
  if (!core_) return;
  senders_[++last_ticket_] = {report.node, report.boot, report.sequence};
  hear(ReportIn{last_ticket_, report}, now.mono);
}

void Daemon::write(ApiWrite write, Now now, Answered answered) {
  if (!core_) {
    if (answered) answered(nullptr);
    return;
  }
  write.ticket = ++last_ticket_;
  clients_[write.ticket] = std::move(answered);
  hear(std::move(write), now.mono);
}

void Daemon::order(ApplicationOrder order, Now now, Answered answered) {
  if (!core_) {
    if (answered) answered(nullptr);
    return;
  }
  order.ticket = ++last_ticket_;
  clients_[order.ticket] = std::move(answered);
  order.application = kApplication;
  order.actor = "user:admin";
  hear(std::move(order), now.mono);
}

void Daemon::fail_reads(FakeSource::Operation operation, unsigned times) {
  if (source_) source_->fail_next(operation, error(ErrorCode::kUnavailable, "the forge is away"), times);
}

void Daemon::heal_reads() {
  if (source_) source_->heal();
}

void Daemon::refuse_writes(JournalRefusal why, MonoTime until) {
  refusal_ = why;
  refuses_until_ = until;
}

void Daemon::receive(const PollUp& poll, Now now) {
  if (!core_) return;
  touched_.try_emplace(poll.node, start_version_);
  polls_[poll.node] = {poll, now.mono + kPollWait};
  try_answer(poll.node);
}

// As AgentLinks: the whole assignment, and only if the agent's is older or of another epoch; of the network what
// the agent lacks.
void Daemon::try_answer(const std::string& node) {
  auto held = polls_.find(node);
  if (held == polls_.end()) return;
  const PollUp& poll = held->second.poll;
  uint64_t touched = touched_[node];
  const AssignmentNumber& have = poll.have.assignment;
  AgentPollAnswer answer;
  answer.has_assignment = have.epoch != current_->epoch || have.number < touched;
  if (SharedBytes update = network_answers_.update_for(poll.have)) {
    Result<NetworkUpdate> read = decode_network_update(*update);
    ENSURE(read.ok(), "a network update that we wrote can be read");
    answer.network = std::move(*read);
  }
  if (!answer.has_assignment && !answer.network) return;
  if (answer.has_assignment) {
    answer.assignment = assignment(current_->view, node);
    answer.assignment.at = {current_->epoch, touched};
    answer.assignment.cluster_cidr = current_->cluster_cidr;
  }
  down_.poll_answer(poll, std::move(answer));
  polls_.erase(held);
}

void Daemon::publish(const std::shared_ptr<const Publication>& next) {
  bool for_all = next->epoch != current_->epoch || next->network != current_->network;
  current_ = next;
  network_answers_.set(next->network, next->epoch);
  for (const std::string& node : next->touched_nodes) {
    touched_[node] = next->view.version();
    try_answer(node);
  }
  if (!for_all) return;
  for (auto& [node, unused] : touched_) try_answer(node);
}

NetworkState Daemon::network() const {
  ControlSettings control = settings(path_).control;
  NetworkRanges ranges;
  ranges.cluster_cidr = control.cluster_cidr;
  ranges.service_cidr = control.service_cidr;
  ranges.dns_address = dns_address(control);
  ranges.announce = control.announce_load_balancers;
  return network_of(core_->head(), ranges);
}

void Daemon::look(Now now, Rng& rng) {
  if (std::optional<SourceReport> report = reader_->poll()) hear(news_of(*report), now.mono);
  PollRules rules;
  rules.interval = 20s;
  look_at_ = now.mono + next_poll(rules, reader_->failures(), rng);
}

std::optional<MonoTime> Daemon::due(MonoTime now) const {
  if (!core_) return std::nullopt;
  std::optional<MonoTime> turn = turned_at_ + kLongestSleep;
  turn = sooner(turn, core_->next_wake());
  if (!inbox_.empty()) turn = sooner(turn, inbox_at_.value_or(now));
  turn = std::max(*turn, turned_at_ + kShortestTurn);
  std::optional<MonoTime> out = sooner(sooner(turn, look_at_), written_at_);
  for (const auto& [node, held] : polls_) out = sooner(out, held.until);
  if (!drafts_.empty()) out = sooner(out, drafts_.front().first);
  return out;
}

void Daemon::write_down(MonoTime now, Rng& rng) {
  if (now < refuses_until_) {
    journal_.refuse_next(1, refusal_);
    journal_.deliver(1);
  } else {
    journal_.refuse_next(0, refusal_);
    journal_.deliver(1 + rng.below(journal_.waiting() + 1));
  }
  if (!inbox_at_) inbox_at_ = now;
  written_at_.reset();
  if (journal_.waiting() > 0) written_at_ = now + 1ms;
}

void Daemon::step(Now now, Rng& rng) {
  if (!core_) return;
  if (now.mono >= look_at_) look(now, rng);
  if (written_at_ && now.mono >= *written_at_) write_down(now.mono, rng);
  for (auto held = polls_.begin(); held != polls_.end();) {
    if (now.mono < held->second.until) {
      ++held;
      continue;
    }
    down_.poll_answer(held->second.poll, {});
    held = polls_.erase(held);
  }
  while (!drafts_.empty() && drafts_.front().first <= now.mono) {
    hear(make_draft(drafts_.front().second), now.mono);
    drafts_.pop_front();
  }
  bool wakes = now.mono >= turned_at_ + kLongestSleep;
  std::optional<MonoTime> wake = core_->next_wake();
  if (!inbox_.empty() || wakes || (wake && *wake <= now.mono)) {
    if (now.mono >= turned_at_ + kShortestTurn) turn(now, rng);
  }
}

void Daemon::turn(Now now, Rng& rng) {
  std::vector<Message> messages = std::exchange(inbox_, {});
  inbox_at_.reset();
  bool by_api = std::any_of(messages.begin(), messages.end(),
                            [](auto& message) { return std::holds_alternative<ApiWrite>(message); });
  Snapshot before = core_->head();
  turned_at_ = now.mono;
  ++turns_;
  Effects effects = core_->turn(now, std::move(messages));
  checks_.after_turn({before, core_->head(), effects, by_api, durable_version_, journal_.epoch()});
  for (std::string& sentence : effects.log) {
    if (log_.size() >= kLogLines) log_.erase(log_.begin());
    log_.push_back(std::move(sentence));
  }
  if (effects.batch) {
    last_batch_at_ = now.mono;
    journal_.append(*effects.batch);
    uint64_t longest = static_cast<uint64_t>(longest_write_.count());
    if (!written_at_) written_at_ = now.mono + 1ms + Duration{static_cast<int64_t>(rng.below(longest))};
  }
  for (DraftRequest& request : effects.drafts) {
    MonoTime after = drafts_.empty() ? now.mono : drafts_.back().first;
    Duration takes = 1ms + Duration{static_cast<int64_t>(rng.below(kLongestDraft))};
    drafts_.emplace_back(after + takes, std::move(request));
  }
  let_out(effects);
}

void Daemon::let_out(const Effects& effects) {
  if (effects.publication) publish(effects.publication);
  for (const Answer& answer : effects.answers) {
    if (auto client = clients_.extract(answer.ticket)) {
      if (client.mapped()) client.mapped()(&answer);
      continue;
    }
    auto sender = senders_.find(answer.ticket);
    if (sender == senders_.end()) continue;
    Heard heard = Heard::kYes;
    if (answer.error) heard = answer.error->code == 409 ? Heard::kAnew : Heard::kNo;
    down_.report_answer(sender->second.node, sender->second.boot, sender->second.sequence, heard);
    senders_.erase(sender);
  }
  for (const SourceRequest& request : effects.reads) {
    std::optional<CommitId> commit = CommitId::parse(request.commit);
    if (commit) hear(news_of(reader_->read_commit(*commit)), turned_at_);
  }
}

}  // namespace mainstay::sim
