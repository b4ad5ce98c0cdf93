// NodeNetwork: the door to what a node does with the cluster's network (schema/network_state.h): packet rules of
// services and policies, routes to other nodes, DNS. Abstract, with a real version (host_network.h) and one that
// only records. Promises: apply() may be repeated and may skip states; what it did not bring about it does the
// next time. The network stays as it is when the object ends; only remove() takes it away. One thread at a time.
#pragma once

#include <mutex>

#include "schema/base/result.h"
#include "schema/network_state.h"

namespace mainstay {

class NodeNetwork {
 public:
  virtual ~NodeNetwork() = default;

  // Makes the node's network that of `state`; on return it holds. An error says what does not: try again.
  virtual Status apply(NetworkStatePtr state) = 0;

  // Puts right what somebody else has changed since; returns whether it had to.
  virtual Result<bool> repair() = 0;

  // Whether the control plane answered the last time: what must not be done by two nodes is begun only then. Any
  // thread.
  virtual void in_contact(bool) {}

  // Takes everything away that apply() made. A later apply() makes it anew.
  virtual Status remove() = 0;
};

// A node without a network of its own: remembers what it was told. Any thread.
class RecordedNetwork : public NodeNetwork {
 public:
  Status apply(NetworkStatePtr state) override {
    std::lock_guard lock(mutex_);
    last_ = std::move(state);
    return {};
  }
  Result<bool> repair() override { return false; }
  Status remove() override { return apply(nullptr); }

  // Null before the first, and after remove().
  NetworkStatePtr last() const {
    std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  NetworkStatePtr last_;
};

}  // namespace mainstay
