#include "tests/nodeagent/crash_node.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <thread>

#include "nodeagent/agent.h"
#include "nodeagent/disk.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/network/cni_network.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/oci_runtime.h"
#include "nodeagent/volumes/host_volumes.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "tests/nodeagent/crash_doors.h"
#include "tests/nodeagent/crash_story.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"
#include "tests/nodeagent/quiet_link.h"

namespace mainstay::test {
namespace {

constexpr Duration kLongestLife = std::chrono::seconds{120};

// Shared with the agents' processes.
struct Memory {
  StoryRecord story;
  CrashPoint point;
};

struct CrashNode {
  std::string dir, shared, archive, uid;
  NodePaths paths;
  MasqueradeRules rules;
};

CrashNode node_in(const std::string& dir, int slot, const std::string& archive) {
  CrashNode out;
  out.dir = dir;
  out.shared = dir + "/shared";
  out.archive = archive;
  out.uid = "uid-crash-" + std::to_string(getpid()) + "-" + std::to_string(slot);
  out.paths.data_dir = dir + "/data";
  out.paths.run_dir = dir + "/run";
  out.paths.cgroup = "mainstay-crash-" + std::to_string(getpid()) + "-" + std::to_string(slot);
  out.rules.table = "mainstay_crash_" + std::to_string(getpid()) + "_" + std::to_string(slot);
  out.rules.node_cidr = "203.0.113." + std::to_string(slot * 16) + "/28";
  out.rules.cluster_cidr = "203.0.113.0/24";
  return out;
}

CniNetworkOptions network_options(const CrashNode& node) {
  CniNetworkOptions out;
  out.paths = node.paths;
  out.rules = node.rules;
  return out;
}

// The control plane, in the agent's own process but with its memory outside.
class StoryLink : public QuietLink {
 public:
  explicit StoryLink(Story& story) : story_(story) {}
  Result<AgentPollAnswer> poll(const AgentHas& has, Duration wait) override {
    MonoTime deadline = read_clock().mono + wait;
    AgentPollAnswer answer;
    while (!interrupted_.load() && read_clock().mono < deadline && has.assignment.number >= story_.number()) {
      sleep_ms(3);
    }
    if (has.assignment.number >= story_.number()) return answer;
    answer.has_assignment = true;
    answer.assignment = story_.assignment(read_clock().wall);
    return answer;
  }
  Status report(const NodeReport& report) override {
    story_.take(report);
    return {};
  }
  Result<IssuedToken> issue_token(const TokenOrder&) override { return IssuedToken{"token", std::chrono::hours{1}}; }
  void interrupt() override { interrupted_.store(true); }

