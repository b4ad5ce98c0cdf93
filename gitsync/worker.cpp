#include "gitsync/worker.h"

#include <algorithm>
#include <utility>

#include "schema/base/clock.h"

namespace mainstay {
namespace {

constexpr size_t kMaxRequests = 16;
constexpr size_t kBatchBytes = 2 << 20;  // of files that are decoded together; so much is read meanwhile

}  // namespace

Duration next_poll(const PollRules& rules, unsigned failures, Rng& rng) {
  Duration wait = rules.interval;
  if (failures > 0) {
    wait = rules.first_retry;
    for (unsigned i = 1; i < failures && wait < rules.longest_retry; ++i) wait *= 2;
    wait = std::min(wait, rules.longest_retry);
  }
  // 90 % to 110 %.
  uint64_t span = static_cast<uint64_t>(wait.count());
  return Duration(static_cast<int64_t>(span - span / 10 + rng.below(span / 5 + 1)));
}

SourceReader::SourceReader(std::string application, GitSource& source, FileSelection selection,
                           ManifestRules rules, unsigned threads)
    : application_(std::move(application)),
      source_(source),
      selection_(std::move(selection)),
      threads_(threads),
      builder_(std::move(rules), selection_.path()) {}

SourceReport SourceReader::blank(SourceReport::Outcome outcome) const {
  SourceReport report;
  report.application = application_;
  report.outcome = outcome;
  return report;
}

// Lets a report through unless it only says again what the last one said.
std::optional<SourceReport> SourceReader::say(SourceReport report) {
  if (report.trouble.empty() || report.commit) {
    last_trouble_ = report.trouble;
    return report;
  }
  if (report.trouble == last_trouble_) return std::nullopt;
  last_trouble_ = report.trouble;
  return report;
}

std::optional<SourceReport> SourceReader::poll() {
  auto trouble = [&](SourceReport::Outcome outcome, std::string words, std::optional<ErrorCode> code) {
    SourceReport report = blank(outcome);
    report.trouble = std::move(words);
    report.trouble_code = code;
    return report;
  };
  Result<RefTip> tip = source_.tip();
  if (!tip.ok()) {
    if (tip.error().code == ErrorCode::kCancelled) return std::nullopt;
    ++failures_;
    return say(trouble(SourceReport::Outcome::kUnreadable, tip.error().message, tip.error().code));
  }
  if (tip->state != RefTip::State::kFound) {
    ++failures_;
    std::string words = tip->state == RefTip::State::kEmptyRepository
                            ? "the repository is empty; nothing is changed until it has a commit"
                            : tip->missing + "; what was applied stays";
    return say(trouble(SourceReport::Outcome::kHold, std::move(words), std::nullopt));
  }
  if (settled_tip_ == tip->commit) {
    failures_ = 0;
    if (last_trouble_.empty()) return std::nullopt;
    last_trouble_.clear();
    return blank(SourceReport::Outcome::kReadable);
  }
  Result<SourceReport> read = this->read(tip->commit);
  if (!read.ok()) {
    if (read.error().code == ErrorCode::kCancelled) return std::nullopt;
    ++failures_;
    return say(trouble(SourceReport::Outcome::kUnreadable, read.error().message, read.error().code));
  }
  failures_ = 0;
  if (last_tip_ && *last_tip_ != tip->commit) {
    Result<bool> forward = source_.is_ancestor(*last_tip_, tip->commit);
    if (forward.ok() && !*forward) read->forced_from = last_tip_;
  }
  last_tip_ = settled_tip_ = tip->commit;
  // A hold of this commit stands until the tip moves; polls that find the same tip need not repeat it.
  std::optional<SourceReport> said = say(std::move(read).value());
  last_trouble_.clear();
  return said;
}

SourceReport SourceReader::read_commit(const CommitId& commit) {
  Result<SourceReport> read = this->read(commit);
  SourceReport report = read.ok() ? std::move(read).value() : blank(SourceReport::Outcome::kUnreadable);
  if (!read.ok()) {
    report.trouble = read.error().message;
    report.trouble_code = read.error().code;
  }
  report.is_tip = false;
  return report;
}

// A damaged mirror is noticed only when it is read: then once more, from an empty one.
Result<SourceReport> SourceReader::read(const CommitId& commit) {
  for (bool again = false;; again = true) {
    RETURN_IF_ERROR(source_.fetch(commit));
    Result<SourceReport> report = read_fetched(commit);
    if (report.ok() || report.error().code != ErrorCode::kCorrupt || again) return report;
  }
}

Result<SourceReport> SourceReader::read_fetched(const CommitId& commit) {
  SourceReport report = blank(SourceReport::Outcome::kHold);
  ASSIGN_OR_RETURN(report.commit, source_.commit_info(commit));
  ASSIGN_OR_RETURN(std::optional<BuiltSet> changed, read_changes(commit));
  if (changed) {
    report.diagnostics = std::move(changed->diagnostics);
    report.outcome = SourceReport::Outcome::kAccepted;
    report.set = std::move(changed->set);
    return report;
  }
  base_.reset();
  ASSIGN_OR_RETURN(Listing listing, source_.list_tree(commit, selection_));
  const std::string path = selection_.path().empty() ? "the repository" : "path " + selection_.path();
  if (listing.state != Listing::State::kFound) {
    report.trouble = listing.state == Listing::State::kNotADirectory
                         ? path + " is no directory at commit " + commit.brief() + "; what was applied stays"
                         : path + " does not exist at commit " + commit.brief() + "; what was applied stays";
    return report;
  }
  RETURN_IF_ERROR(read_missing(listing.files));
  BuiltSet built = builder_.build(listing.files);
  report.diagnostics = std::move(built.diagnostics);
  switch (built.state) {
    case BuiltSet::State::kAccepted:
      report.outcome = SourceReport::Outcome::kAccepted;
      report.set = std::move(built.set);
      if (!listing.has_links) base_ = ListedTree{commit, listing.entries};
      break;
    case BuiltSet::State::kRefused:
      report.outcome = SourceReport::Outcome::kRefused;
      report.readable = std::move(built.readable);
      break;
    case BuiltSet::State::kNoObjects:
      report.trouble = path + " declares no object at commit " + commit.brief() + "; what was applied stays";
      break;
  }
  return report;
}

Result<std::optional<BuiltSet>> SourceReader::read_changes(const CommitId& commit) {
  std::optional<BuiltSet> none;
  if (!base_ || !builder_.can_update()) return none;
  ASSIGN_OR_RETURN(TreeChanges changes, source_.changed_files(*base_, commit, selection_));
  if (changes.is_whole) return none;
  RETURN_IF_ERROR(read_missing(changes.come));
  std::optional<BuiltSet> built = builder_.update(changes.gone, changes.come);
  if (built) base_ = ListedTree{commit, changes.entries};
  return built;
}

// While one batch is decoded the next one is read.
Status SourceReader::read_missing(const std::vector<TreeFile>& files) {
  std::vector<DesiredBuilder::Content> batch, decoding;
  size_t bytes = 0;
  struct Decoder {
    std::thread thread{};
    void wait() {
      if (thread.joinable()) thread.join();
    }
    ~Decoder() { wait(); }
  } decoder;
  for (const TreeFile* file : builder_.missing(files)) {
    Result<std::string> content = source_.read_blob(file->blob);
    if (!content.ok() && content.error().code != ErrorCode::kFull) return content.error();
    bytes += content.ok() ? content->size() : 0;
    batch.push_back({file, std::move(content)});
    if (bytes < kBatchBytes) continue;
    decoder.wait();
    decoding = std::exchange(batch, {});
    bytes = 0;
    if (threads_ == 1) builder_.learn(decoding);
    else decoder.thread = std::thread([&] { builder_.learn(decoding, threads_); });
  }
  decoder.wait();
  builder_.learn(batch, threads_);
  return {};
}

Result<std::unique_ptr<SourceWorker>> SourceWorker::start(Settings settings,
                                                          std::unique_ptr<GitSource> source,
                                                          std::function<void(SourceReport)> report) {
  ASSIGN_OR_RETURN(FileSelection selection, FileSelection::create(settings.files));
  return std::unique_ptr<SourceWorker>(
      new SourceWorker(std::move(settings), std::move(selection), std::move(source), std::move(report)));
}

SourceWorker::SourceWorker(Settings settings, FileSelection selection, std::unique_ptr<GitSource> source,
                           std::function<void(SourceReport)> report)
    : settings_(std::move(settings)), source_(std::move(source)), report_(std::move(report)),
      reader_(settings_.application, *source_, std::move(selection), settings_.manifests, settings_.threads) {
  if (settings_.last_commit) reader_.remember_tip(*settings_.last_commit);
  thread_ = std::thread([this] { run(); });
}

SourceWorker::~SourceWorker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  source_->interrupt();
  thread_.join();
}

