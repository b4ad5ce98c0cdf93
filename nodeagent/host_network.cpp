#include "nodeagent/host_network.h"

#include <vector>

#include "nodeagent/dns/dns_server.h"
#include "nodeagent/network/announcer.h"
#include "nodeagent/network/dns_interface.h"
#include "nodeagent/network/health_ports.h"
#include "nodeagent/network/node_routes.h"
#include "nodeagent/network/service_rules.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

// What went wrong in which part; several are one error with the first one's code.
class Troubles {
 public:
  void add(const Status& status, std::string_view part) {
    if (status.ok()) return;
    if (text_.empty()) code_ = status.error().code;
    if (!text_.empty()) text_ += "; ";
    text_ += std::string(part) + ": " + status.error().message;
  }
  // Whether the part had to do something.
  bool add(const Result<bool>& result, std::string_view part) {
    if (!result.ok()) add(Status(result.error()), part);
    return result.ok() && *result;
  }
  Status status() const { return text_.empty() ? Status() : Status(error(code_, text_)); }

 private:
  ErrorCode code_ = ErrorCode::kFailed;
  std::string text_;
};

class HostNetwork : public NodeNetwork {
 public:
  HostNetwork(std::unique_ptr<ServiceRules> rules, NodeRoutesOptions routes)
      : node_(routes.node), rules_(std::move(rules)), routes_(std::move(routes)), announcer_(node_) {}

  Status apply(NetworkStatePtr state) override {
    Troubles troubles;
    // Names first: whoever asks for a service before its rules are there only waits for a connection.
    troubles.add(serve_names(state), "DNS");
    troubles.add(rules_->apply(*state), "packet rules of services");
    troubles.add(routes_.apply(*state), "routes to other nodes");
    // Last: who comes because of them finds the rules.
    troubles.add(tell_outside(*state), "load balancer addresses");
    last_ = state;
    std::vector<std::string> notes = rules_->notes();
    if (notes != notes_) {
      for (const std::string& note : notes) log::warning("network", note);
      notes_ = std::move(notes);
    }
    return troubles.status();
  }

  Result<bool> repair() override {
    Troubles troubles;
    bool mended = troubles.add(rules_->repair(), "packet rules of services");
    mended |= troubles.add(routes_.repair(), "routes to other nodes");
    if (last_) troubles.add(tell_outside(*last_), "load balancer addresses");
    if (!served_.empty()) troubles.add(ensure_dns_interface(served_), "DNS");
    Status status = troubles.status();
    return status.ok() ? Result<bool>(mended) : Result<bool>(status.error());
  }

  Status remove() override {
    Troubles troubles;
    names_.stop();
    served_.clear();
    last_.reset();
    troubles.add(tell_outside(NetworkState()), "load balancer addresses");
    troubles.add(remove_dns_interface(), "DNS");
    troubles.add(rules_->remove(), "packet rules of services");
    troubles.add(routes_.remove(), "routes to other nodes");
    return troubles.status();
  }

  void in_contact(bool yes) override { announcer_.in_contact(yes); }

 private:
  Status tell_outside(const NetworkState& state) {
    RETURN_IF_ERROR(announcer_.apply(state));
    return health_.set(health_answers(state, node_));
  }

  Status serve_names(const NetworkStatePtr& state) {
    if (state->dns_address != served_) {
      names_.stop();
      served_.clear();
      if (state->dns_address.empty()) return remove_dns_interface();
      RETURN_IF_ERROR(ensure_dns_interface(state->dns_address));
      DnsServerSettings settings;
      settings.addresses = {state->dns_address};
      names_.publish(state);  // so that the first question is answered
      RETURN_IF_ERROR(names_.start(settings));
      served_ = state->dns_address;
      return {};
    }
    if (!served_.empty()) names_.publish(state);
    return {};
  }

  const std::string node_;
  const std::unique_ptr<ServiceRules> rules_;
  NodeRoutes routes_;
  DnsServer names_;
  HealthPorts health_;
  Announcer announcer_;
  NetworkStatePtr last_;            // that was applied
  std::string served_;              // the address DNS answers on; "" while it does not
  std::vector<std::string> notes_;  // said already
};

}  // namespace

Result<std::unique_ptr<NodeNetwork>> open_host_network(const HostNetworkOptions& options) {
  ServiceRulesOptions rules;
  rules.node = options.node;
  rules.table = options.table;
  Result<std::unique_ptr<ServiceRules>> opened = ServiceRules::open(rules);
  if (!opened.ok()) return opened.error().in("packet rules of services");
  NodeRoutesOptions routes;
  routes.node = options.node;
  routes.overlay = options.overlay;
  return std::unique_ptr<NodeNetwork>(std::make_unique<HostNetwork>(std::move(*opened), std::move(routes)));
}

}  // namespace mainstay
