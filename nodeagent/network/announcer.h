// Announcer: makes a node's segments send packets for load balancer addresses to this node, as MetalLB's layer 2 mode
// does: says so unasked when it begins (gratuitous ARP), and answers who asks. Which node announces what is decided
// alike by all (announce_plan.h).
//
// Two nodes may think they are the one while one of them is cut off from the control plane. So a node begins to
// announce only while it is in contact; goes on without; and when another node says that an address is its own,
// the one without contact gives it up, until it has contact again, and the other says it once more.
//
// Works in the network namespace of the thread that made it. One thread of its own while there is something to
// announce; one caller at a time.
#pragma once

#include <memory>
#include <string>

#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

class Announcer {
 public:
  explicit Announcer(std::string node);
  ~Announcer();  // answers no more; says nothing
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Announces what the state gives to this node, and nothing else. Call it again now and then: interfaces come and go.
  Status apply(const NetworkState& state);
  // Whether the control plane answered the last time. Any thread.
  void in_contact(bool yes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
