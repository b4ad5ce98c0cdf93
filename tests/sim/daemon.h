// Daemon: the control plane in virtual time: the real Core over a MemoryJournal, the real SourceReader over
// a FakeRepository, and the agents' long polls as reconciler/api/agent_links.cpp answers them. Its disk
// (the journal) outlives its process. One thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gitsync/fake_source.h"
#include "gitsync/worker.h"
#include "reconciler/core/core.h"
#include "reconciler/core/network_stream.h"
#include "reconciler/store/memory_journal.h"
#include "tests/sim/checks.h"
#include "tests/sim/node.h"

namespace mainstay::sim {

inline constexpr const char* kApplication = "root";
inline constexpr const char* kBranch = "main";

class Daemon {
 public:
  struct Down {
    std::function<void(const PollUp& poll, AgentPollAnswer answer)> poll_answer;
    std::function<void(const std::string& node, const std::string& boot, uint64_t sequence, Heard heard)>
        report_answer;
  };
  Daemon(std::shared_ptr<FakeRepository> repository, std::string path, Checks& checks, Down down);

  bool is_up() const { return core_ != nullptr; }
  void start(Now now, Rng& rng);
  // kill -9: what is not durable is gone.
  void kill();

  void receive(const PollUp& poll, Now now);
  void receive(const NodeReport& report, Now now);
  // Called once, with the daemon's answer, or with null if it died before.
  using Answered = std::function<void(const Answer* answer)>;
  void write(ApiWrite write, Now now, Answered answered = nullptr);
  // To the one application there is.
  void order(ApplicationOrder order, Now now, Answered answered = nullptr);
  // Writes and orders that nobody has answered yet.
  size_t unanswered() const { return clients_.size(); }
  // A webhook: look at the repository now.
  void poke(Now now) { look_at_ = now.mono; }
  // The next reads of the repository fail, until they are healed.
  void fail_reads(FakeSource::Operation operation, unsigned times);
  void heal_reads();

  // The journal refuses everything until then.
  void refuse_writes(JournalRefusal why, MonoTime until);
  void slow_disk(Duration longest) { longest_write_ = longest; }
  // A copy of the database is kept; later it takes the place of what is there. Restoring: only while down.
  void back_up() { backup_ = journal_.save(); }
  bool has_backup() const { return backup_.has_value(); }
  void restore();

  std::optional<MonoTime> due(MonoTime now) const;
  void step(Now now, Rng& rng);

  const Snapshot& head() const { return core_->head(); }
  // What every node has to know of the network.
  NetworkState network() const;
  // What a restart would find.
  Snapshot on_disk() { return journal_.save().snapshot; }
  // When the last batch was handed to the journal.
  MonoTime last_batch_at() const { return last_batch_at_; }
  size_t turns() const { return turns_; }
  // Sentences of the core for the operator.
  const std::vector<std::string>& log() const { return log_; }

 private:
  void hear(Message word, MonoTime now);
  void look(Now now, Rng& rng);
  void turn(Now now, Rng& rng);
  void let_out(const Effects& effects);
  void publish(const std::shared_ptr<const Publication>& next);
  void try_answer(const std::string& node);
  void write_down(MonoTime now, Rng& rng);

  const std::shared_ptr<FakeRepository> repository_;
  const std::string path_;
  Checks& checks_;
  const Down down_;

  // The disk.
  MemoryJournal journal_{"0a1b2c3d-0000-4000-8000-000000000001"};
  std::optional<MemoryJournal::Saved> backup_;
  uint64_t durable_version_ = 0;
  MonoTime refuses_until_;
  JournalRefusal refusal_ = JournalRefusal::kFull;
  Duration longest_write_ = 5ms;
  std::optional<MonoTime> written_at_;  // when what waits in the journal is on the disk

  // The process.
  std::unique_ptr<Core> core_;
  std::unique_ptr<FakeSource> source_;
  std::unique_ptr<SourceReader> reader_;
  std::vector<Message> inbox_;
  std::optional<MonoTime> inbox_at_;
  MonoTime turned_at_, look_at_, last_batch_at_;
  size_t turns_ = 0;
  std::vector<std::string> log_;
  struct Sender {
    std::string node, boot;
    uint64_t sequence = 0;
  };
  std::deque<std::pair<MonoTime, DraftRequest>> drafts_;  // the planner's, and when each is done
  std::map<Ticket, Sender> senders_;
  std::map<Ticket, Answered> clients_;
  Ticket last_ticket_ = 0;

  // The agents' links.
  std::shared_ptr<const Publication> current_;
  uint64_t start_version_ = 0;
  std::map<std::string, uint64_t> touched_;
  NetworkAnswers network_answers_;
  struct Held {
    PollUp poll;
    MonoTime until;
  };
  std::map<std::string, Held> polls_;
};

}  // namespace mainstay::sim
