// A small cluster in virtual time: transactions, the work queue and the controllers as the core turns them, a
// scheduler that binds pods in turn, and a kubelet that runs them at once. One thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/control/work_queue.h"
#include "schema/base/rng.h"

namespace mainstay::test {

// One defaulted object; fails the test if the manifest has a mistake.
Object manifest(std::string_view yaml);

class Cluster {
 public:
  explicit Cluster(uint64_t seed = 1);

  // Runs `write` in a transaction of its own and wakes what it changed.
  void write(const std::function<void(Transaction&)>& write);
  // Creates, or replaces spec and metadata as an update through the API does.
  void apply(Object object);
  void apply(std::string_view yaml) { apply(manifest(yaml)); }
  template <typename T>
  void edit(std::string_view ns, std::string_view name, const std::function<void(Object&)>& change) {
    write([&](Transaction& txn) {
      ObjectPtr stored = txn.view().find(KindOf<T>::kKind, ns, name);
      ENSURE(stored != nullptr, "the object to edit exists");
      Object next = *stored;
      change(next);
      auto written = txn.update(std::move(next));
      ENSURE(written.ok(), "an edit of a test succeeds");
    });
  }
  void remove(const Key& key, DeleteOptions options = {});
  // A node that is ready and sends heartbeats.
  void add_node(const std::string& name);

  // One turn of the controllers; the number of changes they made.
  size_t turn();
  // Controllers, scheduler and kubelet until nothing changes and nothing is due. Fails the test if that takes
  // too long.
  void settle();
  // Lets time pass, stopping at every timer and heartbeat on the way.
  void advance(Duration span);

  const Snapshot& view() const { return head_; }
  const Now& now() const { return now_; }
  MonoTime started() const { return started_; }
  void restart();  // of the control plane: memory is gone, every key is looked at

  ObjectPtr get(Kind kind, std::string_view ns, std::string_view name) const {
    return head_.find(kind, ns, name);
  }
  std::vector<ObjectPtr> list(Kind kind, std::string_view ns = "default") const;
  std::vector<ObjectPtr> active_pods() const;
  // "Reason: message" of every event about the object, sorted.
  std::vector<std::string> events(Kind kind, std::string_view name) const;

  ControlSettings settings;
  std::set<std::string> silent_nodes;           // send no heartbeat
  std::set<std::string> broken_images{"broken"};  // containers of these never become ready
  bool kubelet_runs = true;                     // starts pods
  bool kubelet_stops = true;                    // ends pods that are being deleted
  bool schedules = true;
  std::function<void()> after_turn;             // looks at every state in between
  WorkQueue queue;

 private:
  bool outside_world();  // scheduler and kubelet; true if they wrote
  void beat();

  Snapshot head_;
  Rng rng_;
  Now now_;
  MonoTime started_;
  std::map<std::string, MonoTime> heard_;
  size_t next_node_ = 0;
  int next_ip_ = 1;
};

}  // namespace mainstay::test
