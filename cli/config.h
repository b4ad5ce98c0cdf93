// What the control plane is told at its start: a YAML file, overridden by flags. Every key stands in
// docs/configuration.md. Plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

struct ServerConfig {
  std::string data_dir = "/var/lib/mainstay";
  std::string listen = "127.0.0.1:6443";
  std::string webhook_listen;  // "" opens no webhook listener
  std::string webhook_secret_file;
  std::string webhook_certificate_file, webhook_key_file;  // "" serves plain HTTP, for a proxy in front
  std::vector<std::string> tls_names;                      // further names in the server's certificate

  std::string application = "root";
  std::string repo_url;     // "" follows no repository
  std::string revision;     // branch, tag or commit; "" is the server's default branch
  std::string branch, tag;  // as given by --branch and --tag; win over revision
  std::string path = ".";
  std::vector<std::string> include, exclude;
  std::string destination_namespace = "default";
  bool automated = true, prune = true, self_heal = true;
  bool warn_only = false;  // fieldValidation: Warn
  Duration progress_deadline = std::chrono::minutes{10};
  Duration poll_interval = std::chrono::seconds{60};

  std::string username, token_file, ssh_key_file, known_hosts_file, proxy;
  std::string forge_kind, forge_token_file;

  std::string pod_cidr = "10.244.0.0/16";
  int node_cidr_bits = 24;
  std::string service_cidr = "10.96.0.0/16";
  std::vector<std::string> load_balancer_pool;
  bool announce_load_balancers = true;
  std::string advertise_address;  // where pods reach the API; "" is that of `listen`, or of the default route
  Duration node_grace = std::chrono::seconds{40};
  Duration event_ttl = std::chrono::hours{1};
  Duration credential_life = std::chrono::hours{24 * 90};  // of a node; as in auth.h
  Duration history_age = std::chrono::hours{24 * 30};
  std::string static_token_file;
};

// Reads the file into `config`. All mistakes at once, each with file:line:column, in the error's message.
Result<ServerConfig> read_config(const std::string& file, ServerConfig config);

// Key and what it means, for documentation and its test.
struct ConfigKey {
  std::string_view name;  // "application.prune"
  std::string_view meaning;
};
std::vector<ConfigKey> config_keys();

// "host:port" or ":port". Nothing if it is neither.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;
};
std::optional<ListenAddress> parse_listen(std::string_view text);

}  // namespace mainstay
