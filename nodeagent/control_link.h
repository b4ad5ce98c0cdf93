// ControlLink: the agent's door to the control plane. All connections are opened by the agent.
// Calls block until answered or until their deadline; any thread, several at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nodeagent/service_tokens.h"
#include "schema/agent_messages.h"
#include "schema/base/result.h"

namespace mainstay {

// One stream of bytes up to a client of the API, who asked for it.
class UpStream {
 public:
  virtual ~UpStream() = default;
  // Waits while the other side is slow. An error when it is gone.
  virtual Status write(std::string_view bytes) = 0;
};

class ControlLink {
 public:
  virtual ~ControlLink() = default;

  // Answers at once if there is something newer than what the node has, else after about `wait`.
  // kDenied: the credential is not (or no longer) good.
  virtual Result<AgentPollAnswer> poll(const AgentHas& has, Duration wait) = 0;
  // On success the report is durable there.
  virtual Status report(const NodeReport& report) = 0;
  virtual Result<std::unique_ptr<UpStream>> dial(uint64_t stream) = 0;
  // The stream cannot be served; its client is told `message` with the HTTP status.
  virtual Status refuse(uint64_t stream, int status, const std::string& message) = 0;
  // A token for one of this node's pods. kDenied: the pod is not this node's, or its account has gone.
  virtual Result<IssuedToken> issue_token(const TokenOrder& order) = 0;
  // Calls under way end soon with an error; so do all later ones.
  virtual void interrupt() = 0;
};

struct LinkSettings {
  std::string server;  // "https://host:port"
  std::string node;
  std::string token;   // the node's own credential
  std::string ca_pem;  // that the server's certificate must come from
};
std::unique_ptr<ControlLink> make_https_link(LinkSettings settings);

// Exchanges a join token for the node's own credential.
Result<std::string> join_cluster(const LinkSettings& settings, const std::string& join_token);

}  // namespace mainstay
