#include "nodeagent/late_network.h"

#include "nodeagent/network/node_routes.h"

namespace mainstay {
namespace {

Error not_yet() {
  return error(ErrorCode::kUnavailable,
               "the control plane has not given this node a range of pod addresses yet");
}

}  // namespace

std::shared_ptr<Network> LateNetwork::opened() const {
  std::lock_guard lock(mutex_);
  return network_;
}

Status LateNetwork::set_range(const std::string& node_cidr, const std::string& cluster_cidr) {
  std::lock_guard lock(mutex_);
  if (network_ && options_.rules.node_cidr == node_cidr && options_.rules.cluster_cidr == cluster_cidr)
    return {};
  CniNetworkOptions next = options_;
  next.rules.node_cidr = node_cidr;
  next.rules.cluster_cidr = cluster_cidr.empty() ? node_cidr : cluster_cidr;
  Result<std::unique_ptr<Network>> made = open_cni_network(next);
  if (!made.ok()) return made.error();
  RETURN_IF_ERROR((*made)->keep_clear(kept_));
  Result<bool> rules = (*made)->repair_rules();
  if (!rules.ok()) return rules.error().in("packet filter rules");
  next.rules.cluster_cidr = cluster_cidr;
  options_ = std::move(next);
  network_ = std::move(*made);
  return {};
}

Result<PodNetwork> LateNetwork::add(const std::string& uid) {
  std::shared_ptr<Network> network = opened();
  if (!network) return not_yet();
  if (network->check(uid).ok()) return network->add(uid);
  std::string range;
  {
    std::lock_guard lock(mutex_);
    range = options_.rules.cluster_cidr;
  }
  RETURN_IF_ERROR(check_pod_range(range));
  return network->add(uid);
}

Status LateNetwork::publish_ports(const std::string& uid, const std::vector<PodHostPort>& ports) {
  std::shared_ptr<Network> network = opened();
  return network ? network->publish_ports(uid, ports) : Status(not_yet());
}

Status LateNetwork::keep_clear(const std::vector<KeptAddress>& kept) {
  std::lock_guard lock(mutex_);
  kept_ = kept;
  return network_ ? network_->keep_clear(kept) : Status();
}

Status LateNetwork::del(const std::string& uid) {
  std::shared_ptr<Network> network = opened();
  return network ? network->del(uid) : Status(not_yet());
}

Result<std::vector<PodNetwork>> LateNetwork::list() {
  std::shared_ptr<Network> network = opened();
  return network ? network->list() : Result<std::vector<PodNetwork>>(std::vector<PodNetwork>{});
}

Status LateNetwork::check(const std::string& uid) {
  std::shared_ptr<Network> network = opened();
  return network ? network->check(uid) : Status(not_yet());
}

Result<bool> LateNetwork::repair_rules() {
  std::shared_ptr<Network> network = opened();
  return network ? network->repair_rules() : Result<bool>(false);
}

Status LateNetwork::remove_rules() {
  std::shared_ptr<Network> network = opened();
  return network ? network->remove_rules() : Status();
}

}  // namespace mainstay
