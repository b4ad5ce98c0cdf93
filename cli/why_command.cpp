#include "cli/why_command.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "cli/client.h"
#include "cli/output.h"
#include "reconciler/sched/placement.h"
#include "schema/base/clock.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"

namespace mainstay {
namespace {

constexpr int kMostOwners = 5;

// All objects of a list as ours, for decisions made here.
Result<std::vector<Object>> read_list(const Client& client, const std::string& path,
                                      std::string_view api_version, std::string_view kind) {
  ASSIGN_OR_RETURN(Value list, client.get(path));
  std::vector<Object> out;
  for (const Value& item : list_at(list, {"items"})) {
    Value document = item;
    document.set("apiVersion", api_version);
    document.set("kind", kind);
    Diagnostics diagnostics;
    std::optional<Object> object = decode_object(document, {UnknownFields::kIgnore}, diagnostics);
    if (!object) return error(ErrorCode::kInvalid, diagnostics.render());
    out.push_back(std::move(*object));
  }
  return out;
}

// What the scheduler says of each node for a pod that waits; an empty list if it has been placed meanwhile.
Value verdicts_on(const Client& client, const Value& pod) {
  Value out = Value::list();
  Result<std::vector<Object>> nodes = read_list(client, "/api/v1/nodes", "v1", "Node");
  Result<std::vector<Object>> pods = read_list(client, "/api/v1/pods", "v1", "Pod");
  Result<std::vector<Object>> namespaces = read_list(client, "/api/v1/namespaces", "v1", "Namespace");
  if (!nodes.ok() || !pods.ok() || !namespaces.ok()) return out;
  ClusterView view;
  std::optional<Object> waiting;
  auto add = [&](Object& object) {
    Change change;
    change.key = object.key();
    change.after = std::make_shared<Object>(std::move(object));
    view.apply(change);
  };
  for (Object& ns : *namespaces) add(ns);
  for (Object& node : *nodes) add(node);
  for (Object& one : *pods) {
    if (one.meta.uid == text_at(pod, {"metadata", "uid"})) waiting = std::move(one);
    else add(one);
  }
  if (!waiting) return out;
  for (const NodeVerdict& verdict : explain(view, *waiting)) {
    Value row = Value::map(), reasons = Value::list();
    for (const std::string& reason : verdict.reasons) reasons.push(reason);
    row.set("node", verdict.node);
    row.set("fits", verdict.reasons.empty());
    if (verdict.reasons.empty()) row.set("score", static_cast<int64_t>(verdict.score));
    row.set("reasons", std::move(reasons));
    out.push(std::move(row));
  }
  return out;
}

// Up the owners, Pod <- ReplicaSet <- Deployment, each with the file, line and commit that declare it, if any.
Value chain_of(const Client& client, ResourceUrl url, Value object, std::string kind, const std::string& ns) {
  Value out = Value::list();
  for (int depth = 0; depth < kMostOwners; ++depth) {
    Value link = Value::map();
    std::string name = text_at(object, {"metadata", "name"});
    link.set("kind", kind);
    link.set("name", name);
    std::string place = url.plural + "/" + (url.namespaced ? path_part(ns) : "-") + "/" + path_part(name);
    Result<Value> origin = client.get("/mainstay/v1/origins/" + place);
    if (origin.ok()) link.set("declared", std::move(*origin));
    out.push(std::move(link));
    const ValueList& owners = list_at(object, {"metadata", "ownerReferences"});
    if (owners.empty()) return out;
    kind = owners[0].string_at("kind");
    std::string owner(owners[0].string_at("name"));
    Result<ResourceUrl> next = resource_url(kind, path_part(ns));
    Result<Value> found = next.ok() ? client.get(next->collection + "/" + path_part(owner)) : next.error();
    if (!found.ok()) return out;
    url = *next;
    object = std::move(*found);
  }
  return out;
}

// "CrashLoopBackOff: back-off 10s restarting ..."; "exit code 1 (Error)"; "" for one that just runs.
std::string sentence_of(const Value& state) {
  std::string reason = text_at(state, {"reason"}), message = text_at(state, {"message"});
  std::string code = text_at(state, {"exitCode"});
  if (!code.empty()) reason = "exit code " + code + (reason.empty() ? "" : " (" + reason + ")");
  if (message.empty() || reason.empty()) return reason + message;
  return reason + ": " + message;
}

// What each container of a pod does, and how it ended before.
Value containers_of(const Value& pod) {
  Value out = Value::list();
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Value& status : list_at(pod, {"status", list})) {
      Value row = Value::map();
      row.set("name", text_at(status, {"name"}));
      const Value* restarts = status.find("restartCount");
      row.set("restarts", restarts != nullptr && restarts->is_int() ? restarts->as_int() : int64_t{0});
      for (const char* state : {"waiting", "running", "terminated"}) {
        const Value* now = status.find_path({"state", state});
        if (now == nullptr) continue;
        row.set("state", state);
        row.set("because", sentence_of(*now));
      }
      if (const Value* before = status.find_path({"lastState", "terminated"})) row.set("before", sentence_of(*before));
      out.push(std::move(row));
    }
  }
  return out;
}

void print_containers(const Value& why) {
  for (const Value& container : list_at(why, {"containers"})) {
    std::string because = text_at(container, {"because"}), before = text_at(container, {"before"});
    std::string restarts = text_at(container, {"restarts"});
    std::printf("Container %s: %s%s%s%s\n", text_at(container, {"name"}).c_str(), text_at(container, {"state"}).c_str(),
                because.empty() ? "" : (", " + because).c_str(),
                restarts == "0" ? "" : (", restarted " + restarts + (restarts == "1" ? " time" : " times")).c_str(),
                before.empty() ? "" : (", ended before with " + before).c_str());
  }
}

