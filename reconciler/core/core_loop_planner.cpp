#include "reconciler/core/core_loop_planner.h"

#include <limits>
#include <utility>

namespace mainstay {
namespace {

constexpr Duration kLongestSleep = std::chrono::hours{1};

}  // namespace

Planner::Planner(std::function<void(Draft)> done)
    : done_(std::move(done)), inbox_(std::numeric_limits<size_t>::max()), thread_([this] { run(); }) {}

Planner::~Planner() {
  inbox_.close();
  thread_.join();
}

void Planner::ask(DraftRequest request) { inbox_.push(std::move(request)); }

void Planner::run() {
  while (!inbox_.closed()) {
    for (DraftRequest& request : inbox_.take_all(kLongestSleep)) {
      if (inbox_.closed()) return;
      done_(make_draft(request));
    }
  }
}

}  // namespace mainstay
