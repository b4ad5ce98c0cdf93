// ApiService: from a request to its answer. Authenticates, authorises, and hands on to what serves the path.
// Holds the watch hub and the agents' links; give it to HttpServer as the handler. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "reconciler/api/agent_links.h"
#include "reconciler/api/application_routes.h"
#include "reconciler/api/auth.h"
#include "reconciler/api/core_door.h"
#include "reconciler/api/discovery.h"
#include "reconciler/api/http.h"
#include "reconciler/api/key_routes.h"
#include "reconciler/api/metrics.h"
#include "reconciler/api/openapi_route.h"
#include "reconciler/api/page.h"
#include "reconciler/api/watch_hub.h"

namespace mainstay::api {

struct ServiceSettings {
  std::string version = "v1.33.0+mainstay";  // what /version says
  WatchLimits watches;
  AgentLinks::Limits agents;
  CommitHistory commits;  // null: the history is not kept
  std::function<std::string()> ca_pem;  // the cluster's certificate, for nodes; null: plain HTTP. Any thread
  RotateSecrets rotate_secrets;  // null: the store encrypts nothing
  // Further conditions of /readyz: a name and "" when fine, else why not. Any thread.
  std::vector<std::pair<std::string, std::function<std::string()>>> ready_checks;
};

class ApiService {
 public:
  // `tokens` must outlive it; the core must have stopped before it goes, since it completes replies.
  // `now` is the clock (read_clock outside tests).
  ApiService(ServiceSettings settings, CoreDoor core, TokenStore& tokens, std::function<Now()> now);
  ~ApiService();
  ApiService(const ApiService&) = delete;
  ApiService& operator=(const ApiService&) = delete;

  Reply handle(Request request);
  // Every publication of the core, in order, on one thread; returns at once.
  void publish(const std::shared_ptr<const Publication>& publication);
  // Ends watches and polls, so that the server can stop. Idempotent.
  void stop();

  Metrics& metrics() { return metrics_; }

 private:
  Reply route(const Request& request, const std::optional<ResourcePath>& path, Now now);
  Reply resource_route(const Request& request, const ResourcePath& path, Now now);
  Reply log_route(const Request& request, const ResourcePath& path, Now now);
  std::optional<Identity> who_asks(const Request& request, Now now) const;
  Response health(const Request& request) const;
  void count(const std::string& verb, std::string_view resource, const Reply& reply, MonoTime since);
  void register_metrics();

  const ServiceSettings settings_;
  const CoreDoor core_;
  TokenStore& tokens_;
  const std::function<Now()> now_;
  const Discovery discovery_;
  OpenApiRoute openapi_;
  Metrics metrics_;
  PagedSnapshots pages_;
  WatchHub hub_;
  AgentLinks links_;
};

}  // namespace mainstay::api
