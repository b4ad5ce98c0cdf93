#include "cli/client_commands.h"

#include <algorithm>
#include <cstdio>

#include "cli/client.h"
#include "reconciler/sched/placement.h"
#include "schema/base/printable.h"
#include "schema/base/time.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/json.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

constexpr const char* kTableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
constexpr const char* kApplications = "/apis/argoproj.io/v1alpha1/namespaces/mainstay/applications";

int complain(const Error& error) {
  std::fprintf(stderr, "mainstay: %s\n", printable(error.message).c_str());
  return 1;
}

Result<Client> connect(const ClientOptions& options) {
  ASSIGN_OR_RETURN(ClientTarget target, read_kubeconfig(options.kubeconfig));
  return Client(std::move(target));
}

// For people's eyes, whoever wrote it.
std::string text_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* found = value.find_path(path);
  if (found == nullptr) return "";
  if (found->is_string()) return printable(found->as_string());
  return found->is_int() ? std::to_string(found->as_int()) : "";
}

const ValueList& list_at(const Value& value, std::initializer_list<std::string_view> path) {
  static const ValueList kEmpty;
  const Value* found = value.find_path(path);
  return found != nullptr && found->is_list() ? found->as_list() : kEmpty;
}

bool print_structured(const Value& value, const std::string& output) {
  if (output == "json") {
    std::printf("%s\n", to_json(value).c_str());
  } else if (output == "yaml") {
    std::printf("%s", to_yaml(value).c_str());
  } else {
    return false;
  }
  return true;
}

std::string cell_text(const Value& cell) {
  if (cell.is_string()) return printable(cell.as_string());
  if (cell.is_int()) return std::to_string(cell.as_int());
  if (cell.is_bool()) return cell.as_bool() ? "true" : "false";
  return cell.is_null() ? "<none>" : to_json(cell);
}

void print_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] + 3 - row[i].size(), ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

// A Table as kubectl prints it.
void print_table(const Value& table, bool wide, bool with_namespace) {
  std::vector<std::vector<std::string>> rows(1);
  std::vector<size_t> shown;
  const ValueList& columns = list_at(table, {"columnDefinitions"});
  if (with_namespace) rows[0].push_back("NAMESPACE");
  for (size_t i = 0; i < columns.size(); ++i) {
    const Value* priority = columns[i].find("priority");
    if (!wide && priority != nullptr && priority->is_int() && priority->as_int() > 0) continue;
    shown.push_back(i);
    std::string name(columns[i].string_at("name"));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    rows[0].push_back(name);
  }
  for (const Value& row : list_at(table, {"rows"})) {
    std::vector<std::string> cells;
    if (with_namespace) cells.push_back(text_at(row, {"object", "metadata", "namespace"}));
    const ValueList& given = list_at(row, {"cells"});
    for (size_t i : shown) cells.push_back(i < given.size() ? cell_text(given[i]) : "");
    rows.push_back(std::move(cells));
  }
  if (rows.size() == 1) {
    std::printf("No resources found\n");
  } else {
    print_columns(rows);
  }
}

std::string with_query(const std::string& path, const ClientOptions& options) {
  if (options.selector.empty()) return path;
  std::string escaped;
  for (char c : options.selector) {
    char buffer[4];
    std::snprintf(buffer, sizeof(buffer), "%%%02X", static_cast<unsigned char>(c));
    escaped += std::isalnum(static_cast<unsigned char>(c)) ? std::string(1, c) : std::string(buffer);
  }
  return path + "?labelSelector=" + escaped;
}

void print_conditions(const Value& application) {
  for (const Value& condition : list_at(application, {"status", "conditions"})) {
    std::printf("%s: %s\n", text_at(condition, {"type"}).c_str(), text_at(condition, {"message"}).c_str());
  }
}

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

