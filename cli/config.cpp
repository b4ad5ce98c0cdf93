#include "cli/config.h"

#include <fstream>
#include <functional>
#include <sstream>

#include "reconciler/control/load_balancer.h"
#include "schema/diagnostics.h"
#include "schema/ipv4.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

// Puts one value where it belongs; a message if it is of the wrong kind.
using Setter = std::function<std::string(ServerConfig&, const Value&)>;

struct Row {
  std::string_view name;
  std::string_view meaning;
  Setter set;
};

std::string expected(std::string_view what, const Value& value) {
  return "expected " + std::string(what) + ", got " + std::string(value_kind_name(value.kind()));
}

Setter text(std::string ServerConfig::*member) {
  return [member](ServerConfig& config, const Value& value) -> std::string {
    if (!value.is_string()) return expected("string", value);
    config.*member = value.as_string();
    return "";
  };
}

Setter flag(bool ServerConfig::*member) {
  return [member](ServerConfig& config, const Value& value) -> std::string {
    if (!value.is_bool()) return expected("boolean", value);
    config.*member = value.as_bool();
    return "";
  };
}

Setter span(Duration ServerConfig::*member, Duration least = Duration{1}, std::string_view why = "") {
  return [member, least, why](ServerConfig& config, const Value& value) -> std::string {
    std::optional<Duration> read = value.is_string() ? parse_duration(value.as_string()) : std::nullopt;
    if (!read || *read <= Duration{0}) return "expected a duration such as 90s, 10m or 24h";
    if (*read < least) return "must be at least " + human_duration(least) + ": " + std::string(why);
    config.*member = *read;
    return "";
  };
}

Setter list(std::vector<std::string> ServerConfig::*member) {
  return [member](ServerConfig& config, const Value& value) -> std::string {
    if (!value.is_list()) return expected("list of strings", value);
    (config.*member).clear();
    for (const Value& item : value.as_list()) {
      if (!item.is_string()) return expected("list of strings", item);
      (config.*member).push_back(item.as_string());
    }
    return "";
  };
}

std::string set_validation(ServerConfig& config, const Value& value) {
  if (!value.is_string() || (value.as_string() != "Strict" && value.as_string() != "Warn")) {
    return "expected Strict or Warn";
  }
  config.warn_only = value.as_string() == "Warn";
  return "";
}

std::string set_node_bits(ServerConfig& config, const Value& value) {
  if (!value.is_int() || value.as_int() < 16 || value.as_int() > 28)
    return "expected an integer from 16 to 28";
  config.node_cidr_bits = static_cast<int>(value.as_int());
  return "";
}

std::string set_pool(ServerConfig& config, const Value& value) {
  std::string problem = list(&ServerConfig::load_balancer_pool)(config, value);
  if (!problem.empty()) return problem;
  Result<AddressPool> pool = AddressPool::parse(config.load_balancer_pool);
  return pool.ok() ? "" : pool.error().message;
}

std::string set_advertised(ServerConfig& config, const Value& value) {
  if (!value.is_string() || !parse_ipv4(value.as_string())) return "expected an IPv4 address";
  config.advertise_address = value.as_string();
  return "";
}

