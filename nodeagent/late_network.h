// A Network that opens when the node's range of addresses is known: a node learns it from the control plane, at
// its first start after it has registered. Until then pods wait (kUnavailable). Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "nodeagent/doors.h"
#include "nodeagent/network/cni_network.h"

namespace mainstay {

class LateNetwork : public Network {
 public:
  // `options` without the range.
  explicit LateNetwork(CniNetworkOptions options) : options_(std::move(options)) {}

  // Opens the network and puts its rules in place. With a range that changed, list() shows what has an address of the
  // one before as half made.
  Status set_range(const std::string& node_cidr, const std::string& cluster_cidr);

  // Also kUnavailable while the machine itself has an address of the cluster's range; not for what there is already.
  Result<PodNetwork> add(const std::string& uid) override;
  Status publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) override;
  Status keep_clear(const std::vector<KeptAddress>& kept) override;
  Status del(const std::string& uid) override;
  Result<std::vector<PodNetwork>> list() override;
  Status check(const std::string& uid) override;
  Result<bool> repair_rules() override;
  Status remove_rules() override;

 private:
  std::shared_ptr<Network> opened() const;

  mutable std::mutex mutex_;
  CniNetworkOptions options_;
  std::vector<KeptAddress> kept_;  // told to the network when it opens
  std::shared_ptr<Network> network_;
};

}  // namespace mainstay