void print_verdicts(const Client& client, const Value& pod) {
  Result<std::vector<Object>> nodes = read_list(client, "/api/v1/nodes", "v1", "Node");
  Result<std::vector<Object>> pods = read_list(client, "/api/v1/pods", "v1", "Pod");
  Result<std::vector<Object>> namespaces = read_list(client, "/api/v1/namespaces", "v1", "Namespace");
  if (!nodes.ok() || !pods.ok() || !namespaces.ok()) return;
  ClusterView view;
  std::optional<Object> waiting;
  for (auto* objects : {&*namespaces, &*nodes}) {
    for (Object& object : *objects) {
      Change change;
      change.key = object.key();
      change.after = std::make_shared<Object>(std::move(object));
      view.apply(change);
    }
  }
  for (Object& one : *pods) {
    if (one.meta.uid == text_at(pod, {"metadata", "uid"})) {
      waiting = std::move(one);
      continue;
    }
    Change change;
    change.key = one.key();
    change.after = std::make_shared<Object>(std::move(one));
    view.apply(change);
  }
  if (!waiting) return;
  std::printf("Nodes:\n");
  for (const NodeVerdict& verdict : explain(view, *waiting)) {
    std::string reasons = verdict.reasons.empty() ? "fits, score " + std::to_string(verdict.score) : "";
    for (const std::string& reason : verdict.reasons) reasons += (reasons.empty() ? "" : ", ") + reason;
    std::printf("  %s: %s\n", verdict.node.c_str(), reasons.c_str());
  }
}

void print_events(const Client& client, const std::string& ns, const std::string& uid) {
  Result<Value> events =
      client.get("/api/v1/namespaces/" + ns + "/events?fieldSelector=involvedObject.uid%3D" + uid);
  if (!events.ok() || list_at(*events, {"items"}).empty()) return;
  std::printf("Events:\n");
  for (const Value& event : list_at(*events, {"items"})) {
    std::string count = text_at(event, {"count"});
    std::printf("  %-8s %-20s %s%s\n", text_at(event, {"type"}).c_str(), text_at(event, {"reason"}).c_str(),
                text_at(event, {"message"}).c_str(),
                count == "1" || count.empty() ? "" : (" (x" + count + ")").c_str());
  }
}

// File, line and commit that declare the object; nothing is printed where Git does not.
void print_origin(const Client& client, const ResourceUrl& url, const std::string& ns,
                  const std::string& name) {
  Result<Value> origin =
      client.get("/mainstay/v1/origins/" + url.plural + "/" + (url.namespaced ? ns : "-") + "/" + name);
  if (!origin.ok()) return;
  std::printf("Declared at %s:%s, commit %s of application %s\n", text_at(*origin, {"path"}).c_str(),
              text_at(*origin, {"line"}).c_str(), text_at(*origin, {"commit"}).substr(0, 10).c_str(),
              text_at(*origin, {"application"}).c_str());
}

// Up the owners, Pod <- ReplicaSet <- Deployment, to the line in Git.
void print_owners(const Client& client, ResourceUrl url, const Value& object, const std::string& ns) {
  Value current = object;
  for (int depth = 0; depth < 5; ++depth) {
    print_origin(client, url, ns, text_at(current, {"metadata", "name"}));
    const ValueList& owners = list_at(current, {"metadata", "ownerReferences"});
    if (owners.empty()) return;
    std::string kind(owners[0].string_at("kind")), name(owners[0].string_at("name"));
    std::printf("Because of %s %s\n", kind.c_str(), name.c_str());
    Result<ResourceUrl> next = resource_url(kind, ns);
    if (!next.ok()) return;
    url = *next;
    Result<Value> owner = client.get(url.collection + "/" + name);
    if (!owner.ok()) return;
    current = std::move(*owner);
  }
}

}  // namespace

