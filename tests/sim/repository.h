// What people push in the simulation: a handful of Deployments with their Services and ConfigMaps, edited,
// broken, deleted, reverted and force-pushed at random. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gitsync/fake_source.h"
#include "schema/base/rng.h"

namespace mainstay::sim {

// One Deployment as its author thinks of it.
struct Workload {
  int replicas = 2;
  int image = 1;           // ":1" ...
  int config = 1;          // what its ConfigMap says
  bool recreate = false;
  std::string surge = "25%", unavailable = "25%";
  int toleration = 20;     // seconds on a node that is away; 0 takes the default five minutes
  int cpu_milli = 200;
  bool probes = false;
  bool apart = false;      // no two of one revision on a node
  bool even = false;       // spread over the nodes, at most two apart
  bool first = false;      // of a priority class that preempts
  std::map<std::string, std::string> annotations;  // of its pods: how they behave
  bool is_declared = true;
};

class Author {
 public:
  Author(FakeRepository& repository, Rng& rng);

  // One push of any kind; what it was, in words.
  std::string push_something();
  // The state in which everything is declared and behaves: what the cluster must come to.
  void push_good();
  // Commits that can be applied: the newest, and any of them.
  std::string tip() const { return good_.back().text(); }
  std::string some_good() { return good_[rng_.below(good_.size())].text(); }

 private:
  std::map<std::string, std::string> files() const;
  void commit(const std::string& message);
  Workload& any();
  std::string edit();
  std::string break_a_pod();
  std::string break_the_tree();

  FakeRepository& repository_;
  Rng& rng_;
  std::map<std::string, Workload> workloads_;
  std::vector<CommitId> good_;  // commits with a tree that can be applied
};

}  // namespace mainstay::sim
