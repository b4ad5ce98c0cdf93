// Runs HTTP and TCP probes: one connection, one answer, within the deadline. Blocks; any thread.
#pragma once

#include "nodeagent/probe.h"

namespace mainstay {

// HTTP: 200 <= status < 400 is a success; redirects to another host count as one without being followed;
// certificates are not verified. TCP: a connection is. Source: k8s-semantics section 1.6.
ProbeResult probe_network(const ProbeTarget& target);

}  // namespace mainstay
