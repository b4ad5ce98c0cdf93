// Checks: the promises that hold after every turn, whatever goes wrong, and the trace by which two runs of
// one seed are compared. A broken promise becomes a sentence; the run stops at the first. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/core/messages.h"
#include "schema/agent_messages.h"

namespace mainstay::sim {

// FNV-1a over everything that happened.
class Trace {
 public:
  void add(std::string_view bytes);
  void add(uint64_t number);
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 14695981039346656037ULL;
};

// One turn of the core, as seen from outside.
struct Turn {
  const Snapshot& before;
  const Snapshot& after;
  const Effects& effects;
  bool by_api = false;           // an API client wrote something: pods may go by its order
  uint64_t durable_version = 0;  // of the journal
  uint64_t durable_epoch = 0;
};

class Checks {
 public:
  // The audit, durability of all that is sent, availability, and that no pod came to stand where required
  // anti-affinity forbids it.
  void after_turn(const Turn& turn);
  // A new daemon starts from what was durable, or from an older copy of it.
  void daemon_started() { published_ = {}; }
  // The agent of `node` has taken in that assignment; `forgotten` if its disk was lost before.
  void after_agent_step(const std::string& node, const AssignmentNumber& seen);
  void disk_lost(const std::string& node) { seen_.erase(node); }
  // What each node runs. A pod may be on two only after the store went back in time: then it may have been
  // bound anew while the node of the future still runs it.
  void nodes_run(const std::map<std::string, std::set<std::string>>& uids, bool store_went_back);

  void broken(std::string sentence);
  const std::vector<std::string>& found() const { return found_; }
  uint64_t trace_hash() const { return trace_.hash(); }

 private:
  void check_durable(const Turn& turn);
  void check_availability(const Turn& turn);
  void check_company(const Turn& turn);
  void add_to_trace(const Turn& turn);

  std::vector<std::string> found_;
  std::map<std::string, AssignmentNumber> seen_;
  AssignmentNumber published_;
  Trace trace_;
};

// Every row of the store: key, version, bytes.
uint64_t store_hash(const Snapshot& view);

}  // namespace mainstay::sim
