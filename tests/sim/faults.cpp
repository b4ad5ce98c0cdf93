#include "tests/sim/faults.h"

#include <algorithm>

namespace mainstay::sim {

Duration Faults::some(Duration longest) {
  auto span = static_cast<uint64_t>((longest - 1s).count());
  return 1s + Duration{static_cast<int64_t>(world_.rng().below(span))};
}

void Faults::later(Duration span, std::function<void()> what) {
  world_.at(span, [this, what = std::move(what)] {
    if (running_) what();
  });
}

void Faults::start(Duration every) {
  every_ = every;
  running_ = true;
  next();
}

void Faults::next() {
  auto longest = static_cast<uint64_t>(2 * every_.count());
  later(Duration{static_cast<int64_t>(world_.rng().below(longest))}, [this] {
    auto at = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().mono.since_start).count();
    story_.push_back(std::to_string(at) + " ms: " + something());
    next();
  });
}

void Faults::stop() {
  running_ = false;
  for (size_t i = 0; i < world_.nodes().size(); ++i) {
    world_.link(i) = {};
    SimNode& node = *world_.nodes()[i];
    node.set_trouble({});
    if (!node.is_up()) node.start(world_.now(), world_.rng());
  }
  world_.daemon().refuse_writes(JournalRefusal::kBusy, {});
  world_.daemon().slow_disk(5ms);
  world_.daemon().heal_reads();
  world_.start_daemon();
  world_.at(0s, [this] { end_rollback(); });
}

// A rollback holds until somebody ends it. Who gets a refusal or no answer asks again; who got one does not.
void Faults::end_rollback() {
  ApplicationOrder sync;
  sync.what = ApplicationOrder::What::kSync;
  world_.daemon().order(std::move(sync), world_.now(), [this](const Answer* answer) {
    if (!answer || answer->error) world_.at(1s, [this] { end_rollback(); });
  });
}

std::string Faults::something() {
  switch (world_.rng().below(17)) {
    case 0:
    case 1:
      return trouble_a_link();
    case 2:
    case 3:
      return trouble_an_agent();
    case 4:
      return trouble_a_machine();
    case 5:
    case 6:
      return trouble_the_daemon();
    case 7:
      return trouble_the_disk();
    case 8:
      return write_at_the_api();
    case 9: {
      world_.nodes()[any_node()]->crash_one(world_.now(), world_.rng());
      return "a container crashes";
    }
    case 10: {
      auto operation = static_cast<FakeSource::Operation>(world_.rng().below(5));
      world_.daemon().fail_reads(operation, static_cast<unsigned>(1 + world_.rng().below(3)));
      return "the forge is away";
    }
    case 11:
      return jump_the_clock();
    case 12:
      return order_an_application();
    case 13:
      return delete_a_node();
    default: {
      std::string what = author_.push_something();
      bool told = world_.rng().chance(50);
      if (told) world_.daemon().poke(world_.now());
      return "push: " + what + (told ? ", with a webhook" : "");
    }
  }
}

std::string Faults::trouble_a_link() {
  size_t node = any_node();
  LinkQuality& link = world_.link(node);
  std::string name = world_.nodes()[node]->name();
  Duration span = some(90s);
  bool cut = world_.rng().chance(40);
  link.cut = cut;
  link.loss = static_cast<unsigned>(world_.rng().below(40));
  link.repeated = static_cast<unsigned>(world_.rng().below(40));
  link.longest = some(4s);
  later(span, [this, node] { world_.link(node) = {}; });
  return cut ? "the link of " + name + " is cut" : "the link of " + name + " is bad";
}

std::string Faults::trouble_an_agent() {
  size_t index = any_node();
  SimNode& node = *world_.nodes()[index];
  if (world_.rng().chance(40)) {
    RuntimeTrouble trouble;
    trouble.slower = some(5s);
    trouble.failing = static_cast<unsigned>(world_.rng().below(60));
    node.set_trouble(trouble);
    later(some(60s), [this, index] { world_.nodes()[index]->set_trouble({}); });
    return "the runtime of " + node.name() + " is ill";
  }
  if (!node.is_up()) return "nothing: " + node.name() + " is down already";
  node.kill();
  bool wiped = world_.rng().chance(20);
  if (wiped) {
    node.wipe_disk();
    world_.checks().disk_lost(node.name());
  }
  later(some(20s), [this, index] {
    SimNode& back = *world_.nodes()[index];
    if (!back.is_up()) back.start(world_.now(), world_.rng());
  });
  return "the agent of " + node.name() + " is killed" + (wiped ? " and its disk wiped" : "");
}

