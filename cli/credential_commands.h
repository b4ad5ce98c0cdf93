// `mainstay token` and `mainstay key`: join tokens, nodes' credentials and keys of a running control plane.
#pragma once

#include <string>

#include "cli/client_commands.h"

namespace mainstay {

// Prints the new token, which is shown only now.
int token_create_command(const ClientOptions& options, const std::string& description, const std::string& lifetime);
int token_list_command(const ClientOptions& options);
// `id` as the list shows it: a join token's, or "node/NAME" for a node's credential.
int token_revoke_command(const ClientOptions& options, const std::string& id);

int key_list_command(const ClientOptions& options);
// what: "service-accounts" or "secrets".
int key_rotate_command(const ClientOptions& options, const std::string& what, bool forget_old);

}  // namespace mainstay
