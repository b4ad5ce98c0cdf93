// Housekeeper: the node looks after itself. Round by round it measures what is left, says what ails the node, collects
// images before the disk is full, and under pressure gives back in the kubelet's order: what ended containers left,
// images nobody uses, then pods, one at a time. The decisions are pure (pressure, eviction_rank, image_gc); this is
// the edge that measures and carries them out. One thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "nodeagent/agent_core.h"
#include "nodeagent/housekeeping/image_gc.h"
#include "nodeagent/housekeeping/pressure.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

// What housekeeping needs to know of the pods.
struct HousedPod {
  ObjectPtr pod;
  bool ending = false;       // it is being ended, for whatever reason
  bool over = false;         // nothing of it runs any more, its network and volumes are released
  bool collectable = false;  // over, and its containers still have their layers and logs
};
struct NodeView {
  bool known = false;  // both the assignment and what exists; before, nothing may be taken away
  std::vector<HousedPod> pods;
  std::set<std::string> images_in_use;  // names and ids, also of ended containers
  std::vector<std::string> layers_in_use;
};
NodeView view_node(const AgentCore& core);

struct HousekeepingSettings {
  EvictionPolicy eviction;
  ImageGcPolicy images;
};

class Housekeeper {
 public:
  struct World {
    Images& images;
    Runtime& runtime;
    NodePaths paths;
    std::string node;
    std::function<Supplies()> measure;
    std::function<NodeView()> view;
    std::function<void(AgentInput)> tell;  // the agent's core
  };
  Housekeeper(HousekeepingSettings settings, World world);

  // Looks and does what is due; returns after how long to look again.
  Duration round(MonoTime now);

 private:
  void collect_before_full(const Supplies& supplies, const NodeView& view, MonoTime now);
  Duration reclaim(const PressureState& state, const Supplies& supplies, const NodeView& view, MonoTime now);
  bool evict(const EvictionThreshold& threshold, const Supply& supply, const NodeView& view, MonoTime now);
  bool waits_for_victim(const NodeView& view, MonoTime now);
  // Bytes freed; all that may go if `wanted` is nothing.
  uint64_t collect_images(const NodeView& view, std::optional<uint64_t> wanted, MonoTime now);
  Result<uint64_t> sweep(const NodeView& view);
  void note(bool warning, std::string reason, std::string message);

  const HousekeepingSettings settings_;
  World world_;
  PressureState state_;
  ImageHistory history_;
  std::vector<Image> present_;
  std::optional<MonoTime> collect_again_;  // after a collection that found too little
  bool failed_before_ = false;
  std::optional<std::string> victim_;
  MonoTime victim_until_;
};

}  // namespace mainstay
