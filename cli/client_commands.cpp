#include "cli/client_commands.h"

#include <algorithm>
#include <cstdio>

#include "cli/client.h"
#include "cli/output.h"
#include "cli/why_command.h"
#include "schema/base/crypto.h"
#include "schema/base/shown.h"
#include "schema/json.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

constexpr const char* kTableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
constexpr const char* kApplications = "/apis/argoproj.io/v1alpha1/namespaces/mainstay/applications";

std::string cell_text(const Value& cell) {
  if (cell.is_string()) return shown(cell.as_string());
  if (cell.is_int()) return std::to_string(cell.as_int());
  if (cell.is_bool()) return cell.as_bool() ? "true" : "false";
  return cell.is_null() ? "<none>" : to_json(cell);
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
  return options.selector.empty() ? path : path + "?labelSelector=" + path_part(options.selector);
}

// The application meant: the one named, else the only one there is.
Result<std::string> chosen_application(const Client& client, const ClientOptions& options) {
  if (!options.application.empty()) return path_part(options.application);
  ASSIGN_OR_RETURN(Value list, client.get(kApplications));
  const ValueList& items = list_at(list, {"items"});
  if (items.empty()) return error(ErrorCode::kNotFound, "no repository is followed: start the server with --repo");
  if (items.size() > 1) return error(ErrorCode::kInvalid, "there are several applications; name one of them");
  return text_at(items[0], {"metadata", "name"});
}

void print_conditions(const Value& application) {
  for (const Value& condition : list_at(application, {"status", "conditions"})) {
    std::printf("%s: %s\n", text_at(condition, {"type"}).c_str(), text_at(condition, {"message"}).c_str());
  }
}

}  // namespace

Result<Client> connect(const ClientOptions& options) {
  ASSIGN_OR_RETURN(ClientTarget target, read_kubeconfig(options.kubeconfig));
  return Client(std::move(target));
}

int status_command(const ClientOptions& options) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  bool one = !options.application.empty();
  Result<Value> found = client->get(one ? kApplications + ("/" + path_part(options.application)) : kApplications);
  if (!found.ok()) return complain(found.error());
  if (print_structured(*found, options.output)) return 0;
  ValueList items = one ? ValueList{*found} : list_at(*found, {"items"});
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
  Result<std::string> application = chosen_application(*client, options);
  if (!application.ok()) return complain(application.error());
  Result<Value> found = client->get("/mainstay/v1/applications/" + *application + "/history");
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
  Result<std::string> application = chosen_application(*client, options);
  if (!application.ok()) return complain(application.error());
  Result<Value> found = client->get("/mainstay/v1/applications/" + *application + "/diff");
  if (!found.ok()) return complain(found.error());
  const ValueList& items = list_at(*found, {"items"});
  int code = items.empty() ? 0 : 2;
  if (print_structured(*found, options.output)) return code;
  for (const Value& item : items) {
    std::string ns = text_at(item, {"namespace"});
    auto is = [&](const char* what) {
      const Value* word = item.find(what);
      return word != nullptr && word->is_bool() && word->as_bool();
    };
    std::printf("%s %s%s, declared at %s:%s%s%s\n", text_at(item, {"kind"}).c_str(),
                ns.empty() ? "" : (ns + "/").c_str(), text_at(item, {"name"}).c_str(),
                text_at(item, {"path"}).c_str(), text_at(item, {"line"}).c_str(), is("missing") ? ": is missing" : "",
                is("held") ? " before: is held from deletion (mainstay ack)" : "");
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
  std::string path = "/mainstay/v1/applications/" + path_part(options.application) + "/" + what;
  Result<Value> done = client->post(path, body);
  if (!done.ok()) return complain(done.error());
  body.set("application", options.application);
  body.set("order", what);
  body.set("accepted", true);
  if (print_structured(body, options.output)) return 0;
  std::printf("%s: %s accepted\n", options.application.c_str(), what.c_str());
  return 0;
}

