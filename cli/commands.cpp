#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "cli/client_commands.h"
#include "cli/credential_commands.h"
#include "cli/offline_commands.h"
#include "cli/output.h"
#include "cli/serve_commands.h"
#include "cli/why_command.h"
#include "schema/base/log.h"
#include "schema/diagnostics.h"

namespace mainstay {
namespace {

constexpr const char* kVersion = "0.1.0";

// Mounts, the packet filter and other programs are given paths of a node's directories: a relative one would be
// another place for each of them.
std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal(); }

// What every command may set; the chosen one sets `run`.
struct Chosen {
  std::function<int()> run;
  std::string config_file;
  ServerConfig server;
  UpOptions up;
  AgentConfig agent;
  std::string runtime = "oci";
  ClientOptions client;
  PlanOptions plan;
  std::vector<std::string> paths;
  std::string first, second, lifetime = "24h", data_dir = "/var/lib/mainstay";
  std::string agent_dir = "/var/lib/mainstay-agent";
  bool forget_old = false;
  bool verbose = false;
};

// `more` are the forms beside json and yaml.
void add_output(CLI::App& command, Chosen& chosen, std::vector<std::string> more = {}) {
  std::vector<std::string> forms = {"json", "yaml"};
  forms.insert(forms.end(), more.begin(), more.end());
  std::string help;
  for (const std::string& form : forms) help += (help.empty() ? "" : &form == &forms.back() ? " or " : ", ") + form;
  command.add_option("-o,--output", chosen.client.output, help)->check(CLI::IsMember(forms))->type_name("");
}

void add_source_flags(CLI::App& command, ServerConfig& server) {
  command.add_option("--repo", server.repo_url,
                     "repository to follow: path, file://, git://, http(s)://, ssh://");
  command.add_option("--branch", server.branch, "branch to follow (default: the server's default branch)");
  command.add_option("--tag", server.tag, "tag to follow");
  command.add_option("--path", server.path, "folder in the repository")->capture_default_str();
  command.add_option("--app", server.application, "name of the application")->capture_default_str();
  command.add_option("--data-dir", server.data_dir, "where everything is kept")->capture_default_str();
  command.add_option("--listen", server.listen, "address:port of the API; port 0 picks a free one")
      ->capture_default_str();
  command.add_option("--webhook-listen", server.webhook_listen, "address:port of the webhook listener");
  command.add_option("--webhook-secret-file", server.webhook_secret_file, "file with the webhooks' secret");
}

// The file's values, over which the flags that were given stand.
int with_config(CLI::App& command, Chosen& chosen, const std::function<int(const ServerConfig&)>& run) {
  ServerConfig config = chosen.server;
  if (!chosen.config_file.empty()) {
    Result<ServerConfig> read = read_config(chosen.config_file, ServerConfig{});
    if (!read.ok()) {
      std::fprintf(stderr, "mainstay: %s\n", read.error().message.c_str());
      return 1;
    }
    config = *read;
    auto flag = [&](const char* name, std::string ServerConfig::*member) {
      if (command.count(name) > 0) config.*member = chosen.server.*member;
    };
    flag("--repo", &ServerConfig::repo_url);
    flag("--branch", &ServerConfig::branch);
    flag("--tag", &ServerConfig::tag);
    flag("--path", &ServerConfig::path);
    flag("--app", &ServerConfig::application);
    flag("--data-dir", &ServerConfig::data_dir);
    flag("--listen", &ServerConfig::listen);
    flag("--webhook-listen", &ServerConfig::webhook_listen);
    flag("--webhook-secret-file", &ServerConfig::webhook_secret_file);
  }
  return run(config);
}

// How the node looks after itself: the kubelet's flags of the same names.
void add_node_care(CLI::App& agent, AgentConfig& config) {
  EvictionFlags& eviction = config.eviction;
  agent.add_option("--eviction-hard", eviction.hard, "thresholds below which pods are evicted at once")
      ->capture_default_str();
  agent.add_option("--eviction-soft", eviction.soft, "thresholds below which pods are evicted after a grace period");
  agent.add_option("--eviction-soft-grace-period", eviction.soft_grace_period,
                   "of each soft threshold: memory.available=1m30s");
  agent.add_option("--eviction-minimum-reclaim", eviction.minimum_reclaim,
                   "how far above its threshold a resource is brought: nodefs.available=500Mi");
  agent.add_option("--eviction-pressure-transition-period", eviction.transition_period,
                   "how long the node's condition stays after it was last seen")
      ->capture_default_str();
  agent.add_option("--eviction-max-pod-grace-period", eviction.max_pod_grace_seconds,
                   "seconds a pod is given when a soft threshold evicts it")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  agent.add_option("--image-gc-high-threshold", config.image_gc.high_percent,
                   "percent of the disk used at which unused images are collected; 100: never")
      ->capture_default_str();
  agent.add_option("--image-gc-low-threshold", config.image_gc.low_percent, "percent of the disk used to come down to")
      ->capture_default_str();
  agent.add_option("--minimum-image-ttl-duration", config.image_min_age, "how old an unused image is at least")
      ->capture_default_str();
  agent.add_option("--system-reserved", config.system_reserved,
                   "kept from pods for the machine: cpu=500m,memory=1Gi,ephemeral-storage=1Gi");
  agent.add_option("--kube-reserved", config.kube_reserved, "kept from pods for the agent, in the same form");
  agent.add_option("--node-labels", config.node_labels,
                   "labels of the node: topology.kubernetes.io/zone=a,node.kubernetes.io/instance-type=m");
  agent.add_option("--shutdown-grace-period", config.shutdown_period, "of all pods when the node is shut down")
      ->capture_default_str();
  agent.add_option("--shutdown-grace-period-critical-pods", config.shutdown_critical,
                   "the part of it kept for critical pods, which end last")
      ->capture_default_str();
  agent.add_flag("--shutdown", config.shut_down,
                 "tell the agent that runs on this data directory to end the node's pods for good, wait for it, and end");
}

void add_serving(CLI::App& app, Chosen& chosen) {
  CLI::App* server = app.add_subcommand("server", "the control plane: API, controllers, scheduler, Git");
  server->add_option("--config", chosen.config_file, "configuration file (docs/configuration.md)");
  add_source_flags(*server, chosen.server);
  server->callback(
      [&chosen, server] { chosen.run = [&chosen, server] { return with_config(*server, chosen, serve); }; });

  CLI::App* up = app.add_subcommand("up", "control plane and agent on this machine");
  up->add_option("--config", chosen.config_file, "configuration file (docs/configuration.md)");
  add_source_flags(*up, chosen.server);
  up->add_option("--runtime", chosen.runtime, "oci runs containers, simulated pretends to")
      ->check(CLI::IsMember({"oci", "simulated"}))
      ->capture_default_str();
  up->add_option("--nodes", chosen.up.nodes, "how many simulated nodes")->check(CLI::Range(1, 250));
  up->add_option("--oci-runtime", chosen.up.oci_runtime,
                 "path of runc or crun (default: the first that works)");
  up->callback([&chosen, up] {
    chosen.run = [&chosen, up] {
      return with_config(*up, chosen, [&chosen](const ServerConfig& config) {
        chosen.up.server = config;
        chosen.up.simulated = chosen.runtime == "simulated";
        return run_up(chosen.up);
      });
    };
  });

  CLI::App* agent = app.add_subcommand("agent", "a node's agent: runs the pods assigned to it");
  agent->add_option("--server", chosen.agent.server, "https://host:port of the control plane");
  agent->add_option("--token-file", chosen.agent.token_file, "file with a join token");
  agent->add_option("--ca-file", chosen.agent.ca_file,
                    "the cluster's certificate (default: ca.crt beside the token file)");
  agent->add_option("--name", chosen.agent.name, "name of the node (default: host name)");
  agent->add_option("--address", chosen.agent.address,
                    "the node's address (default: that of the default route)");
  agent->add_option("--runtime", chosen.runtime, "oci or simulated")
      ->check(CLI::IsMember({"oci", "simulated"}));
  agent->add_option("--oci-runtime", chosen.agent.oci_runtime, "path of runc or crun");
  agent->add_option("--data-dir", chosen.agent.data_dir, "where images, logs and volumes are kept")
      ->capture_default_str()
      ->transform(absolute);
  agent->add_option("--pids-limit", chosen.agent.pids_limit, "processes and threads of one container; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  agent->add_option("--allow-sysctl", chosen.agent.allowed_sysctls,
                    "a sysctl that pods may set besides the safe ones; may end in * (repeatable)");
  agent->add_option("--registry-mirror", chosen.agent.registry_mirrors,
                    "registry=mirror, asked before the registry itself (repeatable)");
  agent->add_option("--registry-auth", chosen.agent.registry_auth_file,
                    "file with registry credentials of the node, in the form of .dockerconfigjson");
  agent->add_flag("--overlay", chosen.agent.overlay,
                  "reach the other nodes' pods by VXLAN, for nodes that share no segment; the same on all nodes");
  agent->add_flag("--remove-network", chosen.agent.remove_network,
                  "take away the packet rules, routes and DNS interface of an agent that has ended, and end");
  agent->add_option("--run-dir", chosen.agent.run_dir, "a tmpfs folder for namespaces and secrets");
  add_node_care(*agent, chosen.agent);
  agent->callback([&chosen] {
    chosen.run = [&chosen] {
      chosen.agent.simulated = chosen.runtime == "simulated";
      return run_agent(chosen.agent);
    };
  });
}

void add_offline(CLI::App& app, Chosen& chosen) {
  CLI::App* plan =
      app.add_subcommand("plan", "what going from one commit to another would change; exit 2 if anything");
  plan->add_option("--repo", chosen.plan.repo, "repository")->capture_default_str();
  plan->add_option("--path", chosen.plan.path, "folder in it")->capture_default_str();
  plan->add_option("--from", chosen.plan.from, "commit, branch or tag (default: the parent of --to)");
  plan->add_option("--to", chosen.plan.to, "commit, branch or tag")->capture_default_str();
  plan->add_option("-o,--output", chosen.plan.output, "text, markdown or json")
      ->check(CLI::IsMember({"text", "markdown", "json"}));
  plan->callback([&chosen] { chosen.run = [&chosen] { return plan_command(chosen.plan); }; });

  CLI::App* validate = app.add_subcommand("validate", "lint manifests as the daemon would; exit 1 on a mistake");
  validate->add_option("path", chosen.paths, "files and folders")->required();
  validate->add_option("-n,--namespace", chosen.client.ns, "namespace of objects that name none")
      ->capture_default_str();
  add_output(*validate, chosen);
  validate->callback([&chosen] {
    chosen.run = [&chosen] { return validate_command(chosen.paths, chosen.client.ns, chosen.client.output); };
  });
}

void add_images(CLI::App& app, Chosen& chosen) {
  CLI::App* image = app.add_subcommand("image", "images of this node");
  image->require_subcommand(1);
  auto add = [&](const char* name, const char* help) {
    CLI::App* command = image->add_subcommand(name, help);
    command->add_option("--data-dir", chosen.agent_dir, "the agent's data directory")
        ->capture_default_str()
        ->transform(absolute);
    add_output(*command, chosen);
    return command;
  };
  CLI::App* import = add("import", "take in an OCI or docker archive");
  import->add_option("archive", chosen.first, "the archive")->required()->transform(absolute);
  import->add_option("--name", chosen.second, "name, if the archive has none");
  import->callback([&chosen] {
    chosen.run = [&chosen] {
      return image_import_command(chosen.first, chosen.second, chosen.agent_dir, chosen.client.output);
    };
  });
  add("list", "what is there")->callback([&chosen] {
    chosen.run = [&chosen] { return image_list_command(chosen.agent_dir, chosen.client.output); };
  });
}

void add_data(CLI::App& app, Chosen& chosen) {
  using Run = int (*)(const std::string& data_dir, const std::string& file, const std::string& output);
  auto add = [&](const char* name, const char* help, const char* argument, Run run) {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option("--data-dir", chosen.data_dir, "the control plane's data directory")
        ->capture_default_str();
    if (argument != nullptr) command->add_option("file", chosen.first, argument)->required();
    add_output(*command, chosen);
    command->callback([&chosen, run] {
      chosen.run = [&chosen, run] { return run(chosen.data_dir, chosen.first, chosen.client.output); };
    });
  };
  add("audit", "check every rule that spans objects, on a copy of the database; exit 1 if one does not hold", nullptr,
      [](const std::string& dir, const std::string&, const std::string& output) { return audit_command(dir, output); });
  add("backup", "copy the database while the daemon runs", "the file to write; there must be none", backup_command);
  add("restore", "put a backup in the database's place; the daemon must not run", "the backup", restore_command);
  add("kubeconfig", "print the administrator's kubeconfig", nullptr,
      [](const std::string& dir, const std::string&, const std::string& output) {
        return kubeconfig_command(dir, output);
      });
}

void add_kubeconfig(CLI::App& command, Chosen& chosen) {
  command.add_option("--kubeconfig", chosen.client.kubeconfig,
                     "default: /var/lib/mainstay/kubeconfig, then $KUBECONFIG");
}

CLI::App* client_command(CLI::App& app, Chosen& chosen, const char* name, const char* help,
                         std::vector<std::string> more_forms = {}) {
  CLI::App* command = app.add_subcommand(name, help);
  add_kubeconfig(*command, chosen);
  add_output(*command, chosen, std::move(more_forms));
  return command;
}

void add_application_commands(CLI::App& app, Chosen& chosen) {
  auto add = [&](const char* name, const char* help, int (*run)(const ClientOptions&)) {
    CLI::App* command = client_command(app, chosen, name, help);
    command->add_option("application", chosen.client.application, "which (default: the only one)");
    command->callback([&chosen, run] { chosen.run = [&chosen, run] { return run(chosen.client); }; });
  };
  add("status", "how the applications stand", status_command);
  add("history", "the commits that were applied", history_command);
  add("diff", "what is not as Git declares it; exit 2 if anything", diff_command);
  auto order = [&](const char* name, const char* help, bool wants_commit) {
    CLI::App* command = client_command(app, chosen, name, help);
    command->add_option("application", chosen.client.application, "which")->required();
    if (wants_commit) command->add_option("commit", chosen.first, "at least seven digits of it")->required();
    std::string what = name;
    command->callback([&chosen, what] {
      chosen.run = [&chosen, what] { return order_command(chosen.client, what, chosen.first); };
    });
  };
  order("sync", "go to the newest commit; ends a rollback", false);
  order("ack", "let what is held be deleted", true);
  order("rollback", "go to an earlier applied commit and stay there until `sync`", true);
}

void add_object_commands(CLI::App& app, Chosen& chosen) {
  auto add = [&](const char* name, const char* help, std::vector<std::string> more_forms,
                 const std::function<int()>& run) {
    CLI::App* command = client_command(app, chosen, name, help, std::move(more_forms));
    command->add_option("-n,--namespace", chosen.client.ns, "namespace")->capture_default_str();
    command->callback([&chosen, run] { chosen.run = run; });
    return command;
  };
  CLI::App* get = add("get", "list objects", {"wide", "name"},
                      [&] { return get_command(chosen.client, chosen.first, chosen.second); });
  get->add_option("resource", chosen.first, "kind, plural or short name; or kind/name")->required();
  get->add_option("name", chosen.second, "name of the object (default: all)");
  get->add_flag("-A,--all-namespaces", chosen.client.all_namespaces, "of all namespaces");
  get->add_option("-l,--selector", chosen.client.selector, "label selector");
  CLI::App* describe = add("describe", "one object with its events", {},
                           [&] { return describe_command(chosen.client, chosen.first, chosen.second); });
  describe->add_option("resource", chosen.first, "kind, plural or short name; or kind/name")->required();
  describe->add_option("name", chosen.second, "name of the object");
  CLI::App* logs = app.add_subcommand("logs", "what a container printed");
  add_kubeconfig(*logs, chosen);
  logs->add_option("-n,--namespace", chosen.client.ns, "namespace")->capture_default_str();
  logs->add_option("pod", chosen.first, "name of the pod")->required();
  logs->add_flag("-f,--follow", chosen.client.follow, "go on as it prints more");
  logs->add_flag("-p,--previous", chosen.client.previous, "of the attempt before");
  logs->add_flag("--timestamps", chosen.client.timestamps, "with times");
  logs->add_option("--tail", chosen.client.tail, "the last so many lines (default: all)");
  logs->add_option("-c,--container", chosen.client.container, "which container");
  logs->callback([&chosen] { chosen.run = [&chosen] { return logs_command(chosen.client, chosen.first); }; });
  CLI::App* events = add("events", "what happened", {"wide", "name"}, [&] { return events_command(chosen.client); });
  events->add_flag("-A,--all-namespaces", chosen.client.all_namespaces, "of all namespaces");
  CLI::App* why = add("why", "why an object is as it is: owners, conditions, what each node says, events", {},
                      [&] { return why_command(chosen.client, chosen.first); });
  why->add_option("object", chosen.first, "kind/name, or the name of a pod")->required();
  add("top", "resource usage: not there yet", {}, [] {
    std::fprintf(stderr, "mainstay: `top` is not there yet: agents do not measure usage so far\n");
    return 1;
  });
}

void add_credentials(CLI::App& app, Chosen& chosen) {
  CLI::App* token = app.add_subcommand("token", "join tokens and the credentials of nodes");
  token->require_subcommand(1);
  CLI::App* create = client_command(*token, chosen, "create", "a token with which nodes may join; shown only now");
  create->add_option("--description", chosen.second, "for what");
  create->add_option("--ttl", chosen.lifetime, "how long it is good: 30m, 24h; 0s for ever")->capture_default_str();
  create->callback([&chosen] {
    chosen.run = [&chosen] { return token_create_command(chosen.client, chosen.second, chosen.lifetime); };
  });
  client_command(*token, chosen, "list", "join tokens by their ids, and nodes that hold a credential")
      ->callback([&chosen] { chosen.run = [&chosen] { return token_list_command(chosen.client); }; });
  CLI::App* revoke = client_command(*token, chosen, "revoke", "end a join token, or a node's credential");
  revoke->add_option("id", chosen.first, "as `token list` shows it: an id, or node/NAME")->required();
  revoke->callback(
      [&chosen] { chosen.run = [&chosen] { return token_revoke_command(chosen.client, chosen.first); }; });

  CLI::App* key = app.add_subcommand("key", "keys of the control plane");
  key->require_subcommand(1);
  client_command(*key, chosen, "list", "keys that sign or check ServiceAccounts' tokens")
      ->callback([&chosen] { chosen.run = [&chosen] { return key_list_command(chosen.client); }; });
  CLI::App* rotate = client_command(*key, chosen, "rotate", "put a new key in use while the server runs");
  rotate->add_option("what", chosen.first, "service-accounts (signs tokens) or secrets (encrypts Secrets)")
      ->required()
      ->check(CLI::IsMember({"service-accounts", "secrets"}));
  rotate->add_flag("--forget-old", chosen.forget_old, "of service-accounts: end every token signed before");
  rotate->callback([&chosen] {
    chosen.run = [&chosen] { return key_rotate_command(chosen.client, chosen.first, chosen.forget_old); };
  });
}

void add_version(CLI::App& app, Chosen& chosen) {
  CLI::App* version = app.add_subcommand("version", "print the version");
  add_output(*version, chosen);
  version->callback([&chosen] {
    chosen.run = [&chosen] {
      Value out = Value::map();
      out.set("version", kVersion);
      if (!print_structured(out, chosen.client.output)) std::printf("mainstay %s\n", kVersion);
      return 0;
    };
  });
}

// The parser would only say that a command is missing.
int refuse_unknown(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return 0;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return 0;
  std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string hint = did_you_mean(argv[1], candidates);
  std::fprintf(stderr, "mainstay: there is no command %s%s; `mainstay --help` lists them\n", quoted(argv[1]).c_str(),
               hint.empty() ? "" : (": " + hint).c_str());
  return 2;
}

}  // namespace

int run_command(int argc, char** argv) {
  Chosen chosen;
  CLI::App app("Mainstay: what is on main stays. A Git repository of Kubernetes manifests, kept running.");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of all commands");
  app.set_version_flag("--version", std::string("mainstay ") + kVersion);
  app.add_flag("-v,--verbose", chosen.verbose, "log more");
  add_serving(app, chosen);
  add_offline(app, chosen);
  add_application_commands(app, chosen);
  add_object_commands(app, chosen);
  add_images(app, chosen);
  add_data(app, chosen);
  add_credentials(app, chosen);
  add_version(app, chosen);
  if (int code = refuse_unknown(app, argc, argv); code != 0) return code;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (chosen.verbose) log::set_level(log::Level::kDebug);
  return chosen.run();
}

}  // namespace mainstay
