#include "nodeagent/pod_note.h"

#include "nodeagent/container_state.h"

namespace mainstay {

void note(PodStepContext& context, const PodRecord& record, const std::string& container, bool warning,
          std::string reason, std::string message) {
  if (record.name.empty()) return;  // only its containers were found: nobody knows whose they are
  AgentEvent event;
  event.ns = record.ns;
  event.name = record.name;
  event.uid = record.uid;
  if (!container.empty()) {
    bool app = !record.last_pod ||
               find_container(as<Pod>(*record.last_pod).spec, container).role == ContainerRole::kApp;
    event.field_path = std::string(app ? "spec.containers{" : "spec.initContainers{") + container + "}";
  }
  event.warning = warning;
  event.reason = std::move(reason);
  event.message = std::move(message);
  context.note(std::move(event));
}

std::string pod_text(const PodRecord& record) {
  return record.name + "_" + record.ns + "(" + record.uid + ")";
}

}  // namespace mainstay
