// Random transactions and batches for the tests of journals, and what a journal must give back after them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/store/journal.h"
#include "reconciler/store/load.h"
#include "tests/store/store_fixture.h"

namespace mainstay {

class Workload {
 public:
  explicit Workload(uint64_t seed) : rng_(seed) { store_.rng = Rng(seed + 1); }

  // Goes on from what a journal holds.
  void go_on_from(const Loaded& loaded, uint64_t speculation) {
    store_.head = loaded.snapshot;
    speculation_ = speculation;
  }

  const Snapshot& head() const { return store_.head; }
  Rng& rng() { return rng_; }

  // One sealed turn with up to `most` writes, and sometimes rows of every other sort.
  Batch next(uint64_t most) {
    ++store_.second;
    Transaction txn = store_.begin();
    for (uint64_t i = 1 + rng_.below(most); i > 0 || txn.empty(); i -= i > 0 ? 1 : 0) write_one(txn);
    Batch batch;
    batch.number = ++number_;
    batch.speculation = speculation_;
    batch.at = txn.now().wall;
    batch.changes = txn.changes();
    batch.causes = txn.causes();
    batch.version = txn.view().version();
    if (rng_.chance(30)) add_rows(batch);
    store_.seal(txn);
    return batch;
  }

 private:
  void write_one(Transaction& txn) {
    std::string name = "o" + std::to_string(rng_.below(60));
    Object object = rng_.chance(30) ? pod("shop", name, "n" + std::to_string(rng_.below(3)))
                    : rng_.chance(30) ? secret(name)
                                      : config("shop", name, std::to_string(rng_.below(1000)));
    txn.set_cause({"user:" + std::to_string(rng_.below(3)), "test"});
    Key key = object.key();
    if (rng_.chance(20)) {
      txn.remove(key);
    } else if (txn.view().find(key)) {
      ENSURE(txn.update(std::move(object)).ok(), "an object that is there can be updated");
    } else {
      ENSURE(txn.create(std::move(object)).ok(), "an object that is not there can be made");
    }
  }

  Object secret(const std::string& name) {
    Object object = make_object<Secret>("shop", name);
    map_slot(as<Secret>(object).data, "password") = "hunter" + std::to_string(rng_.below(1000));
    return object;
  }

  void add_rows(Batch& batch) {
    std::string application = rng_.chance(50) ? "root" : "side";
    for (uint64_t i = rng_.below(4); i > 0; --i) {
      Object object = rng_.chance(30) ? secret("d" + std::to_string(rng_.below(8)))
                                      : config("shop", "d" + std::to_string(rng_.below(8)), "declared");
      DesiredRow row{application, object.key(), nullptr, sha256(std::to_string(rng_.next()))};
      if (rng_.chance(80)) row.declared = std::make_shared<const Value>(to_value(object));
      batch.desired.push_back(row);
      if (row.declared) batch.origins.push_back({application, row.key, {"web.yaml", uint32_t(rng_.below(90))}});
    }
    CommitRow commit;
    commit.application = application;
    commit.number = 1 + rng_.below(20);
    commit.commit = std::string(40, 'a');
    commit.result = rng_.chance(50) ? "applied" : "refused";
    commit.subject = "Change " + std::to_string(rng_.below(100));
    commit.seen = batch.at;
    commit.version = batch.version;
    batch.commits.push_back(commit);
    batch.cursors.push_back({application, std::string(40, 'b'), sha256(application), uint32_t(rng_.below(5)), "{}",
                             rng_.chance(10)});
    batch.meta.push_back({"fact", std::to_string(rng_.below(100))});
  }

  Rng rng_;
  TestStore store_;
  uint64_t number_ = 0;
  uint64_t speculation_ = 0;
};

// Everything a journal can give back, as text: two of them are equal exactly if their texts are.
inline std::string describe(const Loaded& loaded) {
  std::string out = "version " + std::to_string(loaded.snapshot.version()) + "\n";
  for (const KindInfo& info : all_kinds()) {
    for (const ObjectPtr& object : loaded.snapshot.list(info.id)) {
      out += object->key().text() + " " + std::to_string(object->version) + " " + encoded(*object) + "\n";
    }
  }
  for (const LoadedApplication& application : loaded.applications) {
    if (!application.cursor && application.desired->objects.empty() && application.commits.empty()) continue;
    out += application.application + ":\n";
    if (application.cursor) {
      out += "  at " + application.cursor->target + " wave " + std::to_string(application.cursor->wave) + "\n";
    }
    for (const DesiredObject& object : application.desired->objects) {
      out += "  " + object.key.text() + " " + hex(object.hash) + " " + encoded(*object.object) + " " +
             object.origin.path + ":" + std::to_string(object.origin.line) + "\n";
    }
    for (const CommitRow& row : application.commits) {
      out += "  " + std::to_string(row.number) + " " + row.result + " " + row.subject + " " +
             std::to_string(row.version) + "\n";
    }
  }
  auto fact = loaded.meta.find("fact");
  return out + (fact == loaded.meta.end() ? "" : fact->second) + "\n";
}

}  // namespace mainstay
