// Whose turn it is among operations that wait.
#include <catch2/catch.hpp>

#include "nodeagent/operation_lanes.h"

namespace mainstay {
namespace {

Operation of_pod(uint64_t id, const std::string& uid) { return {id, uid, ReleasePod{uid}}; }
Operation pull(uint64_t id) { return {id, "any", EnsureImage{}}; }

uint64_t taken(OperationLanes& lanes) {
  auto work = lanes.take();
  return work ? work->second.id : 0;
}

TEST_CASE("operations of one pod follow each other, those of others go on beside them") {
  OperationLanes lanes(2);
  lanes.push(of_pod(1, "a"));
  lanes.push(of_pod(2, "a"));
  lanes.push(of_pod(3, "b"));
  CHECK(taken(lanes) == 1);
  CHECK(taken(lanes) == 3);
  CHECK(taken(lanes) == 0);
  lanes.done("pod:a");
  CHECK(taken(lanes) == 2);
  lanes.done("pod:a");
  lanes.done("pod:b");
  CHECK(taken(lanes) == 0);
}

TEST_CASE("who has waited longest comes first, whatever the pods are called") {
  OperationLanes lanes(2);
  lanes.push(of_pod(1, "a"));
  lanes.push(of_pod(2, "z"));
  CHECK(taken(lanes) == 1);
  // The first pod always has something new to do; the last one is not left behind for that.
  lanes.done("pod:a");
  lanes.push(of_pod(3, "a"));
  CHECK(taken(lanes) == 2);
  CHECK(taken(lanes) == 3);
}

TEST_CASE("so many images are pulled at once and no more") {
  OperationLanes lanes(2);
  for (uint64_t id : {1, 2, 3}) lanes.push(pull(id));
  CHECK(taken(lanes) == 1);
  CHECK(taken(lanes) == 2);
  CHECK(taken(lanes) == 0);
  lanes.done("image");
  CHECK(taken(lanes) == 3);
}

}  // namespace
}  // namespace mainstay