std::string Faults::trouble_a_machine() {
  size_t index = any_node();
  SimNode& node = *world_.nodes()[index];
  node.power_loss();
  later(some(150s), [this, index] {
    SimNode& back = *world_.nodes()[index];
    if (!back.is_up()) back.start(world_.now(), world_.rng());
  });
  return node.name() + " loses its power";
}

std::string Faults::trouble_the_daemon() {
  Daemon& daemon = world_.daemon();
  if (!daemon.is_up()) return "nothing: the daemon is down already";
  if (world_.rng().chance(30)) {
    daemon.back_up();
    return "a backup is made";
  }
  world_.kill_daemon();
  bool restored = daemon.has_backup() && world_.rng().chance(30);
  if (restored) world_.restore_database();
  later(some(world_.rng().chance(80) ? 3s : 60s), [this] { world_.start_daemon(); });
  return restored ? "the daemon is killed and its database restored" : "the daemon is killed";
}

std::string Faults::trouble_the_disk() {
  Daemon& daemon = world_.daemon();
  if (world_.rng().chance(50)) {
    bool full = world_.rng().chance(50);
    daemon.refuse_writes(full ? JournalRefusal::kFull : JournalRefusal::kBusy, world_.now().mono + some(15s));
    return full ? "the disk is full" : "the database is busy";
  }
  daemon.slow_disk(some(3s));
  later(some(30s), [this] { world_.daemon().slow_disk(5ms); });
  return "the disk is slow";
}

std::string Faults::write_at_the_api() {
  Daemon& daemon = world_.daemon();
  if (!daemon.is_up()) return "nothing: nobody answers at the API";
  const Snapshot& view = daemon.head();
  ApiWrite write;
  write.actor = "user:admin";
  bool scale = world_.rng().chance(40);
  std::vector<Key> keys;
  Kind kind = scale ? Kind::kDeployment : Kind::kPod;
  for (const ObjectPtr& object : view.list(kind, "default")) keys.push_back(object->key());
  if (keys.empty()) return "nothing: there is nothing to write to";
  write.key = keys[world_.rng().below(keys.size())];
  write.verb = scale ? ApiWrite::Verb::kScale : ApiWrite::Verb::kDelete;
  write.replicas = static_cast<int32_t>(world_.rng().below(7));
  if (world_.rng().chance(20)) write.delete_options.grace_seconds = 0;
  std::string what = (scale ? "kubectl scale " : "kubectl delete ") + write.key.text();
  daemon.write(std::move(write), world_.now());
  return what;
}

std::string Faults::jump_the_clock() {
  Duration span = some(world_.rng().chance(50) ? 90s : 3h);
  bool back = world_.rng().chance(50);
  world_.jump_clock(back ? -span : span);
  return "the clocks jump " + std::to_string(span / 1s) + (back ? " s back" : " s forward");
}

std::string Faults::order_an_application() {
  Daemon& daemon = world_.daemon();
  if (!daemon.is_up()) return "nothing: nobody takes an order";
  static const std::pair<const char*, ApplicationOrder::What> kOrders[] = {
      {"sync", ApplicationOrder::What::kSync},
      {"ack", ApplicationOrder::What::kAck},
      {"rollback", ApplicationOrder::What::kRollback}};
  const auto& [name, what] = kOrders[world_.rng().below(std::size(kOrders))];
  ApplicationOrder order;
  order.what = what;
  if (what == ApplicationOrder::What::kAck) order.commit = author_.tip();
  if (what == ApplicationOrder::What::kRollback) order.commit = author_.some_good();
  daemon.order(std::move(order), world_.now());
  return std::string("mainstay ") + name;
}

std::string Faults::delete_a_node() {
  Daemon& daemon = world_.daemon();
  if (!daemon.is_up()) return "nothing: nobody answers at the API";
  ApiWrite write;
  write.actor = "user:admin";
  write.verb = ApiWrite::Verb::kDelete;
  write.key = {Kind::kNode, "", world_.nodes()[any_node()]->name()};
  std::string what = "kubectl delete " + write.key.text();
  daemon.write(std::move(write), world_.now());
  return what;
}

}  // namespace mainstay::sim
