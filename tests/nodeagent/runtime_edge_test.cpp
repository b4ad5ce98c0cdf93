// The runtime door with real containers: what runs, what it says, how it ends, what survives us, what is
// left.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "nodeagent/disk.h"
#include "nodeagent/leftovers.h"
#include "nodeagent/log_file.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/cgroup.h"
#include "nodeagent/runtime/monitor.h"
#include "schema/base/clock.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;
using State = ProcessStatus::State;

TEST_CASE("a container runs, logs, and tells its exit code", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "echo hello; hostname; echo $BOTH; exit 3");
  spec.env = {"BOTH=pod"};
  auto begin = read_clock().mono;
  auto started = node.runtime().start(spec);
  REQUIRE_OK(started);
  WARN("start took " << (read_clock().mono - begin).count() / 1000.0 << " ms on "
                     << node.runtime().version());
  for (auto& note : node.runtime_notes()) WARN("refused: " << note);

  ProcessStatus ended = wait_until_exited(node.runtime(), spec.key);
  CHECK(ended.exit_code == 3);
  CHECK_FALSE(ended.oom_killed);
  CHECK_FALSE(ended.exit_unknown);
  CHECK(ended.finished_at >= ended.started_at);
  CHECK(log_text(node.runtime(), spec.key) == "hello\nweb-host\npod\n");

  auto status = node.runtime().status(spec.key);
  REQUIRE_OK(status);
  CHECK(status->number == 7);
  CHECK(status->note == "hash");
  CHECK(status->image_name == "localhost/test/busybox:v1");
}

TEST_CASE("a container sees what its specification says", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  std::string shared = node.dir() + "/shared";
  REQUIRE_OK(make_dirs(shared, 0777));
  REQUIRE_OK(write_file(shared + "/file", "from the node\n", 0644));
  ContainerSpec spec = node.container(
      uid,
      "id -u; id -g; id -G; cat /data/file; (touch /data/x 2>/dev/null || echo read-only); cat /etc/hosts;"
      "pwd; echo $FROM_IMAGE $HOME; (touch /no 2>/dev/null || echo root is read-only); grep -c . "
      "/proc/1/cgroup >/dev/null;"
      "grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; cat /proc/self/oom_score_adj");
  REQUIRE_OK(write_file(node.dir() + "/hosts", "127.0.0.1 localhost # ours\n", 0644));
  spec.workdir = "/tmp";
  spec.mounts = {{shared, "/data", true}, {node.dir() + "/hosts", "/etc/hosts", false}};
  spec.image.config.user = "web";
  spec.security.extra_groups = {77};
  spec.security.read_only_root = true;
  spec.security.no_new_privileges = true;
  spec.limits.oom_score_adj = 500;
  REQUIRE_OK(node.runtime().start(spec));
  CHECK(wait_until_exited(node.runtime(), spec.key).exit_code == 0);
  CHECK(log_text(node.runtime(), spec.key) ==
        "33\n34\n34 40 77\nfrom the node\nread-only\n127.0.0.1 localhost # ours\n/tmp\nyes /srv\nroot is "
        "read-only\n"
        "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n500\n");
}

TEST_CASE("an out-of-memory kill, a killed container and a signal are told apart", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec hungry = node.container(uid, "exec tail /dev/zero");
  hungry.limits.memory_bytes = 16 << 20;
  hungry.limits.cpu_quota_us = 50'000;
  hungry.limits.pids = 20;
  REQUIRE_OK(node.runtime().start(hungry));
  ProcessStatus oom = wait_until_exited(node.runtime(), hungry.key);
  CHECK(oom.exit_code == 137);
  CHECK(oom.oom_killed);

  ContainerSpec sleeper = node.container(uid, "exec sleep 1000", 1);
  auto running = node.runtime().start(sleeper);
  REQUIRE_OK(running);
  REQUIRE(running->status.state == State::kRunning);
  REQUIRE(::kill(static_cast<pid_t>(running->status.pid), SIGKILL) == 0);
  REQUIRE(node.runtime().wait_exit(10s).value());
  ProcessStatus killed = wait_until_exited(node.runtime(), sleeper.key);
  CHECK(killed.exit_code == 137);
  CHECK_FALSE(killed.oom_killed);

  ContainerSpec polite =
      node.container(uid, "trap 'echo bye; exit 4' TERM; echo up; while true; do sleep 1000 & wait; done", 2);
  REQUIRE_OK(node.runtime().start(polite));
  REQUIRE(eventually([&] { return log_text(node.runtime(), polite.key) == "up\n"; }));
  REQUIRE_OK(node.runtime().stop(polite.key));
  CHECK(wait_until_exited(node.runtime(), polite.key).exit_code == 4);
  CHECK(log_text(node.runtime(), polite.key) == "up\nbye\n");
  REQUIRE_OK(node.runtime().stop(polite.key));  // ended: nothing to do

  ContainerSpec deaf = node.container(uid, "trap '' TERM; echo up; while true; do sleep 1000; done", 3);
  REQUIRE_OK(node.runtime().start(deaf));
  REQUIRE(eventually([&] { return log_text(node.runtime(), deaf.key) == "up\n"; }));
  REQUIRE_OK(node.runtime().stop(deaf.key));
  sleep_ms(100);
  CHECK(node.runtime().status(deaf.key).value().status.state == State::kRunning);
  REQUIRE_OK(node.runtime().kill(deaf.key));
  CHECK(wait_until_exited(node.runtime(), deaf.key).exit_code == 137);
}

