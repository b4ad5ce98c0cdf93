// The node's packet filter table: traffic of the node's pods to places outside the cluster leaves with the
// node's own address. Replaced as a whole, in one kernel transaction, so there is no moment without it. Any
// thread.
#pragma once

#include <string>

#include "schema/base/result.h"

namespace mainstay {

struct MasqueradeRules {
  std::string table = "mainstay";
  std::string node_cidr;     // the node's pods
  std::string cluster_cidr;  // every node's pods: no masquerade between them
};

// The commands that put the table in place, whatever was there. Pure.
std::string masquerade_commands(const MasqueradeRules& rules);

// Runs nft commands in one transaction; the output. kDenied without CAP_NET_ADMIN; kNotFound: no such table.
Result<std::string> run_nft(const std::string& commands);

// Takes away the IPv4 table of that name, if there is one.
Status remove_nft_table(const std::string& table);

// "10.88.0.0/24" with host bits zero, prefix 8 to 30.
Status check_cidr(const std::string& cidr);

}  // namespace mainstay
