#include "nodeagent/network_keeper.h"

#include <algorithm>

#include "nodeagent/local_state.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

namespace mainstay {

NetworkKeeper::NetworkKeeper(NodePaths paths, NodeNetwork& network, Settings settings)
    : paths_(std::move(paths)),
      network_(network),
      settings_(std::move(settings)),
      retry_(settings_.first_retry) {}

NetworkKeeper::~NetworkKeeper() { stop(); }

void NetworkKeeper::start() {
  if (std::optional<NetworkState> known = load_network(paths_)) {
    auto state = std::make_shared<const NetworkState>(std::move(*known));
    saved_ = state;
    adopt(std::move(state));
  }
  thread_ = std::thread([this] { run(); });
}

void NetworkKeeper::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void NetworkKeeper::adopt(NetworkStatePtr state) {
  {
    std::lock_guard lock(mutex_);
    newest_ = state;
    ask_whole_ = false;
    changed_.notify_all();
  }
  if (settings_.known) settings_.known(state);
}

void NetworkKeeper::present(AgentHas& has) const {
  std::lock_guard lock(mutex_);
  has.network = {};
  has.network_digest.clear();
  if (!newest_ || ask_whole_) return;
  has.network = newest_->at;
  has.network_digest = newest_->digest;
}

AssignmentNumber NetworkKeeper::seen() const {
  std::lock_guard lock(mutex_);
  return newest_ ? newest_->at : AssignmentNumber{};
}

Result<bool> NetworkKeeper::take(const NetworkUpdate& update) {
  NetworkStatePtr before;
  {
    std::lock_guard lock(mutex_);
    before = newest_ ? newest_ : std::make_shared<const NetworkState>();
  }
  Result<NetworkState> next = applied(*before, update);
  if (!next.ok()) {
    std::lock_guard lock(mutex_);
    ask_whole_ = true;
    return next.error();
  }
  if (next->at == before->at && next->digest == before->digest) {
    std::lock_guard lock(mutex_);
    ask_whole_ = false;
    return false;
  }
  adopt(std::make_shared<const NetworkState>(std::move(*next)));
  return true;
}

void NetworkKeeper::note_trouble(const std::string& trouble) {
  bool known = trouble == trouble_;
  if (!known) {
    log::warning("network", trouble);
    trouble_ = trouble;
    told_ = false;
  } else if (!told_) {
    told_ = true;
    if (settings_.troubled) settings_.troubled(trouble);
  }
}

void NetworkKeeper::note_health() {
  if (trouble_.empty()) return;
  log::info("network", "the node's network is as it should be again");
  trouble_.clear();
}

void NetworkKeeper::try_apply(const NetworkStatePtr& state, MonoTime now) {
  Status done = network_.apply(state);
  tried_ = state;
  repair_at_ = now + settings_.repair_every;
  if (done.ok()) {
    note_health();
    applied_ = state;
    retry_ = settings_.first_retry;
    return;
  }
  note_trouble(done.error().message);
  retry_at_ = now + retry_;
  retry_ = std::min(retry_ * 2, settings_.longest_retry);
}

void NetworkKeeper::try_repair(MonoTime now) {
  Result<bool> repaired = network_.repair();
  repair_at_ = now + settings_.repair_every;
  if (!repaired.ok()) return note_trouble(repaired.error().message);
  if (*repaired) log::warning("network", "somebody had changed the node's network; it is repaired");
  if (applied_ == tried_) note_health();
}

void NetworkKeeper::save(const NetworkStatePtr& state, MonoTime now) {
  save_at_ = now + settings_.save_every;
  Status saved = save_network(paths_, *state);
  if (saved.ok()) {
    saved_ = state;
  } else {
    log::warning("network", "cannot write the network's state down: " + saved.error().message);
  }
}

void NetworkKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    NetworkStatePtr state = newest_;
    MonoTime now = read_clock().mono;
    // A newer state need not wait for the back-off of an older one.
    bool apply_due = state && state != applied_ && (state != tried_ || now >= retry_at_);
    // What did come about is repaired also while another part fails.
    bool repair_due = tried_ && now >= repair_at_;
    bool save_due = state && state != saved_ && now >= save_at_;
    if (apply_due || repair_due || save_due) {
      lock.unlock();
      if (apply_due) {
        try_apply(state, now);
      } else if (repair_due) {
        try_repair(now);
      } else {
        save(state, now);
      }
      lock.lock();
      continue;
    }
    MonoTime until = now + settings_.repair_every;
    if (state && state != applied_) until = std::min(until, retry_at_);
    if (tried_) until = std::min(until, repair_at_);
    if (state && state != saved_) until = std::min(until, save_at_);
    changed_.wait_for(lock, std::max(until - now, Duration{0}));
  }
  NetworkStatePtr last = newest_;
  lock.unlock();
  if (last && last != saved_) save(last, read_clock().mono);
}

}  // namespace mainstay
