// Whose turn it is among operations that wait.
#include <catch2/catch.hpp>

#include "nodeagent/operation_lanes.h"

namespace mainstay {
namespace {

Operation of_pod(uint64_t id, const std::string& uid) { return {id, uid, ReleasePod{uid}}; }
Operation image(uint64_t id, const std::string& ref, PullPolicy policy = PullPolicy::kIfNotPresent) {
  return {id, "any", EnsureImage{ref, policy, {}}};
}

uint64_t taken(OperationLanes& lanes) {
  auto turn = lanes.take();
  return turn ? turn->operation.id : 0;
}

TEST_CASE("operations of one pod follow each other, those of others go on beside them") {
  OperationLanes lanes(3, 2);
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
  OperationLanes lanes(3, 2);
  lanes.push(of_pod(1, "a"));
  lanes.push(of_pod(2, "z"));
  CHECK(taken(lanes) == 1);
  // The first pod always has something new to do; the last one is not left behind for that.
  lanes.done("pod:a");
  lanes.push(of_pod(3, "a"));
  CHECK(taken(lanes) == 2);
  CHECK(taken(lanes) == 3);
}

TEST_CASE("so many images are pulled at once, and of one registry, and no more") {
  OperationLanes lanes(3, 2);
  for (uint64_t id : {1, 2, 3}) lanes.push_pull(image(id, "slow.example/a:" + std::to_string(id)));
  for (uint64_t id : {4, 5}) lanes.push_pull(image(id, "b:" + std::to_string(id)));
  CHECK(taken(lanes) == 1);
  CHECK(taken(lanes) == 2);
  CHECK(taken(lanes) == 4);
  CHECK(taken(lanes) == 0);
  lanes.done("pull:docker.io");
  CHECK(taken(lanes) == 5);
  lanes.done("pull:slow.example");
  CHECK(taken(lanes) == 3);
  CHECK(taken(lanes) == 0);
}

TEST_CASE("an image is looked for while others are pulled") {
  OperationLanes lanes(2, 2);
  for (uint64_t id : {1, 2, 3}) lanes.push(image(id, "a", PullPolicy::kAlways));  // has to ask its registry
  lanes.push(image(4, "a"));
  CHECK(taken(lanes) == 1);
  CHECK(taken(lanes) == 2);
  auto turn = lanes.take();
  REQUIRE(turn);
  CHECK(turn->operation.id == 4);
  CHECK_FALSE(turn->pulls);
  CHECK_FALSE(lanes.take());
  // It is not here: from now on it waits as the others do.
  lanes.done(turn->lane);
  lanes.push_pull(std::move(turn->operation));
  CHECK_FALSE(lanes.take());
  lanes.done("pull:docker.io");
  CHECK(taken(lanes) == 3);
}

}  // namespace
}  // namespace mainstay
