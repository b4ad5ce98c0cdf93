#include "nodeagent/local_state.h"

#include "nodeagent/disk.h"
#include "schema/json.h"
#include "schema/message_json.h"

namespace mainstay {
namespace {

constexpr size_t kMaxFile = 64 << 20;

std::string pods_file(const NodePaths& paths) { return paths.data_dir + "/assignment.json"; }
std::string config_file(const NodePaths& paths) { return paths.run_dir + "/config.json"; }
std::string network_file(const NodePaths& paths) { return paths.data_dir + "/network.json"; }
std::string memory_file(const NodePaths& paths) { return paths.data_dir + "/memory.json"; }

Result<Assignment> read_assignment_file(const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, read_file(path, kMaxFile));
  return decode_assignment(bytes);
}

}  // namespace

std::optional<Assignment> load_assignment(const NodePaths& paths) {
  Result<Assignment> pods = read_assignment_file(pods_file(paths));
  if (!pods.ok()) return std::nullopt;
  Assignment out = std::move(*pods);
  Result<Assignment> config = read_assignment_file(config_file(paths));
  // After a reboot the config is gone: pods that need it wait for the control plane.
  if (config.ok() && config->at == out.at) {
    out.config_maps = std::move(config->config_maps);
    out.secrets = std::move(config->secrets);
  } else {
    out.config_known = false;
  }
  return out;
}

Status save_assignment(const NodePaths& paths, const Assignment& assignment) {
  Assignment pods;
  pods.at = assignment.at;
  pods.node = assignment.node;
  pods.pod_cidr = assignment.pod_cidr;
  pods.cluster_cidr = assignment.cluster_cidr;
  pods.pods = assignment.pods;
  pods.service_accounts = assignment.service_accounts;
  Assignment config;
  config.at = assignment.at;
  config.node = assignment.node;
  config.config_maps = assignment.config_maps;
  config.secrets = assignment.secrets;
  RETURN_IF_ERROR(write_file(config_file(paths), encode(config), 0600));
  return write_file(pods_file(paths), encode(pods), 0600, true);
}

std::optional<NetworkState> load_network(const NodePaths& paths) {
  Result<std::string> bytes = read_file(network_file(paths), kMaxFile);
  if (!bytes.ok()) return std::nullopt;
  Result<NetworkUpdate> update = decode_network_update(*bytes);
  if (!update.ok()) return std::nullopt;
  Result<NetworkState> state = applied({}, *update);
  if (!state.ok()) return std::nullopt;
  return std::move(*state);
}

Status save_network(const NodePaths& paths, const NetworkState& state) {
  return write_file(network_file(paths), encode(whole_update(state)), 0600);
}

AgentMemory load_memory(const NodePaths& paths) {
  AgentMemory out;
  Result<std::string> bytes = read_file(memory_file(paths), kMaxFile);
  if (!bytes.ok()) return out;
  Result<Value> parsed = read_json(*bytes);
  if (!parsed.ok() || !parsed->is_map()) return out;
  for (const Member& pod : parsed->as_map()) {
    PodMemory& memory = out[pod.name];
    memory.start_time = parse_rfc3339(pod.value.string_at("startTime")).value_or(WallTime{});
    const Value* initialized = pod.value.find("initialized");
    memory.initialized = initialized != nullptr && initialized->is_bool() && initialized->as_bool();
    const Value* containers = pod.value.find("containers");
    if (containers == nullptr || !containers->is_map()) continue;
    for (const Member& container : containers->as_map()) {
      const Value* owed = container.value.find("owesPostStart");
      bool owes = owed != nullptr && owed->is_int();
      memory.containers[container.name] = {
          Duration{int_at(container.value, "waitMicros")},
          Duration{int_at(container.value, "upcomingMicros")},
          parse_rfc3339(container.value.string_at("failedAt")).value_or(WallTime{}),
          static_cast<uint32_t>(int_at(container.value, "firstAttempt")),
          owes ? std::optional<uint32_t>(static_cast<uint32_t>(owed->as_int())) : std::nullopt};
    }
  }
  return out;
}

Status save_memory(const NodePaths& paths, const AgentMemory& memory) {
  Value out = Value::map();
  for (const auto& [uid, pod] : memory) {
    Value one = Value::map();
    one.set("startTime", format_rfc3339_micro(pod.start_time));
    one.set("initialized", pod.initialized);
    Value containers = Value::map();
    for (const auto& [name, container] : pod.containers) {
      Value entry = Value::map();
      entry.set("waitMicros", static_cast<int64_t>(container.wait.count()));
      entry.set("upcomingMicros", static_cast<int64_t>(container.upcoming.count()));
      entry.set("failedAt", format_rfc3339_micro(container.failed_at));
      entry.set("firstAttempt", static_cast<int64_t>(container.first_attempt));
      if (container.owes_post_start) entry.set("owesPostStart", static_cast<int64_t>(*container.owes_post_start));
      containers.set(name, std::move(entry));
    }
    one.set("containers", std::move(containers));
    out.set(uid, std::move(one));
  }
  return write_file(memory_file(paths), to_json(out), 0600);
}

}  // namespace mainstay
