// The cluster's network as every node is told it: one stream of items, each encoded once, whatever the number of
// nodes. A node that has number N gets the items that changed since; one whose number is too old, or of another
// past of the store, gets them all. Made from durable states only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/core/network_items.h"
#include "reconciler/core/network_policy.h"
#include "schema/base/cow_map.h"
#include "reconciler/store/transaction.h"
#include "schema/agent_messages.h"

namespace mainstay {

using SharedBytes = std::shared_ptr<const std::string>;

// The items at one number, and how they came to be. Immutable once shared; any thread.
struct NetworkFeed {
  // What changed at a number. The first of a feed's steps is only where a difference may start.
  struct Step {
    uint64_t number = 0;
    std::string digest;  // of all items after it
    std::vector<std::string> keys;
  };
  uint64_t number = 0;  // the store's version at which an item last changed, or at the start of this process
  std::string digest;
  CowMap<std::string, SharedBytes> items;  // by key; as they stand in an update (framed)
  std::vector<std::shared_ptr<const Step>> steps;  // oldest first; at most kNetworkSteps
};
inline constexpr size_t kNetworkSteps = 1000;

// Follows the store's durable states. Core thread only.
class NetworkStream {
 public:
  NetworkStream(NetworkRanges ranges, const Snapshot& view);

  // `changes` led to `view` since the last call (more does no harm). The feed is the one before if no item differs.
  std::shared_ptr<const NetworkFeed> absorb(const std::vector<Change>& changes, const Snapshot& view);
  const std::shared_ptr<const NetworkFeed>& feed() const { return feed_; }
  const NetworkRanges& ranges() const { return ranges_; }
  // Items encoded since the start.
  uint64_t encodings() const { return encodings_; }

 private:
  void read_policies(const Change& change);
  // Policies whose rules may differ because of a change of a pod or a namespace.
  void find_policies(const Change& change, const Snapshot& view, std::map<std::string, bool>& dirty) const;
  void put(const NetworkItem& item);
  // An item and those below it ("name/..."), which are all there are from now on; none: the item is gone, too.
  void put_group(const std::string& name, std::vector<NetworkItem> items);
  void put_service(const Key& key, const Snapshot& view);
  void put_slice(const Key& key, const Snapshot& view);
  void put_node(const Key& key, const Snapshot& view);
  void put_policy(const std::string& name, const Snapshot& view);
  void close_step(uint64_t number);

  const NetworkRanges ranges_;
  std::map<std::string, Policy> policies_;  // by "namespace/name"
  NetworkFeed next_;
  uint64_t sum_ = 0;                  // of the items' hashes: what the digest is
  std::vector<std::string> changed_;  // keys of the step that is being made
  std::shared_ptr<const NetworkFeed> feed_;
  uint64_t encodings_ = 0;
};

// The feed's answers to nodes: each made once, whoever many ask from the same number. One thread.
class NetworkAnswers {
 public:
  void set(std::shared_ptr<const NetworkFeed> feed, uint64_t epoch);

  // The encoded NetworkUpdate that brings the node to the newest state; null if it has that, or a later one (then
  // the store went back, and a higher epoch follows as soon as the core hears of it).
  SharedBytes update_for(const AgentHas& has);
  // A whole AgentPollAnswer with that update and nothing else.
  SharedBytes answer_for(const AgentHas& has);
  // Updates put together since the start.
  uint64_t composed() const { return composed_; }

 private:
  struct Made {
    SharedBytes update;
    SharedBytes answer;
  };
  Made* find(const AgentHas& has);
  std::string compose(const AgentHas& has, std::optional<size_t> step) const;

  std::shared_ptr<const NetworkFeed> feed_;
  AssignmentNumber at_;
  Made whole_;
  std::map<std::pair<AssignmentNumber, std::string>, Made> from_;  // by number and digest
  uint64_t composed_ = 0;
};

}  // namespace mainstay
