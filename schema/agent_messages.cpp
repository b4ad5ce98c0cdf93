#include "schema/agent_messages.h"

#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/encode.h"
#include "schema/json.h"
#include "schema/message_json.h"

namespace mainstay {
namespace {

void append_objects(std::string& out, const std::vector<ObjectPtr>& objects) {
  out += '[';
  for (const ObjectPtr& object : objects) {
    if (out.back() != '[') out += ',';
    append_encoded(out, *object);
  }
  out += ']';
}

// Messages of a newer version may hold fields this one does not know.
constexpr DecodeOptions kLenient{UnknownFields::kIgnore};

Error malformed(std::string_view what, const Diagnostics& diagnostics) {
  return error(ErrorCode::kInvalid, "malformed " + std::string(what) + ": " + diagnostics.render());
}

Result<std::vector<ObjectPtr>> read_objects(const Value& map, std::string_view name) {
  std::vector<ObjectPtr> out;
  for (const Value& item : list_at(map, name)) {
    Diagnostics diagnostics;
    std::optional<Object> object = decode_object(item, kLenient, diagnostics);
    if (!object || diagnostics.has_errors()) return malformed(name, diagnostics);
    auto made = std::make_shared<Object>(std::move(*object));
    for (char c : made->meta.resource_version) {
      if (c < '0' || c > '9') break;
      made->version = made->version * 10 + static_cast<uint64_t>(c - '0');
    }
    made->meta.resource_version.clear();
    out.push_back(std::move(made));
  }
  return out;
}

Result<Value> read_map(std::string_view json, std::string_view what) {
  ASSIGN_OR_RETURN(Value value, read_json(json));
  if (!value.is_map()) return error(ErrorCode::kInvalid, "malformed " + std::string(what) + ": no JSON map");
  if (int_at(value, "protocol") > kAgentProtocol + 1) {
    return error(ErrorCode::kUnsupported,
                 std::string(what) + " of a newer version than this program understands");
  }
  return value;
}

void append_assignment(std::string& out, const Assignment& assignment) {
  MapWriter map(out);
  map.number("protocol", kAgentProtocol);
  map.number("epoch", static_cast<int64_t>(assignment.at.epoch));
  map.number("number", static_cast<int64_t>(assignment.at.number));
  map.text("node", assignment.node);
  map.text("podCIDR", assignment.pod_cidr);
  map.text("clusterCIDR", assignment.cluster_cidr);
  append_objects(map.key("pods"), assignment.pods);
  append_objects(map.key("configMaps"), assignment.config_maps);
  append_objects(map.key("secrets"), assignment.secrets);
  if (assignment.service_accounts) append_objects(map.key("serviceAccounts"), *assignment.service_accounts);
  map.close();
}

Result<Assignment> read_assignment(const Value& value) {
  Assignment out;
  out.at = {static_cast<uint64_t>(int_at(value, "epoch")), static_cast<uint64_t>(int_at(value, "number"))};
  out.node = text_at(value, "node");
  out.pod_cidr = text_at(value, "podCIDR");
  out.cluster_cidr = text_at(value, "clusterCIDR");
  ASSIGN_OR_RETURN(out.pods, read_objects(value, "pods"));
  ASSIGN_OR_RETURN(out.config_maps, read_objects(value, "configMaps"));
  ASSIGN_OR_RETURN(out.secrets, read_objects(value, "secrets"));
  if (value.find("serviceAccounts") != nullptr) {
    ASSIGN_OR_RETURN(out.service_accounts, read_objects(value, "serviceAccounts"));
  }
  return out;
}

void append_pod_report(std::string& out, const PodReport& pod) {
  MapWriter map(out);
  map.text("namespace", pod.ns);
  map.text("name", pod.name);
  map.text("uid", pod.uid);
  map.flag("gone", pod.gone);
  append_json(map.key("status"), PodStatus::kType, &pod.status);
  map.close();
}

void append_event(std::string& out, const AgentEvent& event) {
  MapWriter map(out);
  map.text("namespace", event.ns);
  map.text("name", event.name);
  map.text("uid", event.uid);
  map.text("fieldPath", event.field_path);
  map.flag("warning", event.warning);
  map.text("reason", event.reason);
  map.text("message", event.message);
  map.some("since", static_cast<int64_t>(event.since));
  map.close();
}

void append_stream(std::string& out, const StreamRequest& stream) {
  MapWriter map(out);
  map.number("id", static_cast<int64_t>(stream.id));
  map.text("kind", stream.kind);
  map.text("namespace", stream.pod_ns);
  map.text("name", stream.pod_name);
  map.text("uid", stream.pod_uid);
  map.text("container", stream.container);
  map.flag("follow", stream.follow);
  map.flag("previous", stream.previous);
  map.flag("timestamps", stream.timestamps);
  map.number("tailLines", stream.tail_lines);
  map.number("sinceSeconds", stream.since_seconds);
  map.number("limitBytes", stream.limit_bytes);
  map.close();
}

StreamRequest read_stream(const Value& value) {
  StreamRequest out;
  out.id = static_cast<uint64_t>(int_at(value, "id"));
  out.kind = text_at(value, "kind");
  out.pod_ns = text_at(value, "namespace");
  out.pod_name = text_at(value, "name");
  out.pod_uid = text_at(value, "uid");
  out.container = text_at(value, "container");
  out.follow = flag_at(value, "follow");
  out.previous = flag_at(value, "previous");
  out.timestamps = flag_at(value, "timestamps");
  out.tail_lines = int_at(value, "tailLines", -1);
  out.since_seconds = int_at(value, "sinceSeconds", -1);
  out.limit_bytes = int_at(value, "limitBytes", -1);
  return out;
}

}  // namespace

std::string encode(const Assignment& assignment) {
  std::string out;
  append_assignment(out, assignment);
  return out;
}

Result<Assignment> decode_assignment(std::string_view json) {
  ASSIGN_OR_RETURN(Value value, read_map(json, "assignment"));
  return read_assignment(value);
}

std::string encode(const NodeReport& report) {
  std::string out;
  MapWriter map(out);
  map.number("protocol", kAgentProtocol);
  map.text("node", report.node);
  map.number("sequence", static_cast<int64_t>(report.sequence));
  map.text("boot", report.boot);
  map.number("epoch", static_cast<int64_t>(report.seen.epoch));
  map.number("number", static_cast<int64_t>(report.seen.number));
  map.some("networkEpoch", static_cast<int64_t>(report.network_seen.epoch));
  map.some("networkNumber", static_cast<int64_t>(report.network_seen.number));
  map.flag("whole", report.whole);
  append_each(map.key("pods"), report.pods, append_pod_report);
  if (report.node_status) append_json(map.key("nodeStatus"), NodeStatus::kType, &*report.node_status);
  append_each(map.key("events"), report.events, append_event);
  if (!report.labels.empty()) {
    MapWriter labels(map.key("labels"));
    for (const auto& [key, value] : report.labels) append_json_string(labels.key(key), value);
    labels.close();
  }
  map.close();
  return out;
}

Result<NodeReport> decode_node_report(std::string_view json) {
  ASSIGN_OR_RETURN(Value value, read_map(json, "node report"));
  NodeReport out;
  Diagnostics diagnostics;
  Path root;
  out.node = text_at(value, "node");
  out.sequence = static_cast<uint64_t>(int_at(value, "sequence"));
  out.boot = text_at(value, "boot");
  out.seen = {static_cast<uint64_t>(int_at(value, "epoch")), static_cast<uint64_t>(int_at(value, "number"))};
  out.network_seen = {static_cast<uint64_t>(int_at(value, "networkEpoch")),
                      static_cast<uint64_t>(int_at(value, "networkNumber"))};
  out.whole = flag_at(value, "whole");
  for (const Value& item : list_at(value, "pods")) {
    PodReport pod;
    pod.ns = text_at(item, "namespace");
    pod.name = text_at(item, "name");
    pod.uid = text_at(item, "uid");
    pod.gone = flag_at(item, "gone");
    if (const Value* status = item.find("status")) {
      decode(*status, PodStatus::kType, &pod.status, kLenient, root.field("status"), diagnostics);
    }
    out.pods.push_back(std::move(pod));
  }
  const Value* labels = value.find("labels");
  if (labels != nullptr && labels->is_map()) {
    for (const Member& label : labels->as_map()) {
      if (label.value.is_string()) out.labels[label.name] = label.value.as_string();
    }
  }
  if (const Value* status = value.find("nodeStatus")) {
    decode(*status, NodeStatus::kType, &out.node_status.ensure(), kLenient, root.field("nodeStatus"),
           diagnostics);
  }
  for (const Value& item : list_at(value, "events")) {
    out.events.push_back({text_at(item, "namespace"), text_at(item, "name"), text_at(item, "uid"),
                          text_at(item, "fieldPath"), flag_at(item, "warning"), text_at(item, "reason"),
                          text_at(item, "message"), static_cast<uint64_t>(int_at(item, "since"))});
  }
  if (diagnostics.has_errors()) return malformed("node report", diagnostics);
  if (out.node.empty()) return error(ErrorCode::kInvalid, "malformed node report: it names no node");
  return out;
}

std::string encode(const AgentPollAnswer& answer) {
  return encode_poll_answer(answer, answer.network ? encode(*answer.network) : std::string());
}

std::string encode_poll_answer(const AgentPollAnswer& answer, std::string_view network) {
  std::string out;
  MapWriter map(out);
  if (answer.has_assignment) append_assignment(map.key("assignment"), answer.assignment);
  if (!network.empty()) map.key("network") += network;
  append_each(map.key("streams"), answer.streams, append_stream);
  map.close();
  return out;
}

Result<AgentPollAnswer> decode_poll_answer(std::string_view json) {
  ASSIGN_OR_RETURN(Value value, read_map(json, "poll answer"));
  AgentPollAnswer out;
  if (const Value* assignment = value.find("assignment")) {
    ASSIGN_OR_RETURN(out.assignment, read_assignment(*assignment));
    out.has_assignment = true;
  }
  if (const Value* network = value.find("network")) {
    ASSIGN_OR_RETURN(out.network, read_network_update(*network));
  }
  for (const Value& item : list_at(value, "streams")) out.streams.push_back(read_stream(item));
  return out;
}

}  // namespace mainstay
