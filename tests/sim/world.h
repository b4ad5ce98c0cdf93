// World: a cluster in virtual time: one daemon, some nodes, a repository and the links between them. One
// seed decides everything: what is lost, late, repeated and reordered, and what the fault plan (faults.h)
// does. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/checks.h"
#include "tests/sim/daemon.h"
#include "tests/sim/events.h"
#include "tests/sim/node.h"

namespace mainstay::sim {

struct LinkQuality {
  unsigned loss = 0;         // percent of messages
  unsigned repeated = 0;     // percent
  Duration longest = 5ms;    // messages overtake each other within it
  bool cut = false;
};

struct WorldSettings {
  uint64_t seed = 1;
  int nodes = 5;
  std::string path = "apps";  // of the application in the repository
};

class World {
 public:
  explicit World(WorldSettings settings);

  Now now() const { return now_; }
  Rng& rng() { return rng_; }
  Checks& checks() { return checks_; }
  Daemon& daemon() { return daemon_; }
  FakeRepository& repository() { return *repository_; }
  std::vector<std::unique_ptr<SimNode>>& nodes() { return nodes_; }
  LinkQuality& link(size_t node) { return links_[node]; }

  // Goes on for that long, or until a check is broken.
  void run_for(Duration span);
  void at(Duration later, std::function<void()> what) { events_.add(now_.mono + later, std::move(what)); }

  // The wall clock of everybody is set; the monotonic one goes on.
  void jump_clock(Duration by) { now_.wall = now_.wall + by; }
  void kill_daemon();
  void start_daemon();
  // A database of before takes the place of the present one; while the daemon is down.
  void restore_database();

  // The commit that must be applied before all counts as settled: one may have been pushed and not noticed yet.
  void expect(std::string commit) { expected_ = std::move(commit); }
  // Everything is what it ought to be: empty. Else what is not yet.
  std::vector<std::string> unsettled() const;
  // Runs until all is settled and nothing has been written for a while; what is missing if that takes too
  // long.
  std::vector<std::string> settle(Duration longest);
  // The head is what the disk holds, and one more turn writes nothing.
  void check_at_rest();
  uint64_t hash() const;

 private:
  // Sends over a node's link, which may lose, delay and repeat it.
  void send(size_t node, std::function<void()> deliver);
  size_t index_of(const std::string& node) const;
  void step_all();
  void check_nodes();

  Rng rng_;
  Now now_;
  Events events_;
  Checks checks_;
  std::shared_ptr<FakeRepository> repository_ = std::make_shared<FakeRepository>();
  std::vector<LinkQuality> links_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  Daemon daemon_;
  uint64_t daemon_starts_ = 0;
  std::string expected_;
  bool went_back_ = false;  // the store did, and all is not settled since
};

}  // namespace mainstay::sim
