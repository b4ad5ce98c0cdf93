// Commands that ask a running control plane. Each returns the exit code: 0, 1 for an error (said on standard error),
// and for `diff` 2 if anything differs.
#pragma once

#include <string>
#include <vector>

#include "cli/client.h"

namespace mainstay {

struct ClientOptions {
  std::string kubeconfig;
  std::string ns = "default";
  bool all_namespaces = false;
  std::string output;  // "", "json", "yaml", "wide", "name"
  std::string selector;
  std::string application;  // "": the only one
  bool follow = false, previous = false, timestamps = false;
  int tail = -1;
  std::string container;
};

// By the kubeconfig.
Result<Client> connect(const ClientOptions& options);

int status_command(const ClientOptions& options);
int history_command(const ClientOptions& options);
int diff_command(const ClientOptions& options);
// what: "sync", "ack", "rollback"; commit is "" for sync.
int order_command(const ClientOptions& options, const std::string& what, const std::string& commit);
int get_command(const ClientOptions& options, const std::string& resource, const std::string& name);
int describe_command(const ClientOptions& options, const std::string& resource, const std::string& name);
int logs_command(const ClientOptions& options, const std::string& pod);
int events_command(const ClientOptions& options);
}  // namespace mainstay
