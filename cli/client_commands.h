// Commands that ask a running control plane.
#pragma once

#include <string>
#include <vector>

namespace mainstay {

struct ClientOptions {
  std::string kubeconfig;
  std::string ns = "default";
  bool all_namespaces = false;
  std::string output;  // "", "json", "yaml", "wide", "name"
  std::string selector;
  std::string application = "root";
  bool follow = false, previous = false, timestamps = false;
  int tail = -1;
  std::string container;
};

int status_command(const ClientOptions& options);
int history_command(const ClientOptions& options);
int diff_command(const ClientOptions& options);
// what: "sync", "ack", "rollback"; commit is "" for sync.
int order_command(const ClientOptions& options, const std::string& what, const std::string& commit);
int why_command(const ClientOptions& options, const std::string& object);
int get_command(const ClientOptions& options, const std::string& resource, const std::string& name);
int describe_command(const ClientOptions& options, const std::string& resource, const std::string& name);
int logs_command(const ClientOptions& options, const std::string& pod);
int events_command(const ClientOptions& options);
int token_create_command(const ClientOptions& options, const std::string& description,
                         const std::string& lifetime);

}  // namespace mainstay
