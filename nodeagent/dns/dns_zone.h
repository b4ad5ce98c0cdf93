// What the cluster's names mean: an immutable index of a NetworkState, and the answer to a question from it,
// as the Kubernetes DNS specification 1.1.0 has them. Making one from the one before costs what has changed.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nodeagent/dns/dns_message.h"
#include "nodeagent/dns/sharded_map.h"
#include "schema/network_state.h"

namespace mainstay {

// Of every record and of every "there is none".
inline constexpr uint32_t kDnsClusterTtl = 5;
inline constexpr std::string_view kDnsSpecification = "1.1.0";

// The names of one service, by what stands before the service's own ("" for itself): wire form without an
// end. A name without records is there because names below it are.
struct ServiceNames {
  std::map<std::string, std::vector<DnsRecord>, std::less<>> names;
  std::string external;  // ExternalName: its target in wire form
  struct Pointer {
    uint32_t address = 0;  // host byte order
    std::string name;      // wire form
  };
  std::vector<Pointer> pointers;
};

class DnsZone;
using DnsZonePtr = std::shared_ptr<const DnsZone>;

class DnsZone {
 public:
  // `before` may be null; it is not changed.
  static DnsZonePtr make(NetworkStatePtr state, const DnsZonePtr& before);

  const NetworkState& state() const { return *state_; }
  const std::string& origin() const { return origin_; }  // "\7cluster\5local\0"
  // By "\3web\7default". Null if there is none.
  const ServiceNames* service(std::string_view key) const;
  bool has_namespace(std::string_view label) const { return namespaces_.find(label) != namespaces_.end(); }
  // Names of an address, sorted; null if none.
  const std::vector<std::string>* names_of(uint32_t address) const { return pointers_.find(address); }
  // Pods and services have addresses here: nobody outside knows better.
  bool is_ours(uint32_t address) const;
  bool is_pod_address(uint32_t address) const;

 private:
  struct Range {
    uint32_t base = 0, mask = 0;
    bool known = false;
    bool has(uint32_t address) const { return known && (address & mask) == base; }
  };

  DnsZone() = default;
  static Range range_of(const std::string& cidr);
  void index_all();
  void index_changes(const NetworkState& before);
  void replace(const std::string& key, const NetworkService* service,
               const std::vector<const NetworkSlice*>& slices);

  NetworkStatePtr state_;
  std::string origin_;
  Range pods_, services_range_;
  ShardedMap<std::string, std::shared_ptr<const ServiceNames>, StringHash> services_;
  std::unordered_map<std::string, size_t, StringHash, std::equal_to<>> namespaces_;  // how many services
  ShardedMap<uint32_t, std::vector<std::string>> pointers_;
};

// What is to be done about a question.
struct DnsAnswer {
  enum class Kind : uint8_t {
    kReply,    // `reply` is all of it
    kForward,  // not ours: ask an upstream
    kChase,    // `reply` has the aliases so far; ask an upstream for `target`
  };
  Kind kind = Kind::kReply;
  DnsReply reply;
  std::string target;
};

DnsAnswer answer(const DnsZone& zone, const DnsQuestion& question);

}  // namespace mainstay
