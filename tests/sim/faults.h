// Faults: what goes wrong while a simulation runs, drawn from the world's seed: links, agents, machines,
// the daemon, its journal, its database, the runtimes, the repository - and people, who push and write at
// the API. One thread.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/repository.h"
#include "tests/sim/world.h"

namespace mainstay::sim {

class Faults {
 public:
  Faults(World& world, Author& author) : world_(world), author_(author) {}

  // Goes wrong again and again until stop(), on average every `every`.
  void start(Duration every);
  // Nothing more goes wrong, and all that is down or cut comes back.
  void stop();
  // What happened, for the one who reads a failing seed.
  const std::vector<std::string>& story() const { return story_; }

 private:
  void next();
  std::string something();
  std::string trouble_a_link();
  std::string trouble_an_agent();
  std::string trouble_a_machine();
  std::string trouble_the_daemon();
  std::string trouble_the_disk();
  std::string write_at_the_api();
  std::string jump_the_clock();
  std::string order_an_application();
  std::string delete_a_node();
  void end_rollback();
  // Some time between a second and `longest`.
  Duration some(Duration longest);
  // Does it later, unless the faults have been stopped before.
  void later(Duration span, std::function<void()> what);
  size_t any_node() { return world_.rng().below(world_.nodes().size()); }

  World& world_;
  Author& author_;
  Duration every_{0};
  bool running_ = false;
  std::vector<std::string> story_;
};

}  // namespace mainstay::sim
