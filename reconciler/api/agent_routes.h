// The endpoints of nodes' agents, and of their tokens. Any thread.
//
//   POST   /agent/v1/join                       {"node":"n1"} with a join token -> {"node","token","ca","protocol"}
//   GET    /agent/v1/nodes/{n}/poll             ?epoch=&number=&wait=SECONDS -> AgentPollAnswer
//                 and &networkEpoch=&networkNumber=&networkDigest= for the network stream, none without them
//   POST   /agent/v1/nodes/{n}/report           NodeReport -> {}
//   GET    /agent/v1/nodes/{n}/streams/{id}     Upgrade: mainstay-stream -> 101, then raw bytes from the agent
//   POST   /agent/v1/nodes/{n}/streams/{id}/refuse   {"status":400,"message":"..."}: it cannot be served
//   GET    /agent/v1/nodes/{n}/credential       -> {"lifeSeconds","remainingSeconds"} of the presented credential;
//                                               neither for one that never ends
//   POST   /agent/v1/nodes/{n}/credential       -> {"token","lifeSeconds","ca"}: a new one; the presented one is good
//                                               until the new one is used
//   DELETE /agent/v1/nodes/{n}/credential       revokes what the node holds
//   POST   /agent/v1/tokens                     {"description","ttlSeconds"} -> {"token","id"}
//   GET    /agent/v1/tokens                     {"items":[{"id","description","expires"}],
//                                                "nodes":[{"node","created","expires"}]}
//   DELETE /agent/v1/tokens/{id}
//
// Refusals are Kubernetes Status objects. Who may use which is decided in access.h, before this.
#pragma once

#include "reconciler/api/agent_links.h"
#include "reconciler/api/auth.h"
#include "reconciler/api/core_door.h"
#include "reconciler/api/http.h"
#include "schema/base/time.h"

namespace mainstay::api {

// For paths below /agent/. `ca_pem` is the cluster's certificate, which goes along with every credential.
Reply agent_route(const Request& request, AgentLinks& links, TokenStore& tokens, const CoreDoor& core,
                  const std::string& ca_pem, Now now);

// 401 for an agent: what became of its credential, as a sentence and as a cause: CredentialExpired,
// CredentialRevoked or NodeDeleted; without a cause for one that was never known.
Response unauthorized_agent(const Request& request, const TokenStore& tokens, Now now);

}  // namespace mainstay::api
