#include "nodeagent/probe.h"

#include <algorithm>

namespace mainstay {
namespace {

std::chrono::seconds at_least(int32_t seconds, int32_t least) {
  return std::chrono::seconds{std::max(seconds, least)};
}

std::optional<int> resolve_port(const IntOrString& port, const Container& container) {
  if (port.is_int()) return port.number();
  for (const ContainerPort& candidate : container.ports) {
    if (candidate.name == port.string()) return candidate.container_port;
  }
  return std::nullopt;
}

}  // namespace

ProbeState start_probe(ProbeKind kind, const Probe& probe, MonoTime container_started) {
  ProbeState state;
  state.due = container_started + at_least(probe.initial_delay_seconds, 0);
  state.passed = kind == ProbeKind::kLiveness;
  return state;
}

void take_result(ProbeState& state, ProbeKind kind, const Probe& probe, const ProbeResult& result,
                 MonoTime now) {
  state.operation = 0;
  state.due = now + at_least(probe.period_seconds, 1);
  if (result.success) {
    state.failures = 0;
    if (++state.successes >= std::max(probe.success_threshold, 1)) state.passed = true;
    return;
  }
  state.successes = 0;
  if (++state.failures < std::max(probe.failure_threshold, 1)) return;
  state.passed = false;
  if (kind == ProbeKind::kLiveness) state.failed_for_good = true;
}

std::optional<ProbeTarget> probe_target(const Probe& probe, const Container& container,
                                        std::string_view pod_ip) {
  ProbeTarget target;
  target.timeout = at_least(probe.timeout_seconds, 1);
  if (probe.exec) {
    target.kind = ProbeTarget::Kind::kExec;
    target.command = probe.exec->command;
    return target;
  }
  const IntOrString& port = probe.http_get     ? probe.http_get->port
                            : probe.tcp_socket ? probe.tcp_socket->port
                                               : IntOrString{};
  std::optional<int> number = resolve_port(port, container);
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  target.port = *number;
  target.host = pod_ip;
  if (probe.tcp_socket) {
    target.kind = ProbeTarget::Kind::kTcp;
    if (!probe.tcp_socket->host.empty()) target.host = probe.tcp_socket->host;
    return target;
  }
  if (!probe.http_get) return std::nullopt;
  target.kind = ProbeTarget::Kind::kHttp;
  if (!probe.http_get->host.empty()) target.host = probe.http_get->host;
  target.https = probe.http_get->scheme == "HTTPS";
  target.path = probe.http_get->path.empty() ? "/" : probe.http_get->path;
  for (const HTTPHeader& header : probe.http_get->http_headers)
    target.headers.emplace_back(header.name, header.value);
  return target;
}

}  // namespace mainstay