 private:
  Story& story_;
  std::atomic<bool> interrupted_{false};
};

struct RealWorld : StoryWorld {
  explicit RealWorld(const CrashNode& n) : node(n) {}
  const CrashNode& node;
  void end_first_attempt() override { (void)write_file(node.shared + "/end", "", 0644); }
  std::string configuration() override {
    auto text = read_file(node.paths.volumes(node.uid) + "/config/key");
    return text.ok() ? *text : "";
  }
};

[[noreturn]] void give_up(const std::string& why) {
  dprintf(2, "the agent gives up: %s\n", why.c_str());
  _exit(3);
}

// With a full disk a step may have to be taken again.
template <typename Call>
void insist(const char* what, Call call) {
  for (int tries = 0;; ++tries) {
    auto done = call();
    if (done.ok()) return;
    if (tries == 200) give_up(std::string(what) + ": " + done.error().message);
    sleep_ms(20);
  }
}

// The life of one agent: opens everything, follows the story to its end, takes the image away.
[[noreturn]] void be_agent(const CrashNode& node, StoryRecord& record, CrashPoint* point, bool system_calls) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int out = open((node.dir + "/agent.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  for (int fd : {1, 2}) dup2(out, fd);
  CrashPoint never;
  CrashPoint& of_doors = point != nullptr && !system_calls ? *point : never;
  // What is below run/ is in memory on a real node: a disk that is full does not concern it.
  if (point != nullptr && system_calls) watch_system_calls(point, node.paths.data_dir);

  OpenedRuntime opened;
  std::unique_ptr<Images> image_store;
  std::unique_ptr<Volumes> host_volumes;
  std::unique_ptr<Network> cni;
  OciRuntimeOptions runtime_options;
  runtime_options.paths = node.paths;
  ImageStoreOptions image_options;
  image_options.paths = node.paths;
  auto keep = [](auto& to, auto made) {
    if (made.ok()) to = std::move(*made);
    return made.ok() ? Status{} : Status(made.error());
  };
  log::info("story", "begins");
  insist("runtime", [&] { return keep(opened, open_oci_runtime(runtime_options)); });
  insist("images", [&] { return keep(image_store, open_image_store(image_options)); });
  insist("volumes", [&] { return keep(host_volumes, open_host_volumes(node.paths)); });
  insist("network", [&] { return keep(cni, open_cni_network(network_options(node))); });
  CrashImages images(*image_store, of_doors);
  CrashNetwork network(*cni, of_doors);
  CrashVolumes volumes(*host_volumes, of_doors);
  CrashRuntime runtime(*opened.runtime, of_doors);

  Story story(record, node.uid, node.shared);
  RealWorld world(node);
  if (story.phase() < StoryPhase::kOver) insist("import", [&] { return images.import_archive(node.archive, ""); });
  AgentSettings settings;
  settings.machine.name = "n1";
  settings.machine.address = "127.0.0.1";
  settings.machine.data_dir = node.paths.data_dir;
  settings.paths = node.paths;
  settings.heartbeat = std::chrono::milliseconds{200};
  Agent agent(std::move(settings), std::make_unique<StoryLink>(story), Doors{images, network, volumes, runtime});
  log::info("story", "opened");
  insist("start", [&] { return agent.start(); });
  insist("rules", [&] { return network.repair_rules(); });
  while (story.phase() != StoryPhase::kOver && story.trouble().empty()) {
    StoryPhase before = story.phase();
    story.advance(world);
    if (story.phase() != before) log::info("story", "phase " + std::to_string(static_cast<int>(story.phase())));
    sleep_ms(2);
  }
  insist("remove", [&] { return images.remove(Story::image()); });
  insist("collect", [&] { return images.collect({}); });
  insist("rules", [&] { return network.remove_rules(); });
  log::info("story", "over");
  _exit(0);
}

// The exit status of waitpid, or nothing if the process had to be killed for taking too long. `end` says when to
// kill it on purpose.
template <typename End>
std::optional<int> wait_for(pid_t pid, End end) {
  MonoTime deadline = read_clock().mono + kLongestLife;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (end()) {
      ::kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return status;
    }
    if (read_clock().mono >= deadline) {
      ::kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return std::nullopt;
    }
    sleep_ms(1);
  }
  return status;
}

std::string text_of(const std::string& path) {
  auto text = read_file(path, 16 << 20);
  return text.ok() ? *text : "";
}

std::string filled(std::string text, const std::string& word, const std::string& with) {
  for (size_t at; (at = text.find(word)) != std::string::npos;) text.replace(at, word.size(), with);
  return text;
}

size_t count_lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_empty(const std::string& dir, std::vector<std::string>& faults) {
  auto names = list_dir(dir);
  if (!names.ok()) return faults.push_back(names.error().message);
  for (const std::string& name : *names) faults.push_back("left: " + dir + "/" + name);
}

// Processes that speak of the node's directory: monitors, runtimes, containers' first ones.
void check_processes(const CrashNode& node, std::vector<std::string>& faults) {
  auto pids = list_dir("/proc");
  if (!pids.ok()) return;
  for (const std::string& pid : *pids) {
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(getpid())) continue;
    std::string words = text_of("/proc/" + pid + "/cmdline");
    std::string groups = text_of("/proc/" + pid + "/cgroup");
    bool ours = words.find(node.dir + "/") != std::string::npos || groups.find(node.paths.cgroup) != std::string::npos;
    if (!ours || text_of("/proc/" + pid + "/stat").find(") Z ") != std::string::npos) continue;
    std::replace(words.begin(), words.end(), '\0', ' ');
    faults.push_back("left: process " + pid + " " + words.substr(0, 300));
  }
}

// What the containers have noted. Where a container's own record was damaged it may have been ended without a word
// and run again, but never beside itself.
void check_notes(const CrashNode& node, bool damaged, std::vector<std::string>& faults) {
  std::string init = text_of(node.shared + "/init"), main = text_of(node.shared + "/main");
  size_t starts = count_lines(filled(main, "end\n", ""));
  bool fine = damaged ? main.ends_with("start\nend\n") && starts <= 3 : main == "start\nend\nstart\nend\n";
  if (!fine) faults.push_back("main wrote " + main);
  if (init != "init\n" && !(damaged && init == "init\ninit\n")) faults.push_back("init wrote " + init);
  if (count_lines(text_of(node.shared + "/post")) < 2) faults.push_back("a postStart hook did not run");
  if (count_lines(text_of(node.shared + "/pre")) < 1) faults.push_back("the preStop hook did not run");
}

void check_end(const CrashNode& node, std::vector<std::string>& faults) {
  for (const std::string& line : leftovers(node.paths, node.uid)) faults.push_back("left: " + line);
  const NodePaths& paths = node.paths;
  for (const std::string& dir :
       {paths.layers(), paths.images() + "/names", paths.images() + "/blobs/sha256", paths.images() + "/tmp",
        paths.pods(), paths.bundles(), paths.exits(), paths.runtime_root(), paths.namespaces(), paths.netns_dir(),
        paths.network_records()}) {
    check_empty(dir, faults);
  }
  for (const std::string& point : mounts_below(node.dir)) faults.push_back("left: mount " + point);
  for (const std::string& dir : cgroup_dirs("/" + paths.cgroup)) {
    auto names = list_dir(dir);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      if (name.starts_with("uid-") || name.starts_with("trial-")) faults.push_back("left: cgroup " + dir + "/" + name);
    }
  }
  for (const char* table : {"", "_ports"}) {
    if (run_nft("list table ip " + node.rules.table + table).ok()) faults.push_back("left: a table of packet rules");
  }
  check_processes(node, faults);
}

