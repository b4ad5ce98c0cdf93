// The node's packet rules for Services and NetworkPolicies: one nft table, kept equal to what the control
// plane says (schema/network_state.h). A change goes to the kernel element by element in one transaction; the
// table is replaced as a whole, also in one transaction, at the start and when somebody else has touched it.
// UDP connections that point to endpoints that are gone are forgotten by the kernel (conntrack), so that
// their next packet finds a new one. Connections in the middle of their life, and which client sticks to
// which endpoint (session affinity), outlive every change, also a restart of the agent.
//
// Promises: apply() may be repeated and skipped; a state the kernel refuses changes nothing and the next
// apply() or repair() replaces the whole table. The table stays when the object ends: only remove() takes it
// away. It works in the network namespace of the thread that opened it. Any thread; calls wait for each
// other. nodeagent/network/service_table.h says what the table holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

struct ServiceRulesOptions {
  std::string node;                          // our name among NetworkState::nodes
  std::string table = "mainstay_services";   // letters, digits and '_'
  // Where this node's DNS server answers UDP and TCP. If set, port 53 of NetworkState::dns_address leads
  // there, unless a Service has that address. "" where the server holds dns_address itself: then no Service gets it.
  std::string dns_ip;
  int dns_port = 53;
};

class ServiceRules {
 public:
  // kInvalid: a bad option; kDenied: no CAP_NET_ADMIN.
  static Result<std::unique_ptr<ServiceRules>> open(const ServiceRulesOptions& options);

  virtual ~ServiceRules() = default;

  // Makes the kernel's rules those of `state`. On return they hold for every new connection.
  virtual Status apply(const NetworkState& state) = 0;

  // Looks whether anybody else touched the table since, and if so puts it back; returns whether it had to.
  // Costs one question to the kernel when nobody changed any rules. Nothing was applied yet: false.
  virtual Result<bool> repair() = 0;

  // Takes the table away. A later apply() makes it anew.
  virtual Status remove() = 0;

  // What of the last state cannot be had, one sentence each: an address two services claim, an IPv6 address.
  virtual std::vector<std::string> notes() const = 0;

  // How often the table was replaced as a whole. More than once without anybody's hands on it: a change the
  // kernel refused.
  virtual uint64_t loads() const = 0;
};

}  // namespace mainstay