TEST_CASE("a start that cannot work says why and leaves nothing", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "");
  spec.command = {"/bin/absent"};
  auto missing = node.runtime().start(spec);
  REQUIRE_FALSE(missing.ok());
  INFO(missing.error().message);
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK(missing.error().message.find("/bin/absent") != std::string::npos);

  spec.command.clear();
  auto nothing = node.runtime().start(spec);
  REQUIRE_FALSE(nothing.ok());
  CHECK(nothing.error().code == ErrorCode::kUnavailable);
  CHECK(nothing.error().message.starts_with("no command specified"));

  spec.command = {"/bin/sh"};
  spec.security.run_as_non_root = true;
  auto root = node.runtime().start(spec);
  REQUIRE_FALSE(root.ok());
  CHECK(root.error().code == ErrorCode::kInvalid);
  CHECK(root.error().message ==
        "container has runAsNonRoot and image will run as root (pod: \"web_default(" + uid + ")\", container: main)");

  spec.security.run_as_user = 0;
  CHECK(node.runtime().start(spec).error().message ==
        "container's runAsUser breaks non-root policy (pod: \"web_default(" + uid + ")\", container: main)");

  spec.security = {};
  spec.image.config.user = "nobody";
  auto unknown = node.runtime().start(spec);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::kUnavailable);
  CHECK(unknown.error().message == "unable to find user nobody: no matching entries in passwd file");

  spec.key.container = "../escape";
  CHECK(node.runtime().start(spec).error().code == ErrorCode::kInvalid);
  CHECK(node.runtime().list().value().containers.empty());
  CHECK(list_dir(node.paths().bundles()).value().empty());
  CHECK(cgroup_dirs(node.paths().pod_cgroup(uid) + "/" + uid + "_main_0").empty());
}

TEST_CASE("exec runs as the container's process would, within its deadline", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "exec sleep 1000");
  spec.env = {"NAME=value"};
  spec.image.config.user = "web";
  REQUIRE_OK(node.runtime().start(spec));
  auto good =
      node.runtime().exec(spec.key, {"/bin/sh", "-c", "echo $NAME; id -u; echo no >&2; exit 5"}, 10s, 1000);
  REQUIRE_OK(good);
  CHECK(good->exit_code == 5);
  CHECK(good->output == "value\n33\nno\n");
  CHECK_FALSE(good->timed_out);

  auto flood = node.runtime().exec(spec.key, {"/bin/sh", "-c", "head -c 1000000 /dev/zero"}, 10s, 1000);
  REQUIRE_OK(flood);
  CHECK(flood->output.size() == 1000);

  auto slow = node.runtime().exec(spec.key, {"/bin/sh", "-c", "sleep 999 & sleep 999"}, 300ms, 1000);
  REQUIRE_OK(slow);
  CHECK(slow->timed_out);
  std::string cgroup = node.paths().container_cgroup(spec.key);
  CHECK(eventually([&] { return cgroup_processes(cgroup).size() == 1; }));  // only the container's own

  CHECK(node.runtime().exec(spec.key, {"/bin/absent"}, 10s, 1000).value().exit_code != 0);
  REQUIRE_OK(node.runtime().kill(spec.key));
  wait_until_exited(node.runtime(), spec.key);
  CHECK(node.runtime().exec(spec.key, {"/bin/sh"}, 10s, 1000).error().code == ErrorCode::kNotFound);
}

