// The endpoints of nodes' agents, and of their tokens. Any thread.
//
//   POST   /agent/v1/join                       {"node":"n1"} with a join token -> {"node","token","protocol"}
//   GET    /agent/v1/nodes/{n}/poll             ?epoch=&number=&wait=SECONDS -> AgentPollAnswer
//                 and &networkEpoch=&networkNumber=&networkDigest= for the network stream, none without them
//   POST   /agent/v1/nodes/{n}/report           NodeReport -> {}
//   GET    /agent/v1/nodes/{n}/streams/{id}     Upgrade: mainstay-stream -> 101, then raw bytes from the agent
//   POST   /agent/v1/nodes/{n}/streams/{id}/refuse   {"status":400,"message":"..."}: it cannot be served
//   DELETE /agent/v1/nodes/{n}/credential       revokes what the node holds
//   POST   /agent/v1/tokens                     {"description","ttlSeconds"} -> {"token"}
//   GET    /agent/v1/tokens                     {"items":[{"id","description","expires"}]}
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

// For paths below /agent/.
Reply agent_route(const Request& request, AgentLinks& links, TokenStore& tokens, const CoreDoor& core, Now now);

}  // namespace mainstay::api
