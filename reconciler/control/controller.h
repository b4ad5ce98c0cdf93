// What a controller is: a function from (what is, a key, now) to writes in a transaction and a time to look
// again. It reads the transaction's own view, so it sees its own writes at once; it is called again whenever
// something it named changed. It keeps no state of its own. Core thread only.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/store/lifecycle.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

struct ControlSettings {
  Duration node_grace{std::chrono::seconds{40}};        // silence after which a node is Unknown
  Duration event_ttl{std::chrono::hours{1}};
  size_t terminated_pods_kept = 12500;
  std::string service_cidr = "10.96.0.0/16";
  std::string cluster_cidr = "10.244.0.0/16";           // pods of all nodes
  int node_cidr_bits = 24;
  // Where LoadBalancer Services get their addresses: "192.0.2.0/28" or "192.0.2.10-192.0.2.20".
  std::vector<std::string> load_balancer_pool;
  bool announce_load_balancers = true;  // by ARP, where nodes have a segment in common with the address
  // The Service `kubernetes` in default is kept only if set; its endpoint is api_address:api_port, none if "" or 0.
  bool api_service = false;
  std::string api_address;  // IPv4, that pods can reach
  int32_t api_port = 0;
  std::string root_ca;  // PEM, published as ConfigMap kube-root-ca.crt in every namespace; "" publishes none
};

struct ControlContext {
  Transaction& txn;
  const ControlSettings& settings;
  // When each node was last heard of, on the monotonic clock; null if not since this process started.
  std::function<std::optional<MonoTime>(std::string_view node)> last_heard;
  MonoTime started;  // of this process, or of the last clock jump: every node gets its full grace from here

  const Snapshot& view() const { return txn.view(); }
  const Now& now() const { return txn.now(); }
};

struct Outcome {
  std::optional<MonoTime> wake_at;  // look again then, if nothing changes sooner

  // Looks again at `when` or, if that is already set sooner, then.
  void wake(MonoTime when) {
    if (!wake_at || when < *wake_at) wake_at = when;
  }
};

struct Controller {
  std::string_view name;  // as events name it: "deployment-controller"
  // Brings the one object called `key` (which may be gone) towards what it should be.
  Outcome (*reconcile)(ControlContext& context, const Key& key);
  // Adds the keys this controller must look at again because of `change`; `view` is the state after all
  // changes. Called with an addition for every object there is when the process starts.
  void (*wakes)(const Change& change, const Snapshot& view, std::vector<Key>& keys);
  // Set for a controller that also looks at all objects of a kind together. Its key for that is
  // sweep_key(*sweeps): it is woken at the start, and by `wakes` as any other.
  std::optional<Kind> sweeps = std::nullopt;
};

// The key that stands for all objects of a kind, or for all in one namespace; no object has an empty name.
inline Key sweep_key(Kind kind, std::string_view ns = {}) { return {kind, std::string(ns), ""}; }

// All controllers, in the order in which a turn runs them.
std::span<const Controller> all_controllers();

}  // namespace mainstay
