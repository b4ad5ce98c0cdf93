#include "tests/control/harness.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "reconciler/control/conditions.h"
#include "reconciler/control/owners.h"
#include "schema/decode.h"
#include "schema/defaults.h"
#include "schema/diagnostics.h"
#include "schema/yaml.h"

namespace mainstay::test {
namespace {

constexpr Duration kHeartbeat = std::chrono::seconds(10);
constexpr size_t kKeysPerTurn = 4096;

bool takes_pods(const Node& node) {
  return condition_true(node.status.conditions, "Ready") && node.spec.taints.empty();
}

}  // namespace

Object manifest(std::string_view yaml) {
  Diagnostics diagnostics("test.yaml");
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(documents.size() == 1);
  std::optional<Object> object = decode_object(documents.front().root, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  REQUIRE(object.has_value());
  if (object->info().namespaced && object->meta.ns.empty()) object->meta.ns = "default";
  apply_defaults(*object);
  if (object->kind == Kind::kPod) admit_pod(*object);
  return *std::move(object);
}

Cluster::Cluster(uint64_t seed) : rng_(seed) {
  now_.wall = WallTime{std::chrono::seconds(1'700'000'000)};
  now_.mono = MonoTime{std::chrono::seconds(1000)};
  started_ = now_.mono;
  settings.root_ca = "-----BEGIN CERTIFICATE-----";
  queue.resync(head_);
  settle();
}

void Cluster::write(const std::function<void(Transaction&)>& write) {
  Transaction txn(head_, now_, rng_);
  write(txn);
  head_ = txn.view();
  queue.absorb(txn.changes(), head_);
}

void Cluster::apply(Object object) {
  write([&](Transaction& txn) {
    ObjectPtr stored = txn.view().find(object.key());
    if (!stored) {
      auto made = txn.create(std::move(object));
      REQUIRE(made.ok());
      return;
    }
    Object next = *stored;
    next.meta.labels = object.meta.labels;
    for (auto& [name, value] : object.meta.annotations) map_slot(next.meta.annotations, name) = value;
    if (object.kind == Kind::kDeployment) as<Deployment>(next).spec = as<Deployment>(object).spec;
    else if (object.kind == Kind::kService) as<Service>(next).spec = as<Service>(object).spec;
    else next.body.get(next) = object.body.get(object);
    REQUIRE(txn.update(std::move(next)).ok());
  });
}

void Cluster::remove(const Key& key, DeleteOptions options) {
  write([&](Transaction& txn) { REQUIRE(delete_object(txn, key, options).ok()); });
}

void Cluster::add_node(const std::string& name) {
  Object node = make_object<Node>("", name);
  set_condition(as<Node>(node).status.conditions, "Ready", {"True", "KubeletReady", ""}, now_.wall);
  heard_[name] = now_.mono;
  write([&](Transaction& txn) { REQUIRE(txn.create(std::move(node)).ok()); });
}

size_t Cluster::turn() {
  Transaction txn(head_, now_, rng_);
  ControlContext context{txn, settings,
                         [this](std::string_view node) -> std::optional<MonoTime> {
                           auto found = heard_.find(std::string(node));
                           if (found == heard_.end()) return std::nullopt;
                           return found->second;
                         },
                         started_};
  run_controllers(context, queue, kKeysPerTurn);
  head_ = txn.view();
  queue.absorb(txn.changes(), head_);
  if (after_turn) after_turn();
  return txn.changes().size();
}

bool Cluster::outside_world() {
  bool wrote = false;
  Snapshot view = head_;
  std::vector<std::string> nodes;
  for (const ObjectPtr& node : view.list(Kind::kNode)) {
    if (takes_pods(as<Node>(*node))) nodes.push_back(node->meta.name);
  }
  Transaction txn(head_, now_, rng_);
  for (const ObjectPtr& object : view.list(Kind::kPod)) {
    const Pod& pod = as<Pod>(*object);
    if (is_finished(pod)) continue;
    bool silent = silent_nodes.count(pod.spec.node_name) != 0;
    if (object->meta.deletion_timestamp != WallTime{}) {
      if (!kubelet_stops || silent || pod.spec.node_name.empty()) continue;
      DeleteOptions now_at_once;
      now_at_once.grace_seconds = 0;
      size_t before = txn.changes().size();
      (void)delete_object(txn, object->key(), now_at_once);
      wrote |= txn.changes().size() != before;
      continue;
    }
    Object next = *object;
    Pod& body = as<Pod>(next);
    if (pod.spec.node_name.empty()) {
      if (!schedules || nodes.empty()) continue;
      body.spec.node_name = nodes[next_node_++ % nodes.size()];
    } else if (kubelet_runs && !silent && pod.status.phase != "Running") {
      body.status.phase = "Running";
      body.status.pod_ip =
          "10.244." + std::to_string(next_ip_ / 250) + "." + std::to_string(next_ip_ % 250 + 1);
      ++next_ip_;
      bool works = broken_images.count(pod.spec.containers.front().image) == 0;
      for (std::string_view type : {"ContainersReady", "Ready"}) {
        set_condition(body.status.conditions, type, {works ? "True" : "False", "", ""}, now_.wall);
      }
    } else {
      continue;
    }
    REQUIRE(txn.update(std::move(next)).ok());
    wrote = true;
  }
  head_ = txn.view();
  queue.absorb(txn.changes(), head_);
  return wrote;
}

void Cluster::settle() {
  for (int i = 0; i < 500; ++i) {
    size_t changes = turn();
    bool due = queue.next_wake() && *queue.next_wake() <= now_.mono;
    if (changes > 0 || !queue.idle() || due) continue;
    if (!outside_world()) return;
  }
  FAIL("the cluster does not come to rest");
}

void Cluster::beat() {
  for (const ObjectPtr& node : head_.list(Kind::kNode)) {
    if (silent_nodes.count(node->meta.name) == 0) heard_[node->meta.name] = now_.mono;
  }
}

void Cluster::advance(Duration span) {
  MonoTime end = now_.mono + span;
  while (now_.mono < end) {
    MonoTime next = std::min(end, now_.mono + kHeartbeat);
    if (queue.next_wake() && *queue.next_wake() > now_.mono) next = std::min(next, *queue.next_wake());
    now_.wall = now_.wall + (next - now_.mono);
    now_.mono = next;
    beat();
    settle();
  }
}

void Cluster::restart() {
  heard_.clear();
  started_ = now_.mono;
  queue = WorkQueue();
  queue.resync(head_);
}

std::vector<ObjectPtr> Cluster::list(Kind kind, std::string_view ns) const {
  std::vector<ObjectPtr> objects;
  for (const ObjectPtr& object : head_.list(kind, kind_info(kind).namespaced ? ns : "")) {
    objects.push_back(object);
  }
  return objects;
}

std::vector<ObjectPtr> Cluster::active_pods() const {
  std::vector<ObjectPtr> pods;
  for (const ObjectPtr& pod : list(Kind::kPod)) {
    if (is_active(*pod)) pods.push_back(pod);
  }
  return pods;
}

std::vector<std::string> Cluster::events(Kind kind, std::string_view name) const {
  std::vector<std::string> texts;
  for (const ObjectPtr& object : head_.list(Kind::kEvent)) {
    const Event& event = as<Event>(*object);
    if (event.involved_object.kind != kind_info(kind).kind || event.involved_object.name != name) continue;
    texts.push_back(event.reason + ": " + event.message);
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace mainstay::test
