// The control plane put together: store, core, API, repository, webhooks, forge. The composition root of
// `mainstay server` and `mainstay up`.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/config.h"
#include "schema/base/result.h"

namespace mainstay {

class ServerApp {
 public:
  // Opens everything and serves when it returns. Errors name what is wrong and what to do.
  static Result<std::unique_ptr<ServerApp>> start(const ServerConfig& config);
  // Stops serving, writes what is queued, lets go of the data directory.
  ~ServerApp();

  // "https://127.0.0.1:6443", with the port that was picked.
  const std::string& url() const;
  std::string ca_pem() const;
  std::string kubeconfig_path() const;
  // A credential for an agent on this machine.
  Result<std::string> node_credential(const std::string& node);
  // Whether it is some node's, and good.
  bool is_node_credential(const std::string& credential) const;
  // Where webhooks are listened for; 0 if nowhere.
  uint16_t webhook_port() const;

 private:
  struct State;
  explicit ServerApp(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
