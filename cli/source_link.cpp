#include "cli/source_link.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "gitsync/forge.h"
#include "gitsync/libgit2_source.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

CommitFacts facts_of(const CommitInfo& commit) {
  CommitFacts out;
  out.id = commit.id.text();
  out.tree = commit.tree.text();
  out.author = commit.author_name + " <" + commit.author_email + ">";
  out.when = commit.author_time;
  out.subject = commit.subject;
  out.trailers.assign(commit.trailers.begin(), commit.trailers.end());
  return out;
}

RefChoice ref_of(const ServerConfig& config) {
  if (!config.branch.empty()) return {RefChoice::Kind::kBranch, config.branch};
  if (!config.tag.empty()) return {RefChoice::Kind::kTag, config.tag};
  if (config.revision.empty()) return {RefChoice::Kind::kHead, ""};
  return {RefChoice::Kind::kRevision, config.revision};
}

uint64_t random_seed() {
  uint64_t seed = 0;
  for (unsigned char c : random_bytes(8)) seed = seed << 8 | c;
  return seed;
}

std::optional<ForgeKind> forge_kind(const std::string& name) {
  for (ForgeKind kind : {ForgeKind::kGitHub, ForgeKind::kGitLab, ForgeKind::kGitea, ForgeKind::kForgejo,
                         ForgeKind::kBitbucket}) {
    if (name == forge_kind_name(kind)) return kind;
  }
  return std::nullopt;
}

CommitState state_of(StatusPost::State state) {
  switch (state) {
    case StatusPost::State::kPending: return CommitState::kPending;
    case StatusPost::State::kSuccess: return CommitState::kSuccess;
    case StatusPost::State::kFailure: return CommitState::kFailure;
    case StatusPost::State::kError: return CommitState::kError;
  }
  return CommitState::kError;
}

}  // namespace

SourceNews news_of(const SourceReport& report) {
  SourceNews news;
  news.application = report.application;
  news.is_tip = report.is_tip;
  if (report.commit) news.commit = facts_of(*report.commit);
  if (report.forced_from) news.forced_from = report.forced_from->text();
  for (const Diagnostic& found : report.diagnostics.all()) {
    (found.severity == Severity::kError ? news.mistakes : news.warnings).push_back(found.text());
  }
  news.trouble = report.trouble;
  news.away = report.outcome == SourceReport::Outcome::kUnreadable;
  if (report.outcome == SourceReport::Outcome::kAccepted) news.set = report.set;
  if (report.outcome == SourceReport::Outcome::kRefused) news.readable = report.readable;
  // A tree that cannot be meant (path gone, nothing in it) holds the last good state, as a read that failed does.
  if (report.outcome == SourceReport::Outcome::kHold) news.commit = {};
  return news;
}

Result<std::unique_ptr<SourceWorker>> start_source(const ServerConfig& config, const std::string& last_commit,
                                                   CoreLoop& core) {
  SourceSpec spec;
  spec.url = config.repo_url;
  spec.ref = ref_of(config);
  spec.credentials = {config.username, config.token_file, config.ssh_key_file, config.known_hosts_file};
  spec.proxy = config.proxy;
  ASSIGN_OR_RETURN(auto source, make_libgit2_source(spec, config.data_dir + "/repos"));
  SourceWorker::Settings settings;
  settings.application = config.application;
  settings.files = {config.path, config.include, config.exclude, true};
  settings.manifests.default_namespace = config.destination_namespace;
  settings.manifests.unknown_fields = config.warn_only ? UnknownFields::kWarn : UnknownFields::kError;
  settings.polls.interval = config.poll_interval;
  settings.seed = random_seed();
  settings.last_commit = CommitId::parse(last_commit);
  return SourceWorker::start(std::move(settings), std::move(source), [&core](SourceReport report) {
    if (!report.trouble.empty()) log::warning("git", report.trouble);
    for (const Diagnostic& found : report.diagnostics.all()) {
      if (found.severity == Severity::kWarning) log::warning("git", found.text());
    }
    core.post(news_of(report));
  });
}

struct StatusPoster::State {
  std::unique_ptr<StatusSink> sink;
  std::string context;
  std::mutex mutex;
  std::condition_variable wake;
  StatusQueue queue;
  bool stopping = false;
  Rng rng{random_seed()};
  std::thread thread;

  void run();
};

void StatusPoster::State::run() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    std::optional<CommitStatus> next = queue.next(read_clock());
    if (!next) {
      std::optional<MonoTime> due = queue.due();
      if (due) {
        wake.wait_for(lock, *due - read_clock().mono);
      } else {
        wake.wait(lock);
      }
      continue;
    }
    lock.unlock();
    Status posted = sink->post(*next);
    lock.lock();
    if (posted.ok()) {
      queue.done(*next);
    } else if (!queue.failed(*next, posted.error(), read_clock(), rng)) {
      log::warning("forge",
                   "commit status of " + next->commit.brief() + " is not posted: " + posted.error().message);
    }
  }
}

StatusPoster::StatusPoster(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([this] { state_->run(); });
}

StatusPoster::~StatusPoster() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->wake.notify_one();
  }
  state_->thread.join();
}

Result<std::unique_ptr<StatusPoster>> StatusPoster::start(const ServerConfig& config) {
  std::optional<ForgeKind> kind = forge_kind(config.forge_kind);
  if (!config.forge_kind.empty() && !kind) {
    return error(ErrorCode::kInvalid, "forge.kind: there is no forge \"" + config.forge_kind +
                                          "\"; use github, gitlab, gitea, forgejo or bitbucket");
  }
  ASSIGN_OR_RETURN(ForgeTarget target, forge_target(config.repo_url, kind, config.forge_token_file));
  ASSIGN_OR_RETURN(auto sink, make_forge_sink(target));
  auto state = std::make_unique<State>();
  state->sink = std::move(sink);
  state->context = "mainstay/" + config.application;
  return std::unique_ptr<StatusPoster>(new StatusPoster(std::move(state)));
}

void StatusPoster::add(const StatusPost& post) {
  std::optional<CommitId> commit = CommitId::parse(post.commit);
  if (!commit) return;
  std::lock_guard lock(state_->mutex);
  state_->queue.add({*commit, state_->context, state_of(post.state), post.description, ""}, read_clock());
  state_->wake.notify_one();
}

}  // namespace mainstay
