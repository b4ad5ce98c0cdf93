// Thousands of nodes in one process: the agent's own core on a simulated runtime, in virtual time, so that pods
// are running, as their control plane sees it, without a container or a wait. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reconciler/core/messages.h"
#include "schema/base/result.h"

namespace mainstay::bench {

class Fleet {
 public:
  // Nodes of 64 CPUs, 256 GiB and 250 pods, named node-0000 and so on.
  explicit Fleet(size_t nodes);
  ~Fleet();

  // The first report of each: who it is and what it has.
  std::vector<Message> introduce();
  // Gives every node its assignment in `publication`, lets it start and stop what that asks for, and gathers
  // the reports.
  std::vector<Message> follow(const Publication& publication);

 private:
  struct Member;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace mainstay::bench
