#include "reconciler/api/agent_links.h"

#include <atomic>
#include <map>
#include <thread>

#include "reconciler/api/errors.h"
#include "reconciler/core/assign.h"
#include "reconciler/core/network_stream.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/base/inbox.h"

namespace mainstay::api {
namespace {

constexpr size_t kPauseAbove = 1 << 20;   // bytes waiting for a client before its node is told to wait
constexpr size_t kResumeBelow = 256 << 10;
// A network update above this goes in an answer of its own, whose bytes all nodes share.
constexpr size_t kLargeUpdate = 32 << 10;

struct Polled { std::string node; AgentHas have; Duration wait; std::shared_ptr<Deferred> reply; };
struct Wanted { std::string node; StreamRequest request; std::shared_ptr<Deferred> reply; };
struct Dialled { std::string node; uint64_t id; std::shared_ptr<Deferred> reply; };
struct Refused { std::string node; uint64_t id; Response response; };
struct Gone { uint64_t id; };  // the client of a stream has left
using News = std::variant<std::shared_ptr<const Publication>, Polled, Wanted, Dialled, Refused, Gone>;
using Letters = Inbox<News>;

struct Poll {
  AgentHas have;
  std::shared_ptr<Deferred> reply;
  MonoTime until;
};

struct NodeLink {
  uint64_t touched = 0;  // the version at which its assignment last changed
  std::optional<Poll> poll;
  std::vector<StreamRequest> wanted;  // not told to the agent yet
};

struct Asked {
  std::string node;
  std::shared_ptr<Deferred> reply;
  MonoTime until;
};

Response poll_response(const AgentPollAnswer& answer) {
  return {200, "application/json", make_bytes(encode(answer)), {}};
}

// From the agent's connection to the client's, never more than a bounded amount ahead.
void join(const std::shared_ptr<Stream>& from, const std::shared_ptr<Stream>& to) {
  std::weak_ptr<Stream> source = from;
  from->on_data([to, source](std::string_view bytes) {
    to->push(std::string(bytes));
    std::shared_ptr<Stream> up = source.lock();
    if (!up || to->queued() <= kPauseAbove) return;
    up->pause_reading();
    if (to->queued() <= kResumeBelow) up->resume_reading();  // drained between the two looks
  });
  to->on_drain(kResumeBelow, [source] {
    if (std::shared_ptr<Stream> up = source.lock()) up->resume_reading();
  });
  from->on_end([to] { to->close(); });
  to->on_end([source] {
    if (std::shared_ptr<Stream> up = source.lock()) up->abort();
  });
}

}  // namespace

class AgentLinks::Impl {
 public:
  Impl(std::shared_ptr<const Publication> first, Limits limits)
      : limits_(limits), letters_(std::make_shared<Letters>(SIZE_MAX)), current_(std::move(first)),
        start_version_(current_->view.version()) {
    answers_.set(current_->network, current_->epoch);
    thread_ = std::thread([this] { run(); });
  }

  uint64_t network_updates() const { return network_updates_.load(); }

  void stop() {
    std::lock_guard lock(stop_mutex_);
    if (!thread_.joinable()) return;
    letters_->close();
    thread_.join();
  }

  const std::shared_ptr<Letters>& letters() const { return letters_; }
  const Limits& limits() const { return limits_; }

 private:
  void run() {
    now_ = read_clock();
    while (!letters_->closed()) {
      std::vector<News> all = letters_->take_all(wait());
      now_ = read_clock();
      for (News& news : all) std::visit([&](auto& one) { take(one); }, news);
      if (now_.mono >= next_deadline_) expire();
    }
    for (auto& [name, link] : nodes_) {
      if (link.poll) link.poll->reply->complete(poll_response({}));
    }
    for (auto& [id, asked] : asked_) {
      asked.reply->complete(failure(503, "ServiceUnavailable", "the server is stopping"));
    }
  }

  Duration wait() const { return std::clamp<Duration>(next_deadline_ - now_.mono, 1ms, 60s); }

