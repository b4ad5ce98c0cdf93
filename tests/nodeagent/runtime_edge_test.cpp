// The runtime door with real containers: what runs, what it says, how it ends, what survives us, what is left.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "nodeagent/disk.h"
#include "nodeagent/log_file.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/monitor.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;
using State = ProcessStatus::State;

TEST_CASE("a container runs, logs, and tells its exit code", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "echo hello; echo oops >&2; hostname; echo $BOTH; exit 3");
  spec.env = {"BOTH=pod"};
  auto begin = read_clock().mono;
  auto started = node.runtime().start(spec);
  REQUIRE_OK(started);
  WARN("start took " << (read_clock().mono - begin).count() / 1000.0 << " ms on " << node.runtime().version());
  for (auto& note : node.runtime_notes()) WARN("refused: " << note);

  ProcessStatus ended = wait_until_exited(node.runtime(), spec.key);
  CHECK(ended.exit_code == 3);
  CHECK_FALSE(ended.oom_killed);
  CHECK_FALSE(ended.exit_unknown);
  CHECK(ended.finished_at >= ended.started_at);
  CHECK(log_text(node.runtime(), spec.key) == "hello\noops\nweb-host\npod\n");

  auto status = node.runtime().status(spec.key);
  REQUIRE_OK(status);
  CHECK(status->number == 7);
  CHECK(status->note == "hash");
  CHECK(status->image_name == "localhost/test/busybox:v1");
}