TEST_CASE("an exec leaves nothing, whenever its deadline comes", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "exec sleep 1000");
  REQUIRE_OK(node.runtime().start(spec));
  std::string cgroup = node.paths().container_cgroup(spec.key);
  // Children without end, so that there is always one that was not there a moment ago.
  std::vector<std::string> busy{"/bin/sh", "-c", "while true; do sleep 999 & sleep 0.001; done"};
  auto begin = read_clock().mono;
  REQUIRE_OK(node.runtime().exec(spec.key, {"/bin/id"}, 10s, 100));
  Duration whole = read_clock().mono - begin;
  for (int part = 1; part <= 30; ++part) {
    Duration deadline = whole * part / 20;
    INFO("after " << deadline.count() / 1000.0 << " ms");
    auto ran = node.runtime().exec(spec.key, busy, deadline, 100);
    REQUIRE_OK(ran);
    REQUIRE(ran->timed_out);
    REQUIRE(eventually([&] { return cgroup_processes(cgroup).size() == 1; }));
  }
}

TEST_CASE("containers survive the agent, and a new one finds them", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec =
      node.container(uid, "i=0; while true; do i=$((i+1)); echo $i; echo $i >&2; sleep 0.05; done");
  pid_t agent = fork();
  REQUIRE(agent >= 0);
  if (agent == 0) {
    setsid();
    bool fine = node.runtime().start(spec).ok();
    ::kill(getpid(), fine ? SIGKILL : SIGTERM);
  }
  int status = 0;
  REQUIRE(waitpid(agent, &status, 0) == agent);
  REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));

  auto second = node.reopen();
  auto list = second->list();
  REQUIRE_OK(list);
  REQUIRE(list->sandboxes.size() == 1);
  CHECK(list->sandboxes[0].ready);
  CHECK(list->sandboxes[0].spec.name == "web");
  CHECK(list->sandboxes[0].spec.number == 7);
  REQUIRE(list->containers.size() == 1);
  CHECK(list->containers[0].key == spec.key);
  CHECK(list->containers[0].note == "hash");
  CHECK(list->containers[0].status.state == State::kRunning);
  std::string before = log_text(*second, spec.key);
  CHECK(eventually([&] { return log_text(*second, spec.key).size() > before.size(); }));
  REQUIRE_OK(second->start(spec));  // there already: nothing happens
  CHECK(second->status(spec.key).value().status.pid == list->containers[0].status.pid);
}

TEST_CASE("a lost monitor and a lost bundle are reported as unknown ends", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "exec sleep 1000");
  auto started = node.runtime().start(spec);
  REQUIRE_OK(started);
  auto monitor = read_file(node.paths().bundle(spec.key) + "/monitor.pid", 64);
  REQUIRE_OK(monitor);
  REQUIRE(monitor_alive(node.paths().bundle(spec.key)));
  REQUIRE(::kill(std::atoi(monitor->c_str()), SIGKILL) == 0);
  REQUIRE(eventually([&] { return !monitor_alive(node.paths().bundle(spec.key)); }));
  CHECK(node.runtime().wait_exit(10s).value());
  // Nobody reads its output any more: it is ended.
  ProcessStatus ended = wait_until_exited(node.runtime(), spec.key);
  CHECK(ended.finished_at > ended.started_at);
  CHECK(cgroup_processes(node.paths().container_cgroup(spec.key)).empty());
  CHECK(ended.exit_unknown);
  CHECK(ended.exit_code == 137);

  // A reboot: everything in run_dir and every process is gone, data_dir is still there.
  ContainerSpec second = node.container(uid, "exec sleep 1000", 1);
  REQUIRE_OK(node.runtime().start(second));
  REQUIRE_OK(node.runtime().kill(second.key));
  wait_until_exited(node.runtime(), second.key);
  REQUIRE_OK(remove_tree(node.paths().container(second.key) + "/exit"));
  REQUIRE_OK(remove_tree(node.paths().run_dir));
  auto after = node.reopen();
  auto list = after->list();
  REQUIRE_OK(list);
  REQUIRE(list->sandboxes.size() == 1);
  CHECK_FALSE(list->sandboxes[0].ready);
  REQUIRE(list->containers.size() == 2);
  CHECK(list->containers[1].status.state == State::kExited);
  CHECK(list->containers[1].status.exit_unknown);
  CHECK(after->start(node.container(uid, "true", 2)).error().code == ErrorCode::kConflict);
  REQUIRE_OK(after->remove_sandbox(uid));
  CHECK_FALSE(path_exists(node.paths().pod(uid)));
}

