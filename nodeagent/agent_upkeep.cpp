// What an agent with real containers looks after beside its pods: containers that ended, storage, images, logs, packet
// filter rules. Each loop has a thread of its own: one pod with a million files must not hold up anything else.
#include "nodeagent/agent_state.h"
#include "nodeagent/housekeeping/supply.h"
#include "nodeagent/storage_watch.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr Duration kLogsEvery = std::chrono::seconds{1};
constexpr Duration kRulesEvery = std::chrono::seconds{10};
constexpr Duration kStorageEvery = std::chrono::seconds{10};

}  // namespace

void Agent::State::exit_loop() {
  while (!stopping.load()) {
    Result<bool> ended = doors->runtime.wait_exit(std::chrono::seconds{1});
    if (!ended.ok()) {
      sleep(std::chrono::seconds{1});
    } else if (*ended) {
      inbox.push(LookAgain{});
    }
  }
}

// Pods that use more of the disk than they may.
void Agent::State::watch_storage() {
  std::vector<ObjectPtr> watched;
  {
    std::lock_guard lock(core_mutex);
    for (const auto& [uid, record] : core->pods()) {
      if (record.pod && record.ending == Ending::kNone && limits_storage(*record.pod)) watched.push_back(record.pod);
    }
  }
  for (const ObjectPtr& pod : watched) {
    if (stopping.load()) return;
    std::optional<std::string> excess = storage_excess(*pod, measure_storage(settings.paths, *pod));
    if (excess) inbox.push(EvictPod{pod->meta.uid, "Evicted", std::move(*excess), Duration{0}});
  }
}

void Agent::State::housekeeping_loop() {
  Housekeeper::World world{doors->images, doors->runtime, settings.paths, facts.name, {}, {}, {}};
  world.measure = [this] { return measure_supplies(settings.paths); };
  world.view = [this] {
    std::lock_guard lock(core_mutex);
    return view_node(*core);
  };
  world.tell = [this](AgentInput input) { inbox.push(std::move(input)); };
  Housekeeper housekeeper(settings.housekeeping, std::move(world));
  while (!stopping.load()) sleep(housekeeper.round(read_clock().mono));
}

void Agent::State::storage_loop() {
  while (!stopping.load()) {
    sleep(kStorageEvery);
    watch_storage();
  }
}

// Logs that grew too large: looked at often, since what a flood writes in between is on the disk.
void Agent::State::log_loop() {
  while (!stopping.load()) {
    sleep(kLogsEvery);
    std::vector<ContainerKey> keys;
    {
      std::lock_guard lock(core_mutex);
      for (const auto& [uid, record] : core->pods()) {
        for (const auto& [name, container] : record.containers) {
          if (container.seen) keys.push_back(container.seen->key);
        }
      }
    }
    for (const ContainerKey& key : keys) {
      if (stopping.load()) return;
      Result<bool> rotated = doors->runtime.rotate_log(key, settings.log_bytes, settings.log_files);
      if (!rotated.ok() && rotated.error().code != ErrorCode::kNotFound) {
        log::warning("agent", "cannot rotate the log of " + key.container + ": " + rotated.error().message);
      }
    }
  }
}

// Packet filter rules that somebody flushed.
void Agent::State::rules_loop() {
  while (!stopping.load()) {
    sleep(kRulesEvery);
    if (stopping.load()) return;
    Result<bool> repaired = doors->network.repair_rules();
    if (!repaired.ok()) log::warning("agent", "packet filter rules: " + repaired.error().message);
    if (repaired.ok() && *repaired)
      log::warning("agent", "somebody had changed the packet filter rules; they are repaired");
  }
}

}  // namespace mainstay
