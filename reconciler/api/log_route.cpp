#include "reconciler/api/log_route.h"

#include <algorithm>
#include <charconv>

#include "reconciler/api/errors.h"

namespace mainstay::api {
namespace {

// -1 if absent; nothing if it is no number of 0 or more.
std::optional<int64_t> count_param(const Request& request, std::string_view name) {
  std::string_view text = request.param(name);
  if (text.empty()) return -1;
  int64_t number = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

// The container that is meant; a refusal if that is not clear.
std::variant<std::string, Response> container_of(const Request& request, const Object& object) {
  const PodSpec& spec = as<Pod>(object).spec;
  std::vector<std::string> regular, all;
  for (const Container& container : spec.containers) regular.push_back(container.name);
  all = regular;
  for (const Container& container : spec.init_containers) all.push_back(container.name);
  std::string wanted(request.param("container"));
  if (wanted.empty()) {
    if (all.size() == 1) return all.front();
    std::string names;
    for (const std::string& name : regular) names += (names.empty() ? "" : " ") + name;
    return bad_request("a container name must be specified for pod " + object.meta.name + ", choose one of: [" +
                       names + "]");
  }
  if (std::find(all.begin(), all.end(), wanted) != all.end()) return wanted;
  return bad_request("container " + wanted.substr(0, 253) + " is not valid for pod " + object.meta.name);
}

const ContainerStatus* status_of(const PodStatus& status, std::string_view container) {
  for (const auto* list : {&status.container_statuses, &status.init_container_statuses}) {
    for (const ContainerStatus& one : *list) {
      if (one.name == container) return &one;
    }
  }
  return nullptr;
}

// Why there is no log yet; "" if there may be one.
std::string waiting_reason(const Object& object, const std::string& container, bool previous) {
  const ContainerStatus* status = status_of(as<Pod>(object).status, container);
  std::string name = "container \"" + container + "\" in pod \"" + object.meta.name + "\"";
  if (previous) {
    bool had = status && (status->restart_count > 0 || status->last_state.terminated);
    return had ? "" : "previous terminated " + name + " not found";
  }
  if (!status) return name + " is waiting to start: ContainerCreating";
  bool waits = status->state.waiting && !status->state.running && !status->state.terminated &&
               status->restart_count == 0 && !status->last_state.terminated;
  if (!waits) return "";
  const std::string& reason = status->state.waiting->reason;
  return name + " is waiting to start: " + (reason.empty() ? "ContainerCreating" : reason);
}

}  // namespace

std::variant<LogRequest, Response> log_request(const Request& request, const ResourcePath& path,
                                               const Snapshot& view, WallTime now) {
  ObjectPtr object = view.find(Kind::kPod, path.ns, path.name);
  if (!object) return not_found(path);
  auto container = container_of(request, *object);
  if (auto* refused = std::get_if<Response>(&container)) return std::move(*refused);

  LogRequest out;
  StreamRequest& stream = out.stream;
  stream.kind = "logs";
  stream.pod_ns = object->meta.ns;
  stream.pod_name = object->meta.name;
  stream.pod_uid = object->meta.uid;
  stream.container = std::get<std::string>(container);
  stream.follow = is_true(request.param("follow"));
  stream.previous = is_true(request.param("previous"));
  stream.timestamps = is_true(request.param("timestamps"));
  std::optional<int64_t> tail = count_param(request, "tailLines"), since = count_param(request, "sinceSeconds"),
                         limit = count_param(request, "limitBytes");
  if (!tail || !since || !limit) return bad_request("tailLines, sinceSeconds and limitBytes must be numbers of 0 or more");
  stream.tail_lines = *tail;
  stream.since_seconds = *since;
  stream.limit_bytes = *limit;
  if (std::string_view text = request.param("sinceTime"); !text.empty()) {
    std::optional<WallTime> time = parse_rfc3339(text);
    if (!time) return bad_request("sinceTime is no RFC 3339 time");
    if (*since >= 0) return bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified");
    int64_t seconds = std::chrono::ceil<std::chrono::seconds>(now - *time).count();
    stream.since_seconds = std::max<int64_t>(seconds, 0);
  }
  out.node = as<Pod>(*object).spec.node_name;
  if (out.node.empty()) {
    return bad_request("pod " + object->meta.name + " does not have a host assigned");
  }
  std::string waiting = waiting_reason(*object, stream.container, stream.previous);
  if (!waiting.empty()) return bad_request(waiting);
  return out;
}

}  // namespace mainstay::api
