#include "nodeagent/probe.h"

#include <algorithm>
#include <charconv>

namespace mainstay {
namespace {

std::chrono::seconds at_least(int32_t seconds, int32_t least) {
  return std::chrono::seconds{std::max(seconds, least)};
}

std::optional<int> port_number(int64_t number) {
  if (number < 1 || number > 65535) return std::nullopt;
  return static_cast<int>(number);
}

// A name is one of the container's own ports, else a number written as text.
std::optional<int> resolve_port(const IntOrString& port, const Container& container) {
  if (port.is_int()) return port_number(port.number());
  const std::string& name = port.string();
  for (const ContainerPort& candidate : container.ports) {
    if (candidate.name == name) return port_number(candidate.container_port);
  }
  int number = 0;
  auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (problem != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return port_number(number);
}

// What probes and hooks have in common. Nothing if there is no such handler, or its port does not exist.
template <typename Handler>
std::optional<ProbeTarget> target_of(const Handler& handler, const Container& container,
                                     std::string_view pod_ip) {
  ProbeTarget target;
  target.host = pod_ip;
  if (handler.exec) {
    target.kind = ProbeTarget::Kind::kExec;
    target.command = handler.exec->command;
    return target;
  }
  if (handler.tcp_socket) {
    std::optional<int> port = resolve_port(handler.tcp_socket->port, container);
    if (!port) return std::nullopt;
    target.port = *port;
    if (!handler.tcp_socket->host.empty()) target.host = handler.tcp_socket->host;
    return target;
  }
  if (!handler.http_get) return std::nullopt;
  const HTTPGetAction& get = *handler.http_get;
  std::optional<int> port = resolve_port(get.port, container);
  if (!port) return std::nullopt;
  target.kind = ProbeTarget::Kind::kHttp;
  target.port = *port;
  if (!get.host.empty()) target.host = get.host;
  target.https = get.scheme == "HTTPS";
  target.path = get.path.empty() ? "/" : get.path;
  for (const HTTPHeader& header : get.http_headers) target.headers.emplace_back(header.name, header.value);
  return target;
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
  // At a steady pace however long an answer takes; what was missed is not made up for.
  state.due = std::max(state.due + at_least(probe.period_seconds, 1), now);
  if (result.success) {
    state.failures = 0;
    if (++state.successes >= std::max(probe.success_threshold, 1)) state.passed = true;
    return;
  }
  state.successes = 0;
  if (++state.failures < std::max(probe.failure_threshold, 1)) return;
  state.passed = false;
  if (kind != ProbeKind::kReadiness) state.failed_for_good = true;
}

std::optional<ProbeTarget> probe_target(const Probe& probe, const Container& container,
                                        std::string_view pod_ip) {
  std::optional<ProbeTarget> target;
  if (probe.grpc) {
    std::optional<int> port = port_number(probe.grpc->port);
    if (!port) return std::nullopt;
    target.emplace();
    target->kind = ProbeTarget::Kind::kGrpc;
    target->host = pod_ip;
    target->port = *port;
    target->service = probe.grpc->service;
  } else {
    target = target_of(probe, container, pod_ip);
  }
  if (target) target->timeout = at_least(probe.timeout_seconds, 1);
  return target;
}

std::optional<ProbeTarget> hook_target(const LifecycleHandler& hook, const Container& container,
                                       std::string_view pod_ip, Duration timeout) {
  std::optional<ProbeTarget> target = target_of(hook, container, pod_ip);
  if (!target) return target;
  target->timeout = timeout;
  target->any_status = true;
  return target;
}

}  // namespace mainstay
