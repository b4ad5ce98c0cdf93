// Starting: with 100,000 objects after a kill, with none; and the memory that a started core holds.
#include "tests/bench/start_bench.h"

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "schema/base/clock.h"
#include "schema/decode.h"
#include "schema/json.h"
#include "schema/yaml.h"
#include "tests/bench/benchmark.h"
#include "tests/bench/daemon.h"
#include "tests/bench/fleet.h"
#include "tests/bench/limits.h"
#include "tests/bench/repository.h"
#include "tests/support/processes.h"

namespace mainstay::bench {
namespace {

constexpr Duration kPatience = 20min;
constexpr size_t kPodsPerNode = 100, kPodsPerDeployment = 1'000, kWritesPerTurn = 1'000;
constexpr int kKilled = 128 + SIGKILL;

[[noreturn]] void die_at_once() {
  std::fflush(nullptr);
  kill(getpid(), SIGKILL);
  _exit(1);
}

Result<Message> creation(const std::string& manifest) {
  Diagnostics diagnostics;
  std::vector<Document> documents = parse_yaml(manifest, diagnostics);
  if (documents.size() != 1) return failed("not one document");
  std::optional<Object> object = decode_object(documents[0].root, {}, diagnostics);
  if (!object || diagnostics.has_errors()) return failed("a manifest of the benchmark is wrong");
  ApiWrite write;
  write.verb = ApiWrite::Verb::kCreate;
  object->meta.ns = "default";
  write.key = object->key();
  write.actor = "user:bench";
  write.object = std::make_shared<const Object>(std::move(*object));
  return Message(std::move(write));
}

Status create_all(Daemon& daemon, const Files& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    ASSIGN_OR_RETURN(Message message, creation(files[i].second));
    daemon.send(std::move(message));
    if (i % kWritesPerTurn == kWritesPerTurn - 1) daemon.turn();
  }
  return daemon.quiet(kPatience);
}

Status fill(const std::string& dir, size_t pods, size_t config_maps) {
  ASSIGN_OR_RETURN(std::unique_ptr<Daemon> daemon, Daemon::open(dir));
  Fleet fleet((pods + kPodsPerNode - 1) / kPodsPerNode);
  daemon->send(fleet.introduce());
  RETURN_IF_ERROR(daemon->quiet(kPatience));
  Files files;
  for (size_t i = 0; i < config_maps; ++i) files.push_back(changed_config_map(i * 4, 0));
  for (size_t left = pods, i = 0; left > 0; ++i) {
    size_t replicas = std::min(left, kPodsPerDeployment);
    files.emplace_back("", deployment_manifest("service-" + std::to_string(i), replicas));
    left -= replicas;
  }
  RETURN_IF_ERROR(create_all(*daemon, files));
  daemon->send(fleet.follow(daemon->durable()));
  RETURN_IF_ERROR(daemon->quiet(kPatience));
  const Snapshot& view = daemon->durable().view;
  if (view.count(Kind::kPod) != pods || view.count(Kind::kConfigMap) < config_maps) {
    return failed("the store holds " + std::to_string(view.count(Kind::kPod)) + " pods and " +
                  std::to_string(view.count(Kind::kConfigMap)) + " config maps");
  }
  die_at_once();
}

int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

size_t all_objects(const Snapshot& view) {
  size_t count = 0;
  for (size_t kind = 0; kind < kKindCount; ++kind) count += view.count(static_cast<Kind>(kind));
  return count;
}

Status start(const std::string& dir) {
  ASSIGN_OR_RETURN(std::unique_ptr<Daemon> daemon, Daemon::open(dir));
  MonoTime begin = read_clock().mono;
  RETURN_IF_ERROR(daemon->quiet(kPatience));
  Duration settled = read_clock().mono - begin;
  malloc_trim(0);
  Value out;
  out.set("open_ms", milliseconds(daemon->start().open));
  out.set("load_ms", milliseconds(daemon->start().load));
  out.set("core_ms", milliseconds(daemon->start().core));
  out.set("ready_ms", milliseconds(daemon->start().total()));
  out.set("quiet_after_ms", milliseconds(settled));
  out.set("objects", static_cast<int64_t>(all_objects(daemon->durable().view)));
  out.set("pods", static_cast<int64_t>(daemon->durable().view.count(Kind::kPod)));
  out.set("events", static_cast<int64_t>(daemon->durable().view.count(Kind::kEvent)));
  out.set("resident_mb", static_cast<double>(resident_bytes()) / 1e6);
  std::printf("%s\n", to_json(out).c_str());
  die_at_once();
}

Status fill_in_child(const Setting& setting, const std::string& dir, size_t pods, size_t config_maps) {
  test::RunResult child = test::run({setting.program, "--child", "fill", dir, std::to_string(pods),
                                     std::to_string(config_maps)});
  if (child.code != kKilled) return failed("filling the store: " + child.output);
  return {};
}

Result<Value> start_in_child(const Setting& setting, const std::string& dir) {
  test::RunResult child = test::run({setting.program, "--child", "start", dir});
  size_t json = child.output.find('{');
  if (child.code != kKilled || json == std::string::npos) return failed("starting: " + child.output);
  std::string_view line = std::string_view(child.output).substr(json);
  return read_json(line.substr(0, line.find('\n')));
}

double number(const Value& value, std::string_view name) {
  const Value* found = value.find(name);
  return found != nullptr && found->is_number() ? found->as_double() : 0;
}

}  // namespace

