// Validation of what is run or asked beside a container's own process: probes and lifecycle hooks.
// Source: Kubernetes core/validation, validateProbe, validateLifecycle and validateHandler.
#include <algorithm>
#include <cctype>
#include <string>

#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr std::string_view kSchemes[] = {"HTTP", "HTTPS"};

void validate_handler_port(FieldErrors& errors, const Path& path, const IntOrString& port) {
  if (port.is_int()) {
    errors.port(path, port.number());
  } else {
    errors.problems(path, port.string(), port_name_problems(port.string()));
  }
}

void validate_http_get(FieldErrors& errors, const Path& path, const HTTPGetAction& get) {
  if (get.path.empty()) errors.required(path.field("path"));
  validate_handler_port(errors, path.field("port"), get.port);
  errors.one_of(path.field("scheme"), get.scheme, kSchemes);
  for (size_t i = 0; i < get.http_headers.size(); ++i) {
    const std::string& name = get.http_headers[i].name;
    bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-';
    });
    const Path headers = path.field("httpHeaders");
    const Path header = headers.index(i);
    if (!good) {
      errors.invalid(header.field("name"), name,
                     "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                     "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')");
    }
  }
}

// Counts the handlers of one probe or hook; the second and later ones are forbidden.
class HandlerCount {
 public:
  HandlerCount(FieldErrors& errors, const Path& path) : errors_(errors), path_(path) {}
  // True if this one is to be looked at.
  bool add(bool present, std::string_view name) {
    if (!present) return false;
    if (count_++ == 0) return true;
    errors_.forbidden(path_.field(name), "may not specify more than 1 handler type");
    return false;
  }
  void require_one() const {
    if (count_ == 0) errors_.required(path_, "must specify a handler type");
  }

 private:
  FieldErrors& errors_;
  const Path& path_;
  int count_ = 0;
};

// What probes and hooks have in common.
template <typename Handler>
void validate_actions(FieldErrors& errors, const Path& path, const Handler& handler, HandlerCount& count) {
  if (count.add(handler.exec.has_value(), "exec") && handler.exec->command.empty()) {
    const Path exec = path.field("exec");
    errors.required(exec.field("command"));
  }
  if (count.add(handler.http_get.has_value(), "httpGet")) {
    validate_http_get(errors, path.field("httpGet"), *handler.http_get);
  }
  if (count.add(handler.tcp_socket.has_value(), "tcpSocket")) {
    const Path socket = path.field("tcpSocket");
    validate_handler_port(errors, socket.field("port"), handler.tcp_socket->port);
  }
}

void validate_probe(FieldErrors& errors, const Path& path, const Probe& probe, std::string_view which) {
  HandlerCount count(errors, path);
  validate_actions(errors, path, probe, count);
  if (count.add(probe.grpc.has_value(), "grpc")) {
    const Path grpc = path.field("grpc");
    errors.port(grpc.field("port"), probe.grpc->port);
  }
  count.require_one();
  errors.at_least(path.field("initialDelaySeconds"), probe.initial_delay_seconds, 0);
  errors.at_least(path.field("timeoutSeconds"), probe.timeout_seconds, 0);
  errors.at_least(path.field("periodSeconds"), probe.period_seconds, 0);
  errors.at_least(path.field("successThreshold"), probe.success_threshold, 0);
  errors.at_least(path.field("failureThreshold"), probe.failure_threshold, 0);
  bool readiness = which == "readinessProbe";
  if (!readiness && probe.success_threshold != 1) {
    errors.invalid(path.field("successThreshold"), probe.success_threshold, "must be 1");
  }
  if (!probe.termination_grace_period_seconds) return;
  const Path grace = path.field("terminationGracePeriodSeconds");
  if (readiness) {
    errors.invalid(grace, *probe.termination_grace_period_seconds, "must not be set for readinessProbes");
  } else if (*probe.termination_grace_period_seconds <= 0) {
    errors.invalid(grace, *probe.termination_grace_period_seconds, "must be greater than 0");
  }
}

void validate_hook(FieldErrors& errors, const Path& path, const Box<LifecycleHandler>& hook,
                   const PodSpec& pod) {
  if (!hook) return;
  HandlerCount count(errors, path);
  validate_actions(errors, path, *hook, count);
  if (count.add(hook->sleep.has_value(), "sleep") && pod.termination_grace_period_seconds) {
    int64_t seconds = hook->sleep->seconds, grace = *pod.termination_grace_period_seconds;
    if (seconds < 0 || seconds > grace) {
      errors.invalid(path.field("sleep"), seconds,
                     "must be non-negative and less than terminationGracePeriodSeconds (" +
                         std::to_string(grace) + ")");
    }
  }
  count.require_one();
}

}  // namespace

void validate_container_handlers(FieldErrors& errors, const Path& path, const Container& container,
                                 bool is_init, const PodSpec& pod) {
  constexpr std::string_view kNotForInit = "may not be set for init containers without restartPolicy=Always";
  bool allowed = !is_init || container.restart_policy == "Always";
  if (container.lifecycle) {
    const Path lifecycle = path.field("lifecycle");
    if (allowed) {
      validate_hook(errors, lifecycle.field("postStart"), container.lifecycle->post_start, pod);
      validate_hook(errors, lifecycle.field("preStop"), container.lifecycle->pre_stop, pod);
    } else {
      errors.forbidden(lifecycle, kNotForInit);
    }
  }
  auto probe = [&](const Box<Probe>& box, std::string_view name) {
    if (!box) return;
    if (!allowed) return errors.forbidden(path.field(name), kNotForInit);
    validate_probe(errors, path.field(name), *box, name);
  };
  probe(container.liveness_probe, "livenessProbe");
  probe(container.readiness_probe, "readinessProbe");
  probe(container.startup_probe, "startupProbe");
}

}  // namespace mainstay