int status_command(const ClientOptions& options) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Value> list = client->get(kApplications);
  if (!list.ok()) return complain(list.error());
  if (print_structured(*list, options.output)) return 0;
  const ValueList& items = list_at(*list, {"items"});
  if (items.empty()) std::printf("no repository is followed: start the server with --repo\n");
  for (const Value& app : items) {
    std::printf("%s: %s, %s", text_at(app, {"metadata", "name"}).c_str(),
                text_at(app, {"status", "sync", "status"}).c_str(),
                text_at(app, {"status", "health", "status"}).c_str());
    std::string revision = text_at(app, {"status", "sync", "revision"});
    if (!revision.empty()) std::printf(" at %s", revision.substr(0, 10).c_str());
    std::printf("\n  %s of %s\n", text_at(app, {"spec", "source", "path"}).c_str(),
                text_at(app, {"spec", "source", "repoURL"}).c_str());
    std::string message = text_at(app, {"status", "health", "message"});
    if (!message.empty()) std::printf("  %s\n", message.c_str());
    std::string phase = text_at(app, {"status", "operationState", "phase"});
    if (!phase.empty()) {
      std::printf("  %s: %s\n", phase.c_str(), text_at(app, {"status", "operationState", "message"}).c_str());
    }
    print_conditions(app);
  }
  return 0;
}

int history_command(const ClientOptions& options) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Value> found = client->get("/mainstay/v1/applications/" + options.application + "/history");
  if (!found.ok()) return complain(found.error());
  if (print_structured(*found, options.output)) return 0;
  std::vector<std::vector<std::string>> rows = {{"ID", "COMMIT", "RESULT", "SEEN", "FINISHED", "SUBJECT"}};
  for (const Value& row : list_at(*found, {"items"})) {
    rows.push_back({text_at(row, {"id"}), text_at(row, {"commit"}).substr(0, 10), text_at(row, {"result"}),
                    text_at(row, {"seen"}), text_at(row, {"finished"}), text_at(row, {"subject"})});
  }
  print_columns(rows);
  return 0;
}

int diff_command(const ClientOptions& options) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Value> found = client->get("/mainstay/v1/applications/" + options.application + "/diff");
  if (!found.ok()) return complain(found.error());
  const ValueList& items = list_at(*found, {"items"});
  int code = items.empty() ? 0 : 2;
  if (print_structured(*found, options.output)) return code;
  for (const Value& item : items) {
    std::string ns = text_at(item, {"namespace"});
    const Value* missing = item.find("missing");
    bool is_missing = missing != nullptr && missing->is_bool() && missing->as_bool();
    std::printf("%s %s%s, declared at %s:%s%s\n", text_at(item, {"kind"}).c_str(),
                ns.empty() ? "" : (ns + "/").c_str(), text_at(item, {"name"}).c_str(),
                text_at(item, {"path"}).c_str(), text_at(item, {"line"}).c_str(), is_missing ? ": is missing" : "");
    for (const Value& field : list_at(item, {"fields"})) {
      std::string path = text_at(field, {"path"});
      const Value* live = field.find("live");
      const Value* declared = field.find("declared");
      bool shown = live != nullptr && declared != nullptr;
      std::string how = shown ? ": live " + to_json(*live) + ", declared " + to_json(*declared) : ": differs (secret)";
      std::printf("  %s%s\n", path.c_str(), how.c_str());
    }
  }
  if (items.empty()) {
    std::printf("live objects are as commit %s declares them\n", text_at(*found, {"commit"}).c_str());
  }
  return code;
}

int order_command(const ClientOptions& options, const std::string& what, const std::string& commit) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Value body = Value::map();
  if (!commit.empty()) body.set("commit", commit);
  Result<Value> done = client->post("/mainstay/v1/applications/" + options.application + "/" + what, body);
  if (!done.ok()) return complain(done.error());
  std::printf("%s: %s accepted\n", options.application.c_str(), what.c_str());
  return 0;
}