void print_why(const Value& why) {
  bool first = true;
  for (const Value& link : list_at(why, {"chain"})) {
    std::printf("%s%s %s\n", first ? "" : "Because of ", text_at(link, {"kind"}).c_str(),
                text_at(link, {"name"}).c_str());
    first = false;
    if (const Value* origin = link.find("declared")) {
      std::printf("Declared at %s:%s, commit %s of application %s\n", text_at(*origin, {"path"}).c_str(),
                  text_at(*origin, {"line"}).c_str(), text_at(*origin, {"commit"}).substr(0, 10).c_str(),
                  text_at(*origin, {"application"}).c_str());
    }
  }
  std::string phase = text_at(why, {"phase"}), node = text_at(why, {"node"});
  if (!phase.empty()) {
    std::printf("Phase: %s%s\n", phase.c_str(), node.empty() ? "" : (", on node " + node).c_str());
  }
  for (const Value& condition : list_at(why, {"conditions"})) {
    std::string message = text_at(condition, {"message"});
    std::printf("Condition %s: %s%s\n", text_at(condition, {"type"}).c_str(), text_at(condition, {"status"}).c_str(),
                message.empty() ? "" : (", " + message).c_str());
  }
  print_containers(why);
  const ValueList& nodes = list_at(why, {"nodes"});
  if (!nodes.empty()) std::printf("Nodes:\n");
  for (const Value& verdict : nodes) {
    std::string reasons;
    for (const Value& reason : list_at(verdict, {"reasons"})) {
      reasons += (reasons.empty() ? "" : ", ") + std::string(reason.as_string());
    }
    if (reasons.empty()) reasons = "fits, score " + text_at(verdict, {"score"});
    std::printf("  %s: %s\n", text_at(verdict, {"node"}).c_str(), reasons.c_str());
  }
  if (const Value* events = why.find("events")) print_events(*events);
}

}  // namespace

Value events_about(const Client& client, const std::string& ns, const std::string& uid) {
  Value out = Value::list();
  Result<Value> events = client.get("/api/v1/namespaces/" + (ns.empty() ? "default" : path_part(ns)) +
                                    "/events?fieldSelector=involvedObject.uid%3D" + path_part(uid));
  if (!events.ok()) return out;
  std::vector<std::pair<uint64_t, Value>> rows;
  for (const Value& event : list_at(*events, {"items"})) {
    Value row = Value::map();
    for (const char* name : {"type", "reason", "message"}) row.set(name, text_at(event, {name}));
    const Value* count = event.find("count");
    row.set("count", count != nullptr && count->is_int() ? count->as_int() : int64_t{1});
    row.set("first", text_at(event, {"firstTimestamp"}));
    row.set("last", text_at(event, {"lastTimestamp"}));
    std::string version = text_at(event, {"metadata", "resourceVersion"});
    rows.emplace_back(std::strtoull(version.c_str(), nullptr, 10), std::move(row));
  }
  // As they were written, which tells those of one second apart.
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [version, row] : rows) out.push(std::move(row));
  return out;
}

void print_events(const Value& events) {
  if (events.as_list().empty()) return;
  WallTime now = read_clock().wall;
  auto age = [&](const Value& event, const char* name) {
    std::optional<WallTime> when = parse_rfc3339(text_at(event, {name}));
    return when ? human_duration(now - *when) : std::string("<unknown>");
  };
  std::printf("Events:\n");
  for (const Value& event : events.as_list()) {
    std::string count = text_at(event, {"count"}), when = age(event, "last");
    if (count != "1") when += " (x" + count + " over " + age(event, "first") + ")";
    std::printf("  %-8s %-20s %-18s %s\n", text_at(event, {"type"}).c_str(), text_at(event, {"reason"}).c_str(),
                when.c_str(), text_at(event, {"message"}).c_str());
  }
}

int why_command(const ClientOptions& options, const std::string& object) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  size_t slash = object.find('/');
  std::string resource = slash == std::string::npos ? "pod" : object.substr(0, slash);
  std::string name = slash == std::string::npos ? object : object.substr(slash + 1);
  Result<ResourceUrl> url = resource_url(resource, path_part(options.ns));
  if (!url.ok()) return complain(url.error());
  if (name.empty()) return complain(failed("which one? give KIND/NAME, such as pod/web"));
  Result<Value> found = client->get(url->collection + "/" + path_part(name));
  if (!found.ok()) return complain(found.error());
  Value why = Value::map(), conditions = Value::list();
  std::string node = text_at(*found, {"spec", "nodeName"});
  why.set("chain", chain_of(*client, *url, *found, resource, options.ns));
  why.set("phase", text_at(*found, {"status", "phase"}));
  why.set("node", node);
  for (const Value& condition : list_at(*found, {"status", "conditions"})) conditions.push(condition);
  why.set("conditions", std::move(conditions));
  if (url->plural == "pods") why.set("containers", containers_of(*found));
  if (url->plural == "pods" && node.empty()) why.set("nodes", verdicts_on(*client, *found));
  why.set("events", events_about(*client, url->namespaced ? options.ns : "", text_at(*found, {"metadata", "uid"})));
  if (!print_structured(why, options.output)) print_why(why);
  return 0;
}

}  // namespace mainstay
