// Small objects and transactions for the tests of the store.
#pragma once

#include <string>
#include <utility>

#include "reconciler/store/lifecycle.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

inline Now at_second(int64_t second) {
  Duration span = std::chrono::seconds(second);
  return {WallTime{std::chrono::seconds(1'700'000'000) + span}, MonoTime{span}};
}

inline Object namespace_named(std::string_view name) { return make_object<Namespace>("", name); }

inline Object config(std::string_view ns, std::string_view name, std::string_view value = "1") {
  Object object = make_object<ConfigMap>(ns, name);
  map_slot(as<ConfigMap>(object).data, "value") = value;
  return object;
}

inline Object pod(std::string_view ns, std::string_view name, std::string_view node = "") {
  Object object = make_object<Pod>(ns, name);
  PodSpec& spec = as<Pod>(object).spec;
  spec.node_name = node;
  spec.containers.emplace_back();
  spec.containers[0].name = "main";
  spec.containers[0].image = "example/main:1";
  return object;
}

inline void own(Object& object, const Object& owner, bool controller = true) {
  OwnerReference reference;
  reference.api_version = owner.info().api_version();
  reference.kind = owner.info().kind;
  reference.name = owner.meta.name;
  reference.uid = owner.meta.uid;
  reference.controller = controller;
  object.meta.owner_references.push_back(std::move(reference));
}

// A store that seals one transaction after the other.
struct TestStore {
  Snapshot head;
  Rng rng{7};
  int64_t second = 0;

  Transaction begin() { return Transaction(head, at_second(second), rng); }
  void seal(const Transaction& txn) { head = txn.view(); }

  ObjectPtr create(Object object) {
    Transaction txn = begin();
    ObjectPtr made = txn.create(std::move(object)).value();
    seal(txn);
    return made;
  }
  ObjectPtr update(Object object) {
    Transaction txn = begin();
    ObjectPtr made = txn.update(std::move(object)).value();
    seal(txn);
    return made;
  }
  Deleted remove(const Key& key, const DeleteOptions& options = {}) {
    Transaction txn = begin();
    Deleted deleted = delete_object(txn, key, options).value();
    seal(txn);
    return deleted;
  }
};

}  // namespace mainstay
