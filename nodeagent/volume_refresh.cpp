#include "nodeagent/volume_refresh.h"

#include <utility>

#include "nodeagent/volume_plan.h"

namespace mainstay {
namespace {

// After an update that failed: a source is missing, or the control plane does not answer.
constexpr Duration kRetry = std::chrono::seconds{20};

void trouble(PodRecord& record, const Error& error, PodStepContext& context) {
  record.refresh.due = context.now.mono + kRetry;
  if (record.refresh.trouble == error.message) return;
  record.refresh.trouble = error.message;
  AgentEvent event;
  event.ns = record.ns;
  event.name = record.name;
  event.uid = record.uid;
  event.warning = true;
  event.reason = "FailedMount";
  event.message = error.message;
  context.note(std::move(event));
}

}  // namespace

void note_planned_volumes(PodRecord& record, const std::vector<VolumeSpec>& volumes) {
  record.refresh.planned = content_digest(live_volumes(volumes));
}

void take_prepared_volumes(PodRecord& record, std::optional<Duration> renew_after, PodStepContext& context) {
  VolumeRefresh& refresh = record.refresh;
  refresh.content = refresh.planned;
  refresh.trouble.clear();
  refresh.due.reset();
  if (renew_after) refresh.due = context.now.mono + *renew_after;
}

void step_volumes(PodRecord& record, PodStepContext& context) {
  VolumeRefresh& refresh = record.refresh;
  if (refresh.operation != 0 || record.operation != 0 || !record.pod) return;
  bool due = refresh.due && context.now.mono >= *refresh.due;
  if (!due && refresh.checked == context.assignment) {
    if (refresh.due) context.wake_at(*refresh.due);
    return;
  }
  refresh.checked = context.assignment;
  Result<std::vector<VolumeSpec>> planned = plan_volumes(*record.pod, context.config, context.node);
  if (!planned.ok()) {
    // Something a running pod was given is gone: it keeps what it has.
    trouble(record, planned.error(), context);
    context.wake_at(*refresh.due);
    return;
  }
  std::vector<VolumeSpec> live = live_volumes(std::move(*planned));
  refresh.planned = content_digest(live);
  if (live.empty() || (!due && refresh.planned == refresh.content)) {
    if (live.empty()) refresh.due.reset();
    if (refresh.due) context.wake_at(*refresh.due);
    return;
  }
  refresh.operation = context.submit(UpdateVolumes{std::move(live), record.pod}, record.uid);
}

bool take_volumes_result(PodRecord& record, const OperationResult& result, PodStepContext& context) {
  if (result.id == 0 || record.refresh.operation != result.id) return false;
  record.refresh.operation = 0;
  if (const Error* failure = std::get_if<Error>(&result.outcome)) {
    trouble(record, *failure, context);
    context.wake_at(*record.refresh.due);
  } else if (const auto* updated = std::get_if<VolumesUpdated>(&result.outcome)) {
    take_prepared_volumes(record, updated->renew_after, context);
  }
  return true;
}

}  // namespace mainstay