// Every file of ours that agents find their way by. (What others wrote lies with the bundles.)
void find_kept(const std::string& dir, std::vector<std::string>& out) {
  auto names = list_dir(dir);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    std::string path = dir + "/" + name;
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) continue;
    bool passed_over = name == "volumes" || name == "upper" || name == "blobs" || name == "bundles" || name == "oci" ||
                       name == "ns" || name == "netns" || (dir.ends_with("/layers") && S_ISDIR(info.st_mode));
    if (S_ISDIR(info.st_mode) && !passed_over) find_kept(path, out);
    bool kept = name.ends_with(".json") || name.ends_with(".diffid") || name == "exit";
    if (S_ISREG(info.st_mode) && kept) out.push_back(path);
  }
}

// Damages the plan's file; how many there are to choose from.
int64_t damage_file(const CrashNode& node, const CrashPlan& plan, CrashPoint& point) {
  std::vector<std::string> kept;
  find_kept(node.paths.data_dir, kept);
  find_kept(node.paths.run_dir, kept);
  auto count = static_cast<int64_t>(kept.size());
  if (plan.damage > count) return count;
  const std::string& path = kept[static_cast<size_t>(plan.damage - 1)];
  snprintf(point.where, sizeof point.where, "damaged %s", path.substr(node.dir.size()).c_str());
  struct stat info;
  bool cut = stat(path.c_str(), &info) == 0 && truncate(path.c_str(), plan.emptied ? 0 : info.st_size / 2) == 0;
  return cut ? count : -1;
}

// Whatever a failed run left, so that the next one begins with nothing.
void sweep(const CrashNode& node) {
  for (int64_t pid : cgroup_processes("/" + node.paths.cgroup)) ::kill(static_cast<pid_t>(pid), SIGKILL);
  for (const char* table : {"", "_ports"}) {
    std::string named = "table ip " + node.rules.table + table + "\n";
    (void)run_nft("add " + named + "delete " + named);
  }
  for (int tries = 0; tries < 100 && !remove_cgroup("/" + node.paths.cgroup).ok(); ++tries) sleep_ms(10);
  (void)remove_tree(node.dir);
}

}  // namespace

