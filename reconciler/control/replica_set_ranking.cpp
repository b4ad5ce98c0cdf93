#include "reconciler/control/replica_set_ranking.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <tuple>

#include "reconciler/control/owners.h"

namespace mainstay {
namespace {

int32_t deletion_cost(const Object& pod) {
  const std::string* text = map_find(pod.meta.annotations, kDeletionCostAnnotation);
  int32_t cost = 0;
  if (text == nullptr) return 0;
  auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), cost);
  return failed == std::errc() && end == text->data() + text->size() ? cost : 0;
}

// The power of two of a span in seconds; a time that is unknown (zero) counts as just now.
int magnitude(WallTime since, WallTime now) {
  if (since == WallTime{} || now < since) return 0;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since).count();
  return static_cast<int>(std::bit_width(static_cast<uint64_t>(seconds)));
}

int phase_rank(std::string_view phase) {
  if (phase == "Running") return 2;
  return phase == "Unknown" ? 1 : 0;
}

int restarts(const Pod& pod) {
  int most = 0;
  for (const ContainerStatus& container : pod.status.container_statuses) {
    most = std::max(most, container.restart_count);
  }
  return most;
}

// Smaller goes first, member by member.
struct Rank {
  int assigned = 0, phase = 0, ready = 0, available = 0;
  int32_t cost = 0;
  int crowd = 0, ready_for = 0, restarts = 0, age = 0;

  auto key() const {
    return std::tie(assigned, phase, ready, available, cost, crowd, ready_for, restarts, age);
  }
};

Rank rank_of(const Object& object, const std::map<std::string, int>& related, int32_t min_ready,
             WallTime now) {
  const Pod& pod = as<Pod>(object);
  std::optional<WallTime> since = ready_since(pod);
  Rank rank;
  rank.assigned = pod.spec.node_name.empty() ? 0 : 1;
  rank.phase = phase_rank(pod.status.phase);
  rank.ready = since ? 1 : 0;
  rank.available = since && *since + std::chrono::seconds(min_ready) <= now ? 1 : 0;
  rank.cost = deletion_cost(object);
  auto crowd = related.find(pod.spec.node_name);
  if (rank.assigned != 0 && crowd != related.end()) rank.crowd = -crowd->second;
  if (since) rank.ready_for = magnitude(*since, now);
  rank.restarts = -restarts(pod);
  rank.age = magnitude(object.meta.creation_timestamp, now);
  return rank;
}

}  // namespace

void rank_for_deletion(std::vector<ObjectPtr>& pods, const std::map<std::string, int>& related_per_node,
                       int32_t min_ready_seconds, WallTime now) {
  std::vector<std::pair<Rank, ObjectPtr>> ranked;
  ranked.reserve(pods.size());
  for (ObjectPtr& pod : pods) {
    Rank rank = rank_of(*pod, related_per_node, min_ready_seconds, now);
    ranked.emplace_back(rank, std::move(pod));
  }
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    if (a.first.key() != b.first.key()) return a.first.key() < b.first.key();
    return a.second->meta.uid < b.second->meta.uid;
  });
  for (size_t i = 0; i < pods.size(); ++i) pods[i] = std::move(ranked[i].second);
}

}  // namespace mainstay