TEST_CASE("what an agent killed while it tried a runtime left does not keep the next one out", "[edge][runtime][crash]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  std::string name = "trial-" + std::to_string(gone);
  REQUIRE_OK(make_dirs(node.paths().run_dir + "/" + name + "/rootfs"));
  pid_t left = fork();
  if (left == 0) {
    while (true) pause();
  }
  for (const std::string& dir : cgroup_dirs("/" + node.paths().cgroup)) {
    std::string group = dir + "/" + name;
    REQUIRE_OK(make_dirs(group));
    Fd procs(open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    std::string word = std::to_string(left);
    // Some hierarchies (cpuset) take nobody before they are set up; one is enough.
    if (write(procs.get(), word.data(), word.size()) < 0) continue;
  }
  REQUIRE(cgroup_processes("/" + node.paths().cgroup + "/" + name).size() == 1);
  std::thread reaper([&] { waitpid(left, nullptr, 0); });
  node.reopen();
  reaper.join();
  CHECK(cgroup_dirs("/" + node.paths().cgroup + "/" + name).empty());
  CHECK_FALSE(path_exists(node.paths().run_dir + "/" + name));
}

TEST_CASE("logs rotate while the container writes, and no line is lost", "[edge][runtime][log]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec =
      node.container(uid, "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; done; sleep 1000");
  REQUIRE_OK(node.runtime().start(spec));
  std::string path = node.runtime().log_path(spec.key).value();
  int rotations = 0;
  bool finished = eventually([&] {
    auto rotated = node.runtime().rotate_log(spec.key, 4000, 100);
    REQUIRE_OK(rotated);
    rotations += *rotated ? 1 : 0;
    return log_text(node.runtime(), spec.key).find("line 400\n") != std::string::npos;
  });
  REQUIRE(finished);
  CHECK(rotations >= 1);
  std::string expected;
  for (int i = 1; i <= 400; ++i) expected += "line " + std::to_string(i) + "\n";
  CHECK(log_text(node.runtime(), spec.key) == expected);
  LogQuery query;
  query.tail_lines = 3;
  CHECK(render_log(read_log(path, query).value().lines, false) == "line 398\nline 399\nline 400\n");
}

TEST_CASE("start and removal killed at any moment can be repeated and leave nothing",
          "[edge][runtime][crash]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  for (int delay_ms : {0, 3, 6, 10, 15, 20, 27, 35, 45, 60, 80}) {
    INFO("killed after " << delay_ms << " ms");
    std::string uid = node.make_pod();
    ContainerSpec spec = node.container(uid, "exec sleep 1000");
    kill_after(delay_ms, [&] { (void)node.runtime().start(spec); });
    auto started = node.runtime().start(spec);
    REQUIRE_OK(started);
    CHECK(started->status.state == State::kRunning);
    CHECK(cgroup_processes(node.paths().container_cgroup(spec.key)).size() == 1);
    kill_after(delay_ms, [&] { (void)node.runtime().remove_sandbox(uid); });
    node.remove_pod(uid);
    for (const std::string& line : leftovers(node.paths(), uid)) FAIL_CHECK("left: " << line);
  }
  for (int delay_ms : {0, 3, 8, 15, 25, 40}) {
    INFO("killed after " << delay_ms << " ms, then removed without another start");
    std::string uid = node.make_pod();
    ContainerSpec spec = node.container(uid, "exec sleep 1000");
    kill_after(delay_ms, [&] { (void)node.runtime().start(spec); });
    node.remove_pod(uid);
    for (const std::string& line : leftovers(node.paths(), uid)) FAIL_CHECK("left: " << line);
  }
}

TEST_CASE("a folder among the cgroup hierarchies that is none is left alone", "[edge][runtime]") {
  NEEDS_CONTAINERS();
  std::string plain = "/sys/fs/cgroup/mainstay-plain-" + std::to_string(getpid());
  REQUIRE_OK(make_dirs(plain + "/pods", 0755));
  CHECK(cgroup_dirs("/pods").empty());
  CHECK(remove_cgroup("/pods").ok());
  CHECK(path_exists(plain + "/pods"));
  CHECK(rmdir((plain + "/pods").c_str()) == 0);
  CHECK(rmdir(plain.c_str()) == 0);
}
