// Runs HTTP, TCP and gRPC probes and HTTP and TCP hooks: one question, one answer, within the deadline. Blocks; any
// thread.
#pragma once

#include <atomic>

#include "nodeagent/probe.h"

namespace mainstay {

// HTTP: 200 <= status < 400 is a success (with `any_status` every answer); redirects on the same host are
// followed, ten at most, one to another host is a success with a warning; certificates are not verified. TCP: a
// connection is one. gRPC: grpc.health.v1.Health/Check answers SERVING. Ends early, as a failure, once
// `cancelled`. Source: k8s-semantics section 1.6; the gRPC health checking protocol.
ProbeResult probe_network(const ProbeTarget& target, const std::atomic<bool>* cancelled = nullptr);

}  // namespace mainstay
