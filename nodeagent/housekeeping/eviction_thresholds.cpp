#include "nodeagent/housekeeping/eviction_thresholds.h"

#include <algorithm>
#include <cstdlib>

#include "schema/quantity.h"

namespace mainstay {
namespace {

struct SignalRow {
  EvictionSignal signal;
  std::string_view name;
  ScarceResource resource;
};
constexpr SignalRow kSignals[] = {
    {EvictionSignal::kMemoryAvailable, "memory.available", ScarceResource::kMemory},
    {EvictionSignal::kNodefsAvailable, "nodefs.available", ScarceResource::kDisk},
    {EvictionSignal::kNodefsInodesFree, "nodefs.inodesFree", ScarceResource::kInodes},
    {EvictionSignal::kImagefsAvailable, "imagefs.available", ScarceResource::kDisk},
    {EvictionSignal::kImagefsInodesFree, "imagefs.inodesFree", ScarceResource::kInodes},
    {EvictionSignal::kPidAvailable, "pid.available", ScarceResource::kPids},
};

const SignalRow& row_of(EvictionSignal signal) { return kSignals[static_cast<size_t>(signal)]; }

Error wrong(std::string_view flag, const std::string& why) {
  return error(ErrorCode::kInvalid, std::string(flag) + ": " + why);
}

struct Clause {
  EvictionSignal signal;
  std::string value;
};

// "a<1,b<2" at the given sign; each signal once.
Result<std::vector<Clause>> parse_clauses(std::string_view flag, std::string_view text, char sign) {
  std::vector<Clause> out;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string clause(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    size_t at = clause.find(sign);
    if (at == std::string::npos || at + 1 == clause.size()) {
      return wrong(flag, "'" + clause + "' is not of the form signal" + sign + "value");
    }
    std::string name = clause.substr(0, at);
    auto row = std::find_if(std::begin(kSignals), std::end(kSignals), [&](auto& one) { return one.name == name; });
    if (row == std::end(kSignals)) return wrong(flag, "unknown eviction signal '" + name + "'");
    bool twice = std::any_of(out.begin(), out.end(), [&](const Clause& one) { return one.signal == row->signal; });
    if (twice) return wrong(flag, "'" + name + "' stands there twice");
    out.push_back({row->signal, clause.substr(at + 1)});
  }
  return out;
}

Result<ThresholdAmount> parse_amount(std::string_view flag, const std::string& text) {
  ThresholdAmount out;
  if (text.ends_with("%")) {
    char* end = nullptr;
    double percent = std::strtod(text.c_str(), &end);
    bool whole = end == text.c_str() + text.size() - 1 && end != text.c_str();
    if (!whole || !(percent >= 0 && percent <= 100)) return wrong(flag, "'" + text + "' is no percentage");
    out.percent = percent;
    return out;
  }
  std::optional<Quantity> quantity = Quantity::parse(text);
  if (!quantity || quantity->is_negative()) return wrong(flag, "'" + text + "' is no quantity");
  out.units = quantity->units();
  return out;
}

Result<Duration> parse_span(std::string_view flag, const std::string& text) {
  std::optional<Duration> span = parse_duration(text);
  if (!span || *span < Duration{0}) return wrong(flag, "'" + text + "' is no span of time");
  return *span;
}

// As in the kubelet, 0% and 100% switch the threshold off.
bool is_off(const ThresholdAmount& amount) {
  return amount.percent && (*amount.percent <= 0 || *amount.percent >= 100);
}

Status add_thresholds(EvictionPolicy& policy, std::string_view flag, const std::string& text, bool hard) {
  ASSIGN_OR_RETURN(std::vector<Clause> clauses, parse_clauses(flag, text, '<'));
  for (const Clause& clause : clauses) {
    EvictionThreshold threshold;
    threshold.signal = clause.signal;
    threshold.hard = hard;
    ASSIGN_OR_RETURN(threshold.below, parse_amount(flag, clause.value));
    if (!is_off(threshold.below)) policy.thresholds.push_back(threshold);
  }
  return {};
}

Status set_soft_grace(EvictionPolicy& policy, const EvictionFlags& flags) {
  constexpr std::string_view kFlag = "--eviction-soft-grace-period";
  ASSIGN_OR_RETURN(std::vector<Clause> clauses, parse_clauses(kFlag, flags.soft_grace_period, '='));
  for (EvictionThreshold& threshold : policy.thresholds) {
    if (threshold.hard) continue;
    auto found = std::find_if(clauses.begin(), clauses.end(),
                              [&](const Clause& clause) { return clause.signal == threshold.signal; });
    if (found == clauses.end()) {
      return wrong(kFlag, "the soft threshold of " + std::string(signal_name(threshold.signal)) +
                              " needs a grace period");
    }
    ASSIGN_OR_RETURN(threshold.grace, parse_span(kFlag, found->value));
  }
  return {};
}

Status set_minimum_reclaim(EvictionPolicy& policy, const EvictionFlags& flags) {
  constexpr std::string_view kFlag = "--eviction-minimum-reclaim";
  ASSIGN_OR_RETURN(std::vector<Clause> clauses, parse_clauses(kFlag, flags.minimum_reclaim, '='));
  for (const Clause& clause : clauses) {
    ASSIGN_OR_RETURN(ThresholdAmount amount, parse_amount(kFlag, clause.value));
    for (EvictionThreshold& threshold : policy.thresholds) {
      if (threshold.signal == clause.signal) threshold.minimum_reclaim = amount;
    }
  }
  return {};
}

}  // namespace

std::string_view signal_name(EvictionSignal signal) { return row_of(signal).name; }
ScarceResource scarce_resource(EvictionSignal signal) { return row_of(signal).resource; }

std::string_view resource_name(ScarceResource resource) {
  switch (resource) {
    case ScarceResource::kMemory: return "memory";
    case ScarceResource::kDisk: return "ephemeral-storage";
    case ScarceResource::kInodes: return "inodes";
    case ScarceResource::kPids: return "pids";
  }
  return "";
}

int64_t ThresholdAmount::of(int64_t capacity) const {
  return percent ? static_cast<int64_t>(static_cast<double>(capacity) * *percent / 100) : units;
}

Result<EvictionPolicy> parse_eviction_flags(const EvictionFlags& flags) {
  EvictionPolicy out;
  RETURN_IF_ERROR(add_thresholds(out, "--eviction-hard", flags.hard, true));
  RETURN_IF_ERROR(add_thresholds(out, "--eviction-soft", flags.soft, false));
  RETURN_IF_ERROR(set_soft_grace(out, flags));
  RETURN_IF_ERROR(set_minimum_reclaim(out, flags));
  ASSIGN_OR_RETURN(out.transition, parse_span("--eviction-pressure-transition-period", flags.transition_period));
  if (flags.max_pod_grace_seconds < 0) return wrong("--eviction-max-pod-grace-period", "must not be negative");
  out.max_pod_grace = std::chrono::seconds{flags.max_pod_grace_seconds};
  return out;
}

int64_t kept_back(const EvictionPolicy& policy, EvictionSignal signal, int64_t capacity) {
  for (const EvictionThreshold& threshold : policy.thresholds) {
    if (threshold.hard && threshold.signal == signal) return threshold.below.of(capacity);
  }
  return 0;
}

}  // namespace mainstay