const std::vector<Row>& rows() {
  using C = ServerConfig;
  static const std::vector<Row> kRows = {
      {"dataDir", "where everything is kept", text(&C::data_dir)},
      {"listen", "address:port of the API; port 0 picks a free one", text(&C::listen)},
      {"tlsNames", "further names and addresses in the server's certificate", list(&C::tls_names)},
      {"staticTokenFile", "further bearer tokens, a line each: token,user,uid,group1|group2",
       text(&C::static_token_file)},
      {"webhook.listen", "address:port of the webhook listener; none if absent", text(&C::webhook_listen)},
      {"webhook.secretFile", "the secret shared with the forge; mandatory with webhook.listen",
       text(&C::webhook_secret_file)},
      {"webhook.certificateFile", "certificate chain of the webhook listener; plain HTTP if absent",
       text(&C::webhook_certificate_file)},
      {"webhook.keyFile", "private key of the webhook listener", text(&C::webhook_key_file)},
      {"application.name", "name of the Application object", text(&C::application)},
      {"application.repoURL",
       "the repository to follow: a path, file://, git://, http(s)://, ssh:// or user@host:path",
       text(&C::repo_url)},
      {"application.targetRevision", "branch, tag or commit; the server's default branch if absent",
       text(&C::revision)},
      {"application.path", "folder in the repository", text(&C::path)},
      {"application.include", "globs of files to read; all *.yaml, *.yml and *.json if absent",
       list(&C::include)},
      {"application.exclude", "globs of files to leave out", list(&C::exclude)},
      {"application.destinationNamespace", "namespace of objects that name none",
       text(&C::destination_namespace)},
      {"application.automated", "false: wait for `mainstay sync`", flag(&C::automated)},
      {"application.prune", "delete what is no longer declared", flag(&C::prune)},
      {"application.selfHeal", "undo changes that others make to declared fields", flag(&C::self_heal)},
      {"application.fieldValidation", "Strict, or Warn: unknown fields are warnings", set_validation},
      {"application.progressDeadline", "after which a rollout counts as failed", span(&C::progress_deadline)},
      {"source.pollInterval", "time between two looks at the repository, plus or minus a tenth",
       span(&C::poll_interval)},
      {"source.username", "user name for http(s)", text(&C::username)},
      {"source.tokenFile", "file with the password or token for http(s)", text(&C::token_file)},
      {"source.sshKeyFile", "private key for ssh, best ed25519", text(&C::ssh_key_file)},
      {"source.knownHostsFile", "known_hosts for ssh; mandatory there", text(&C::known_hosts_file)},
      {"source.proxy", "http:// address of a proxy for http(s)", text(&C::proxy)},
      {"forge.kind", "github, gitlab, gitea, forgejo or bitbucket, where the address does not tell",
       text(&C::forge_kind)},
      {"forge.tokenFile", "token for posting commit statuses; none are posted if absent",
       text(&C::forge_token_file)},
      {"network.podCIDR", "addresses of all pods", text(&C::pod_cidr)},
      {"network.nodeCIDRBits", "prefix length of one node's share of them", set_node_bits},
      {"network.serviceCIDR", "addresses of services", text(&C::service_cidr)},
      {"network.loadBalancerPool", "addresses, ranges and blocks for services of type LoadBalancer", set_pool},
      {"network.announceLoadBalancers", "nodes announce load balancer addresses of their segment by ARP",
       flag(&C::announce_load_balancers)},
      {"network.advertiseAddress", "IPv4 address by which pods reach the API server", set_advertised},
      {"limits.nodeGrace", "silence after which a node counts as lost",
       span(&C::node_grace, 15s, "agents report every 10 seconds")},
      {"limits.eventTTL", "how long events are kept", span(&C::event_ttl)},
      {"limits.nodeCredentialLife", "how long a node's credential is good; it is renewed before it ends",
       span(&C::credential_life)},
      {"limits.historyAge", "how long the history of changes is kept", span(&C::history_age)},
  };
  return kRows;
}

void read_map(const Value& map, const std::string& prefix, ServerConfig& config, Diagnostics& diagnostics) {
  for (const Member& member : map.as_map()) {
    std::string name = prefix + member.name;
    const Row* found = nullptr;
    bool is_group = false;
    std::vector<std::string_view> names;
    for (const Row& row : rows()) {
      names.push_back(row.name);
      if (size_t dot = row.name.find('.'); dot != row.name.npos) names.push_back(row.name.substr(0, dot));
      if (row.name == name) found = &row;
      if (row.name.starts_with(name + ".")) is_group = true;
    }
    if (found != nullptr) {
      std::string problem = member.value.is_null() ? "" : found->set(config, member.value);
      if (!problem.empty()) diagnostics.error(member.value.mark(), name, problem);
    } else if (is_group && member.value.is_map()) {
      read_map(member.value, name + ".", config, diagnostics);
    } else if (is_group) {
      diagnostics.error(member.value.mark(), name, expected("map", member.value));
    } else {
      diagnostics.error(member.mark, name, "there is no such key", did_you_mean(name, names));
    }
  }
}

}  // namespace

std::vector<ConfigKey> config_keys() {
  std::vector<ConfigKey> out;
  for (const Row& row : rows()) out.push_back({row.name, row.meaning});
  return out;
}

Result<ServerConfig> read_config(const std::string& file, ServerConfig config) {
  std::ifstream in(file);
  if (!in) return error(ErrorCode::kNotFound, "cannot read the configuration file " + file);
  std::stringstream text;
  text << in.rdbuf();
  Diagnostics diagnostics(file);
  std::vector<Document> documents = parse_yaml(text.str(), diagnostics);
  for (const Document& document : documents) {
    if (document.root.is_map()) {
      read_map(document.root, "", config, diagnostics);
    } else if (!document.root.is_null()) {
      diagnostics.error(document.mark, "", expected("map", document.root));
    }
  }
  if (diagnostics.has_errors()) return error(ErrorCode::kInvalid, diagnostics.render());
  return config;
}

std::optional<ListenAddress> parse_listen(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  unsigned port = 0;
  for (char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > 65535) return std::nullopt;
  }
  std::string host(text.substr(0, colon));
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return ListenAddress{host, static_cast<uint16_t>(port)};
}

}  // namespace mainstay