int run_child(const std::vector<std::string>& words) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // an interrupted benchmark leaves no child behind
  Status done = error(ErrorCode::kInvalid, "unknown child");
  if (words.size() == 4 && words[0] == "fill") done = fill(words[1], std::stoul(words[2]), std::stoul(words[3]));
  if (words.size() == 2 && words[0] == "start") done = start(words[1]);
  std::fprintf(stderr, "%s\n", done.ok() ? "ended" : done.error().message.c_str());
  return 1;
}

Result<Finding> bench_restart(const Setting& setting) {
  test::TempDir dir;
  // Events are bounded at 20,000: 100,000 objects together.
  const size_t pods = setting.sized(16'000), config_maps = setting.sized(64'000);
  std::string data = dir / "data";
  RETURN_IF_ERROR(fill_in_child(setting, data, pods, config_maps));
  ASSIGN_OR_RETURN(std::vector<std::string> bodies, stored_bodies(data + "/" + std::string(kDatabaseFile)));
  ASSIGN_OR_RETURN([[maybe_unused]] Duration inserted, insert_rows(dir / "limit.db", bodies));
  std::vector<double> ready, quiet, limits;
  Value last;
  for (int i = 0; i < setting.repetitions(3); ++i) {
    ASSIGN_OR_RETURN(last, start_in_child(setting, data));
    ASSIGN_OR_RETURN(Duration limit, scan_and_parse(dir / "limit.db"));
    ready.push_back(number(last, "ready_ms"));
    quiet.push_back(number(last, "quiet_after_ms"));
    limits.push_back(milliseconds(limit));
  }
  Finding out;
  out.values.set("objects", number(last, "objects"));
  out.values.set("ready_ms", median(ready));
  out.values.set("quiet_after_ms", median(quiet));
  out.values.set("last_start", last);
  out.limits.set("scan_and_simdjson_ms", median(limits));
  out.limits.set("bodies", static_cast<int64_t>(bodies.size()));
  out.expected.set("ready_ms", 2000);
  out.gates.push_back({"times table scan and simdjson", median(ready) / median(limits), 4, true});
  return out;
}

Result<Finding> bench_memory(const Setting& setting) {
  std::vector<double> resident, pods, events;
  for (size_t size : {size_t{0}, setting.sized(10'000), setting.sized(30'000)}) {
    test::TempDir dir;
    RETURN_IF_ERROR(fill_in_child(setting, dir / "data", size, 0));
    ASSIGN_OR_RETURN(Value found, start_in_child(setting, dir / "data"));
    resident.push_back(number(found, "resident_mb"));
    pods.push_back(number(found, "pods"));
    events.push_back(number(found, "events"));
  }
  Finding out;
  out.values.set("idle_mb", resident[0]);
  out.values.set("pods", pods[1]);
  out.values.set("with_pods_mb", resident[1]);
  out.values.set("events_per_further_pod", (events[2] - events[1]) / (pods[2] - pods[1]));
  out.values.set("per_further_pod_kb", (resident[2] - resident[1]) * 1e3 / (pods[2] - pods[1]));
  out.expected.set("idle_mb", 40);
  out.expected.set("with_10000_pods_mb", 160);
  out.expected.set("per_further_pod_kb", 10);
  return out;
}

Result<Finding> bench_empty_start(const Setting& setting) {
  std::vector<double> process, ready;
  for (int i = 0; i < setting.repetitions(7); ++i) {
    test::TempDir dir;
    MonoTime begin = read_clock().mono;
    ASSIGN_OR_RETURN(Value found, start_in_child(setting, dir / "data"));
    process.push_back(milliseconds(read_clock().mono - begin));
    ready.push_back(number(found, "ready_ms"));
  }
  Finding out;
  out.values.set("ready_ms", median(ready));
  out.values.set("process_to_first_objects_durable_ms", median(process));
  out.expected.set("ready_ms", 300);
  return out;
}

}  // namespace mainstay::bench