int why_command(const ClientOptions& options, const std::string& object) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  size_t slash = object.find('/');
  std::string resource = slash == std::string::npos ? "pod" : object.substr(0, slash);
  std::string name = slash == std::string::npos ? object : object.substr(slash + 1);
  Result<ResourceUrl> url = resource_url(resource, options.ns);
  if (!url.ok()) return complain(url.error());
  Result<Value> found = client->get(url->collection + "/" + name);
  if (!found.ok()) return complain(found.error());
  std::printf("%s %s\n", resource.c_str(), name.c_str());
  print_owners(*client, *url, *found, options.ns);
  std::string phase = text_at(*found, {"status", "phase"}), node = text_at(*found, {"spec", "nodeName"});
  if (!phase.empty())
    std::printf("Phase: %s%s\n", phase.c_str(), node.empty() ? "" : (", on node " + node).c_str());
  for (const Value& condition : list_at(*found, {"status", "conditions"})) {
    std::string message = text_at(condition, {"message"});
    std::printf("Condition %s: %s%s\n", text_at(condition, {"type"}).c_str(),
                text_at(condition, {"status"}).c_str(), message.empty() ? "" : (", " + message).c_str());
  }
  if (url->plural == "pods" && node.empty()) print_verdicts(*client, *found);
  print_events(*client, options.ns, text_at(*found, {"metadata", "uid"}));
  return 0;
}

int get_command(const ClientOptions& options, const std::string& resource, const std::string& name) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<ResourceUrl> url = resource_url(resource, options.all_namespaces ? "" : options.ns);
  if (!url.ok()) return complain(url.error());
  std::string path = name.empty() ? with_query(url->collection, options) : url->collection + "/" + name;
  bool table = options.output.empty() || options.output == "wide";
  Result<Value> found = client->get(path, table ? kTableAccept : "application/json");
  if (!found.ok()) return complain(found.error());
  if (table) {
    print_table(*found, options.output == "wide", options.all_namespaces && url->namespaced);
  } else if (!print_structured(*found, options.output)) {
    return complain(failed("unknown output format \"" + options.output + "\"; use wide, json or yaml"));
  }
  return 0;
}

int describe_command(const ClientOptions& options, const std::string& resource, const std::string& name) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<ResourceUrl> url = resource_url(resource, options.ns);
  if (!url.ok()) return complain(url.error());
  Result<Value> found = client->get(url->collection + "/" + name);
  if (!found.ok()) return complain(found.error());
  if (url->plural == "secrets") {
    // As kubectl: sizes, never values.
    if (Value* data = found->find("data"); data != nullptr && data->is_map()) {
      for (Member& member : data->as_map()) {
        size_t bytes = member.value.is_string() ? member.value.as_string().size() / 4 * 3 : 0;
        member.value = Value(std::to_string(bytes) + " bytes");
      }
    }
  }
  std::printf("%s", to_yaml(*found).c_str());
  print_events(*client, url->namespaced ? options.ns : "default", text_at(*found, {"metadata", "uid"}));
  return 0;
}

int logs_command(const ClientOptions& options, const std::string& pod) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  std::string path = "/api/v1/namespaces/" + options.ns + "/pods/" + pod + "/log?";
  if (!options.container.empty()) path += "container=" + options.container + "&";
  if (options.follow) path += "follow=true&";
  if (options.previous) path += "previous=true&";
  if (options.timestamps) path += "timestamps=true&";
  if (options.tail >= 0) path += "tailLines=" + std::to_string(options.tail) + "&";
  path.pop_back();
  Status done = client->stream(path);
  return done.ok() ? 0 : complain(done.error());
}

int events_command(const ClientOptions& options) { return get_command(options, "events", ""); }

int token_create_command(const ClientOptions& options, const std::string& description,
                         const std::string& lifetime) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  std::optional<Duration> span = parse_duration(lifetime);
  if (!span) return complain(failed("--ttl: \"" + lifetime + "\" is no duration such as 24h"));
  Value body = Value::map();
  body.set("description", description);
  body.set("ttlSeconds",
           static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(*span).count()));
  Result<Value> made = client->post("/agent/v1/tokens", body);
  if (!made.ok()) return complain(made.error());
  std::printf("%s\n", text_at(*made, {"token"}).c_str());
  return 0;
}

}  // namespace mainstay
