// The node's own interface for the cluster's DNS address: a device `mainstay-dns` that leads nowhere and holds it, so
// that pods of the node that ask the address reach the server of their own node. Any thread.
#pragma once

#include <string>

#include "schema/base/result.h"

namespace mainstay {

// Makes the device with this one IPv4 address in the network namespace of the caller, whatever was there
// before. kInvalid: no address; kDenied: not root.
Status ensure_dns_interface(const std::string& address);

// Also when there is none.
Status remove_dns_interface();

}  // namespace mainstay
