// Stage 15: what a node's agent says becomes state. Late, repeated and reordered reports do no harm.
// Core thread, inside a transaction.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "reconciler/store/transaction.h"
#include "schema/agent_messages.h"

namespace mainstay {

// What is remembered of each node's agent, in memory only.
struct AgentTrack {
  std::string boot;               // of the agent process that speaks now
  uint64_t sequence = 0;          // its highest report taken in
  uint64_t events_seen = 0;       // the highest whose events were written
  std::deque<std::string> retired;  // boots of processes before it, oldest first; their late messages are ignored
  std::deque<MonoTime> contradicted;  // when one of those spoke all the same, oldest first
  MonoTime heard;                 // for the node's lifecycle
};

// True if another agent process of the node has spoken since the report's own did.
bool is_retired(const AgentTrack& track, const NodeReport& report);

// To be told of every report that is_retired(). True if processes of the node contradict each other so often that
// more than one must be alive: each speaks up as a new one as soon as it hears of the other.
bool are_two(AgentTrack& track, MonoTime now);

// True if the report is newer than all that came from its node; remembers it then.
bool is_news(AgentTrack& track, const NodeReport& report, MonoTime now);

// Writes the node (made if it is new and the report describes it), the pods' states and the events. A pod that
// a whole report leaves out, although the node was told of it in `epoch`, is not there any more: one being
// deleted goes, another has failed. Events that a report before this one said are not counted anew. Nothing but a
// node's description is taken of a report whose node does not exist.
void take_report(Transaction& txn, AgentTrack& track, const NodeReport& report, uint64_t epoch);

}  // namespace mainstay
