// The routes of ServiceAccount tokens: asking for one (kubectl create token, agents), asking whose one is
// (TokenReview), and the documents others check them with. Any thread.
#pragma once

#include <optional>
#include <string>

#include "reconciler/api/auth.h"
#include "reconciler/api/http.h"
#include "reconciler/api/resource_path.h"
#include "reconciler/store/snapshot.h"
#include "schema/base/time.h"

namespace mainstay::api {

// POST /api/v1/namespaces/{ns}/serviceaccounts/{name}/token: a TokenRequest, answered with its status.
Response request_token(const Request& request, const ResourcePath& path, const AccountTokens& tokens,
                       const Snapshot& view, Now now);

// POST /agent/v1/nodes/{node}/tokens: for a pod that is bound to this node, and only bound to it. The caller has
// made sure that it is this node that asks.
Response request_pod_token(const Request& request, std::string_view node, const AccountTokens& tokens,
                           const Snapshot& view, Now now);

// The answer to a TokenReview; nothing if the path is another.
std::optional<Response> answer_token_review(const Request& request, const ResourcePath& path,
                                            const TokenStore& tokens, const Snapshot& view, Now now);

// /.well-known/openid-configuration and /openid/v1/jwks; nothing for other paths.
std::optional<Response> answer_token_documents(const Request& request, const AccountTokens& tokens, Now now);
bool is_token_document(std::string_view path);

}  // namespace mainstay::api