void SourceWorker::poke() {
  std::lock_guard lock(mutex_);
  poked_ = true;
  wake_.notify_all();
}

bool SourceWorker::request(const CommitId& commit) {
  std::lock_guard lock(mutex_);
  if (std::find(requests_.begin(), requests_.end(), commit) != requests_.end()) return true;
  if (requests_.size() >= kMaxRequests) return false;
  requests_.push_back(commit);
  wake_.notify_all();
  return true;
}

uint64_t SourceWorker::polls() const {
  std::lock_guard lock(mutex_);
  return polls_;
}

void SourceWorker::run() {
  Rng rng(settings_.seed);
  MonoTime due = read_clock().mono, last = due - settings_.polls.interval;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    MonoTime now = read_clock().mono;
    if (poked_) due = std::min(due, last + settings_.polls.poke_gap);
    if (!requests_.empty()) {
      CommitId commit = requests_.front();
      requests_.erase(requests_.begin());
      lock.unlock();
      SourceReport report = reader_.read_commit(commit);
      report.elapsed = read_clock().mono - now;
      if (report.trouble_code != ErrorCode::kCancelled) report_(std::move(report));
      lock.lock();
    } else if (now >= due) {
      poked_ = false;
      lock.unlock();
      std::optional<SourceReport> report = reader_.poll();
      if (report) {
        report->elapsed = read_clock().mono - now;
        report_(std::move(*report));
      }
      last = read_clock().mono;
      due = last + next_poll(settings_.polls, reader_.failures(), rng);
      lock.lock();
      ++polls_;
    } else {
      bool was_poked = poked_;
      wake_.wait_for(lock, due - now, [&] { return stopping_ || !requests_.empty() || poked_ != was_poked; });
    }
  }
}

}  // namespace mainstay