namespace {

// "pod/web" as one word, or "pod" and "web".
struct Wanted {
  ResourceUrl url;
  std::string ns;    // "" for all namespaces and for kinds without
  std::string name;  // "" for all of the kind
};
Result<Wanted> wanted_object(const ClientOptions& options, std::string resource, std::string name) {
  size_t slash = resource.find('/');
  if (slash != std::string::npos) {
    if (!name.empty()) {
      return error(ErrorCode::kInvalid, "\"" + resource + "\" names an object already, and \"" + name + "\" another");
    }
    name = resource.substr(slash + 1);
    resource.resize(slash);
  }
  if (options.all_namespaces && !name.empty()) {
    return error(ErrorCode::kInvalid, "an object cannot be taken by its name from all namespaces; give -n NAMESPACE");
  }
  std::string ns = options.all_namespaces ? "" : options.ns;
  ASSIGN_OR_RETURN(ResourceUrl url, resource_url(resource, path_part(ns)));
  if (!url.namespaced) ns.clear();
  return Wanted{std::move(url), std::move(ns), std::move(name)};
}

void print_names(const Value& found, const std::string& prefix) {
  auto print = [&](const Value& object) {
    std::printf("%s/%s\n", prefix.c_str(), text_at(object, {"metadata", "name"}).c_str());
  };
  const Value* items = found.find("items");
  if (items == nullptr || !items->is_list()) return print(found);
  for (const Value& item : items->as_list()) print(item);
}

// As kubectl: sizes, never values.
void hide_values(Value& secret) {
  Value* data = secret.find("data");
  if (data == nullptr || !data->is_map()) return;
  for (Member& member : data->as_map()) {
    std::optional<std::string> bytes =
        member.value.is_string() ? unbase64(member.value.as_string()) : std::nullopt;
    member.value = Value(std::to_string(bytes ? bytes->size() : 0) + " bytes");
  }
}

}  // namespace

int get_command(const ClientOptions& options, const std::string& resource, const std::string& name) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Wanted> wanted = wanted_object(options, resource, name);
  if (!wanted.ok()) return complain(wanted.error());
  const std::string& collection = wanted->url.collection;
  bool all = wanted->name.empty();
  std::string path = all ? with_query(collection, options) : collection + "/" + path_part(wanted->name);
  bool table = options.output.empty() || options.output == "wide";
  Result<Value> found = client->get(path, table ? kTableAccept : "application/json");
  if (!found.ok()) return complain(found.error());
  if (options.output == "name") {
    print_names(*found, wanted->url.prefix);
  } else if (!print_structured(*found, options.output)) {
    print_table(*found, options.output == "wide", options.all_namespaces && wanted->url.namespaced);
  }
  return 0;
}

int describe_command(const ClientOptions& options, const std::string& resource, const std::string& name) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Wanted> wanted = wanted_object(options, resource, name);
  if (!wanted.ok()) return complain(wanted.error());
  if (wanted->name.empty()) return complain(failed("which one? give its name: " + resource + " NAME"));
  Result<Value> found = client->get(wanted->url.collection + "/" + path_part(wanted->name));
  if (!found.ok()) return complain(found.error());
  if (wanted->url.plural == "secrets") hide_values(*found);
  Value events = events_about(*client, wanted->ns, text_at(*found, {"metadata", "uid"}));
  Value out = Value::map();
  out.set("object", *found);
  out.set("events", events);
  if (print_structured(out, options.output)) return 0;
  std::printf("%s", to_yaml(*found).c_str());
  print_events(events);
  return 0;
}

int logs_command(const ClientOptions& options, const std::string& pod) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  // "pod/web" is taken as well as "web".
  std::string name = pod.substr(pod.find('/') + 1), kind = pod.substr(0, pod.size() - name.size());
  if (!kind.empty() && kind != "pod/" && kind != "pods/" && kind != "po/") {
    return complain(failed("logs are those of a pod; `mainstay get pods` lists them"));
  }
  std::string path = "/api/v1/namespaces/" + path_part(options.ns) + "/pods/" + path_part(name) + "/log?";
  if (!options.container.empty()) path += "container=" + path_part(options.container) + "&";
  if (options.follow) path += "follow=true&";
  if (options.previous) path += "previous=true&";
  if (options.timestamps) path += "timestamps=true&";
  if (options.tail >= 0) path += "tailLines=" + std::to_string(options.tail) + "&";
  path.pop_back();
  Status done = client->stream(path);
  return done.ok() ? 0 : complain(done.error());
}

int events_command(const ClientOptions& options) { return get_command(options, "events", ""); }

}  // namespace mainstay