  NodeLink& link(const std::string& node) {
    auto [it, fresh] = nodes_.try_emplace(node);
    if (fresh) it->second.touched = start_version_;
    return it->second;
  }

  void deadline(MonoTime at) { next_deadline_ = std::min(next_deadline_, at); }

  void take(std::shared_ptr<const Publication>& next) {
    bool for_all = next->epoch != current_->epoch || next->network != current_->network;
    current_ = std::move(next);
    answers_.set(current_->network, current_->epoch);
    for (const std::string& node : current_->touched_nodes) {
      link(node).touched = current_->view.version();
      try_answer(node);
    }
    if (!for_all) return;
    for (auto& [node, unused] : nodes_) try_answer(node);
  }

  void take(Polled& polled) {
    NodeLink& to = link(polled.node);
    if (to.poll) to.poll->reply->complete(poll_response({}));
    to.poll = Poll{polled.have, polled.reply, now_.mono + polled.wait};
    deadline(to.poll->until);
    try_answer(polled.node);
  }

  // Answers the node's poll if there is something to say.
  void try_answer(const std::string& node) {
    NodeLink& to = link(node);
    if (!to.poll) return;
    if (to.poll->reply->gone()) {
      to.poll.reset();
      return;
    }
    const AssignmentNumber& have = to.poll->have.assignment;
    AgentPollAnswer answer;
    answer.has_assignment = have.epoch != current_->epoch || have.number < to.touched;
    bool only_network = !answer.has_assignment && to.wanted.empty();
    SharedBytes network = answers_.update_for(to.poll->have);
    network_updates_.store(answers_.composed());
    if (only_network && !network) return;
    if (network && (only_network || network->size() > kLargeUpdate)) {
      to.poll->reply->complete(Response{200, "application/json", answers_.answer_for(to.poll->have), {}});
      to.poll.reset();
      return;
    }
    if (answer.has_assignment) {
      answer.assignment = assignment(current_->view, node);
      answer.assignment.cluster_cidr = current_->cluster_cidr;
      answer.assignment.at = {current_->epoch, to.touched};
      answer.assignment.node = node;
    }
    answer.streams.swap(to.wanted);
    std::string_view update = network ? std::string_view(*network) : std::string_view();
    std::string body = encode_poll_answer(answer, update);
    to.poll->reply->complete(Response{200, "application/json", make_bytes(std::move(body)), {}});
    to.poll.reset();
  }

  void take(Wanted& wanted) {
    NodeLink& to = link(wanted.node);
    if (to.wanted.size() >= limits_.streams_per_node) {
      wanted.reply->complete(failure(429, "TooManyRequests", "node " + wanted.node + " has too many streams to open",
                                     {"", "", "", "", {}, 1}));
      return;
    }
    uint64_t id = wanted.request.id;
    asked_[id] = Asked{wanted.node, wanted.reply, now_.mono + limits_.dial_within};
    deadline(asked_[id].until);
    std::weak_ptr<Letters> letters = letters_;
    wanted.reply->on_gone([letters, id] {
      if (auto open = letters.lock()) open->push(Gone{id});
    });
    to.wanted.push_back(std::move(wanted.request));
    try_answer(wanted.node);
  }

  // The one who asked for stream `id` of this node, taken out; nothing if there is none.
  std::optional<Asked> take_asked(const std::string& node, uint64_t id) {
    auto it = asked_.find(id);
    if (it == asked_.end() || it->second.node != node) return std::nullopt;
    Asked asked = std::move(it->second);
    asked_.erase(it);
    return asked;
  }

  void forget(uint64_t id) {
    auto it = asked_.find(id);
    if (it == asked_.end()) return;
    std::erase_if(link(it->second.node).wanted, [&](const StreamRequest& request) { return request.id == id; });
    asked_.erase(it);
  }

