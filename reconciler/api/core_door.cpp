#include "reconciler/api/core_door.h"

#include "reconciler/core/core_loop.h"

namespace mainstay::api {

CoreDoor door_to(CoreLoop& core) {
  CoreDoor door;
  door.current = [&core] { return core.current(); };
  door.write = [&core](ApiWrite write, std::function<void(Answer)> done) {
    core.request(std::move(write), std::move(done));
  };
  door.report = [&core](ReportIn report, std::function<void(Answer)> done) {
    core.request(std::move(report), std::move(done));
  };
  door.order = [&core](ApplicationOrder order, std::function<void(Answer)> done) {
    core.request(std::move(order), std::move(done));
  };
  door.trouble = [&core]() -> std::string {
    CoreLoop::Readiness readiness = core.readiness();
    if (readiness.ready) return "";
    return readiness.why.empty() ? "the store refuses writes" : readiness.why;
  };
  return door;
}

}  // namespace mainstay::api
