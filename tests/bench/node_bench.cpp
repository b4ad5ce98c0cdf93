// Real containers on this machine: what a pod and a push cost beside the bare runtime, what the agent holds. node.sh
// runs `mainstay server` and `mainstay agent` as people do, and measures; it takes everything away again.
#include <cstdlib>
#include <filesystem>

#include "schema/json.h"
#include "tests/bench/benchmark.h"
#include "tests/support/processes.h"

namespace mainstay::bench {
namespace {

double number_at(const Value& value, std::string_view name) {
  const Value* found = value.find(name);
  return found != nullptr && found->is_number() ? found->as_double() : 0;
}

}  // namespace

Result<Finding> bench_node(const Setting& setting) {
  std::error_code unknown;
  std::string program = (std::filesystem::canonical(setting.program, unknown).parent_path() / "mainstay").string();
  setenv("MAINSTAY_BINARY", program.c_str(), 1);
  setenv("QUICK", setting.quick ? "1" : "0", 1);
  test::RunResult done = test::run({"bash", MAINSTAY_SOURCE_DIR "/tests/bench/node.sh"});
  size_t json = done.output.rfind("{\"agent_idle_kb\"");
  if (done.code != 0 || json == std::string::npos) return failed("node.sh: " + done.output);
  std::string_view line = std::string_view(done.output).substr(json);
  ASSIGN_OR_RETURN(Value found, read_json(line.substr(0, line.find('\n'))));
  const double pod = number_at(found, "pod_us") / 1e3, bare = number_at(found, "bare_us") / 1e3;
  const double ten = number_at(found, "ten_us") / 1e3, fetch = number_at(found, "fetch_us") / 1e3;
  const double many = number_at(found, "many_us") / 1e3, bare_many = number_at(found, "bare_many_us") / 1e3;
  const double held = number_at(found, "agent_kb") / 1e3;
  Finding out;
  out.values.set("pods_at_once_ms", many);
  out.values.set("services", number_at(found, "services"));
  out.limits.set("pods_at_once_bare_on_two_cores_ms", bare_many);
  out.values.set("agent_idle_mb", number_at(found, "agent_idle_kb") / 1e3);
  out.values.set("agent_with_pods_mb", held);
  out.values.set("pods", number_at(found, "pods"));
  out.values.set("server_mb", number_at(found, "server_kb") / 1e3);
  out.values.set("pod_bound_to_running_ms", pod);
  out.values.set("push_to_ten_running_ms", ten);
  out.limits.set("runc_create_start_and_network_namespace_ms", bare);
  out.limits.set("git_fetch_and_diff_ms", fetch);
  out.limits.set("sum_of_the_parts_of_ten_ms", fetch + 10 * bare);
  out.expected.set("agent_idle_mb", 25);
  out.expected.set("agent_with_100_pods_mb", 60);
  out.expected.set("pod_bound_to_running_ms", 100);
  out.expected.set("push_to_ten_running_ms", 1000);
  out.gates.push_back({"one pod, times the bare runtime and network namespace", pod / bare, 5, true});
  out.gates.push_back({"push to ten running, times the sum of the parts", ten / (fetch + 10 * bare), 4, true});
  out.gates.push_back({"100 pods, bound to running, times the bare runtime on both cores", many / bare_many, 2.5, true});
  out.gates.push_back({"agent memory with 100 pods and 1,000 Services, of 60 MB", held / 60, 1, true});
  return out;
}

}  // namespace mainstay::bench