  void take(Dialled& dialled) {
    std::optional<Asked> asked = take_asked(dialled.node, dialled.id);
    if (!asked || asked->reply->gone()) {
      dialled.reply->complete(failure(404, "NotFound", "nobody waits for this stream"));
      return;
    }
    Stream::Options up, down;
    up.upgrade = kStreamProtocol;
    down.content_type = "text/plain; charset=utf-8";
    auto from = std::make_shared<Stream>(std::move(up)), to = std::make_shared<Stream>(std::move(down));
    join(from, to);
    asked->reply->complete(to);
    dialled.reply->complete(from);
  }

  void take(Refused& refused) {
    if (std::optional<Asked> asked = take_asked(refused.node, refused.id)) {
      asked->reply->complete(std::move(refused.response));
    }
  }

  void take(Gone& gone) { forget(gone.id); }

  void expire() {
    next_deadline_ = now_.mono + 60s;
    for (auto& [name, to] : nodes_) {
      if (!to.poll) continue;
      if (now_.mono >= to.poll->until) {
        to.poll->reply->complete(poll_response({}));
        to.poll.reset();
      } else {
        deadline(to.poll->until);
      }
    }
    std::vector<uint64_t> late;
    for (auto& [id, asked] : asked_) {
      if (now_.mono >= asked.until) late.push_back(id);
      else deadline(asked.until);
    }
    for (uint64_t id : late) {
      Asked& asked = asked_[id];
      asked.reply->complete(failure(504, "Timeout", "the agent of node " + asked.node + " did not answer in time"));
      forget(id);
    }
  }

  const Limits limits_;
  const std::shared_ptr<Letters> letters_;  // bounded by what waits: a few letters per connection
  std::mutex stop_mutex_;
  std::shared_ptr<const Publication> current_;
  const uint64_t start_version_;  // of nodes that no publication has named: their assignment is at least as old
  NetworkAnswers answers_;
  std::atomic<uint64_t> network_updates_{0};
  std::map<std::string, NodeLink> nodes_;
  std::map<uint64_t, Asked> asked_;
  Now now_;
  MonoTime next_deadline_{Duration::max()};
  std::thread thread_;
};

AgentLinks::AgentLinks(std::shared_ptr<const Publication> first, Limits limits)
    : impl_(std::make_unique<Impl>(std::move(first), limits)) {}

AgentLinks::~AgentLinks() { stop(); }

void AgentLinks::stop() { impl_->stop(); }

uint64_t AgentLinks::network_updates() const { return impl_->network_updates(); }

void AgentLinks::publish(std::shared_ptr<const Publication> publication) {
  impl_->letters()->push(std::move(publication));
}

namespace {

Reply stopping() { return failure(503, "ServiceUnavailable", "the server is stopping", {"", "", "", "", {}, 1}); }

// Not to be guessed, and small enough for a JSON number.
uint64_t new_stream_id() {
  uint64_t id = 0;
  for (char byte : random_bytes(6)) id = id << 8 | static_cast<unsigned char>(byte);
  return id | 1;
}

}  // namespace

Reply AgentLinks::poll(std::string node, AgentHas has, Duration wait) {
  auto reply = std::make_shared<Deferred>();
  Duration bounded = std::clamp<Duration>(wait, 0s, impl_->limits().longest_poll);
  if (!impl_->letters()->push(Polled{std::move(node), std::move(has), bounded, reply})) return stopping();
  return reply;
}

Reply AgentLinks::open_stream(std::string node, StreamRequest request) {
  request.id = new_stream_id();
  auto reply = std::make_shared<Deferred>();
  if (!impl_->letters()->push(Wanted{std::move(node), std::move(request), reply})) return stopping();
  return reply;
}

Reply AgentLinks::dial(std::string node, uint64_t id) {
  auto reply = std::make_shared<Deferred>();
  if (!impl_->letters()->push(Dialled{std::move(node), id, reply})) return stopping();
  return reply;
}

Response AgentLinks::refuse(std::string node, uint64_t id, int status, std::string message) {
  int code = status >= 400 && status <= 599 ? status : 500;
  impl_->letters()->push(Refused{std::move(node), id, failure(code, status_reason(code), message)});
  return success();
}

}  // namespace mainstay::api
