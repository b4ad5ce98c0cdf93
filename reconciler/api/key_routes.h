// The endpoints with which `mainstay key` looks at keys and replaces them. Any thread.
//
//   GET    /mainstay/v1/keys                            {"serviceAccounts":[{"id","signs","tokensEnd"}]}
//   POST   /mainstay/v1/keys/service-accounts/rotate    {"forget":true}: also ends every token signed before -> {"id"}
//   POST   /mainstay/v1/keys/secrets/rotate             -> {"bodies":12}: so many are encrypted with a new key now
//
// Refusals are Kubernetes Status objects. Who may use which is decided in access.h, before this.
#pragma once

#include <functional>

#include "reconciler/api/http.h"
#include "reconciler/api/token_keys.h"
#include "schema/base/time.h"

namespace mainstay::api {

// Encrypts the store's Secrets with a new key; how many bodies there were. Waits until that is durable.
using RotateSecrets = std::function<Result<size_t>()>;

Reply key_route(const Request& request, TokenKeys& keys, const RotateSecrets& rotate_secrets, Now now);

}  // namespace mainstay::api
