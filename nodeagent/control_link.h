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

// How long the credential of this node is good; life 0: without an end.
struct CredentialState {
  Duration life{0}, remaining{0};
};

struct FreshCredential {
  std::string text;
  std::string ca_pem;  // the cluster's certificate as it is now; "" if that was not said
};

class ControlLink {
 public:
  virtual ~ControlLink() = default;

  // kDenied of any call below: the credential is not (or no longer) good; the message says what became of it.

  // Answers at once if there is something newer than what the node has, else after about `wait`.
  virtual Result<AgentPollAnswer> poll(const AgentHas& has, Duration wait) = 0;
  // On success the report is durable there. kConflict: who answers has not heard this agent before and may lack what
  // another acknowledged, or takes it for one that is gone; everything is to be said again, at once and as a new
  // agent process.
  virtual Status report(const NodeReport& report) = 0;
  virtual Result<std::unique_ptr<UpStream>> dial(uint64_t stream) = 0;
  // The stream cannot be served; its client is told `message` with the HTTP status.
  virtual Status refuse(uint64_t stream, int status, const std::string& message) = 0;
  // A token for one of this node's pods. kDenied: the pod is not this node's, or its account has gone.
  virtual Result<IssuedToken> issue_token(const TokenOrder& order) = 0;

  virtual Result<CredentialState> credential_state() = 0;
  // A new credential. The one in use stays good until the new one is used for the first time.
  virtual Result<FreshCredential> renew_credential() = 0;
  // A credential for a join token, in place of the one in use. kDenied: the token is not good.
  virtual Result<FreshCredential> join(const std::string& join_token) = 0;
  // From now on all calls present this one and, if a certificate comes with it, trust that too.
  virtual void use_credential(const FreshCredential& credential) = 0;
  // True once the control plane has said that this node was deleted; until another credential is used.
  virtual bool node_deleted() const = 0;

  // Calls under way end soon with an error; so do all later ones.
  virtual void interrupt() = 0;
};

struct LinkSettings {
  std::string server;  // "https://host:port"
  std::string node;
  std::string token;   // the node's own credential; "" before it has joined
  std::string ca_pem;  // that the server's certificate must come from
};
std::unique_ptr<ControlLink> make_https_link(LinkSettings settings);

}  // namespace mainstay