CrashOutcome live_and_crash(const std::string& dir, int slot, const std::string& archive, const CrashPlan& plan) {
  CrashOutcome out;
  CrashNode node = node_in(dir, slot, archive);
  bool made = make_dirs(node.shared).ok() && chmod(node.shared.c_str(), 0777) == 0;
  if (!made) return {0, {}, 0, "", {"cannot make " + node.shared}};
  void* room = mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* memory = new (room) Memory;
  memory->point.way = plan.way;
  memory->point.at = plan.at;
  memory->point.lasting = plan.lasting;
  if (plan.damage > 0) memory->story.hold.store(StoryPhase::kUpdate);
  if (plan.damage > 0) memory->story.patience.store(1);
  bool over = false;
  for (int life = 0; life < 2 && !over; ++life) {
    MonoTime begin = read_clock().mono;
    pid_t pid = fork();
    if (pid == 0) be_agent(node, memory->story, life == 0 ? &memory->point : nullptr, plan.system_calls);
    std::optional<int> status = wait_for(pid, [&] {
      bool damage = plan.damage > 0 && memory->story.phase.load() == StoryPhase::kUpdate;
      bool late = plan.after > Duration{0} && read_clock().mono - begin >= plan.after;
      return life == 0 && (damage || late);
    });
    if (life == 0) out.took = read_clock().mono - begin;
    bool crashed = status && life == 0 && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL;
    over = status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
    if (crashed && plan.damage > 0) out.files = damage_file(node, plan, memory->point);
    memory->story.hold.store(StoryPhase::kOver);
    if (!crashed && !over) {
      std::string log = text_of(dir + "/agent.log");
      out.faults.push_back("agent " + std::to_string(life) + " did not reach the end (phase " +
                           std::to_string(static_cast<int>(memory->story.phase.load())) + "): " +
                           log.substr(log.size() > 1500 ? log.size() - 1500 : 0));
      break;
    }
  }
  out.steps = memory->point.steps.load();
  out.where = memory->point.where;
  if (memory->story.trouble[0] != 0) out.faults.emplace_back(memory->story.trouble);
  if (over) check_notes(node, plan.damage > 0, out.faults);
  if (over) check_end(node, out.faults);
  sweep(node);
  munmap(room, sizeof(Memory));
  return out;
}

std::vector<std::string> crash_all(const std::string& dir, const std::string& archive,
                                   const std::vector<CrashPlan>& plans, int lanes) {
  std::vector<pid_t> workers;
  for (int lane = 0; lane < lanes; ++lane) {
    pid_t pid = fork();
    if (pid < 0) return {"cannot fork"};
    if (pid > 0) {
      workers.push_back(pid);
      continue;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::string said;  // written again and again: what was found is told also by a lane that is ended early
    for (size_t i = static_cast<size_t>(lane); i < plans.size(); i += static_cast<size_t>(lanes)) {
      CrashOutcome outcome = live_and_crash(dir + "/lane-" + std::to_string(lane), lane, archive, plans[i]);
      std::string head = "step " + std::to_string(plans[i].at) + " (" + outcome.where + ", after " +
                         std::to_string(outcome.took.count() / 1000) + " ms): ";
      for (std::string fault : outcome.faults) {
        std::replace(fault.begin(), fault.end(), '\n', '|');
        said += head + fault + "\n";
      }
      if (!write_file(dir + "/said-" + std::to_string(lane), said, 0644).ok()) _exit(1);
    }
    _exit(0);
  }
  std::vector<std::string> out;
  for (size_t lane = 0; lane < workers.size(); ++lane) {
    int status = 0;
    waitpid(workers[lane], &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) out.push_back("lane " + std::to_string(lane) + " ended early");
    std::string said = text_of(dir + "/said-" + std::to_string(lane));
    for (size_t at = 0, end; (end = said.find('\n', at)) != std::string::npos; at = end + 1) {
      out.push_back(said.substr(at, end - at));
    }
  }
  return out;
}

std::string why_no_crashes() {
  if (std::string why = why_no_containers(); !why.empty()) return why;
  if (std::string why = why_no_images(); !why.empty()) return why;
  for (const char* dir : {"/opt/cni/bin/ptp", "/usr/lib/cni/ptp"}) {
    if (path_exists(dir)) return "";
  }
  return "the CNI plugins are not installed";
}

}  // namespace mainstay::test
