#include "tests/api/fake_core.h"

#include "reconciler/core/api_write.h"
#include "schema/base/clock.h"
#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/json.h"

namespace mainstay::test {

FakeCore::FakeCore() {
  auto first = std::make_shared<Publication>();
  first->epoch = epoch_;
  current_ = first;
  put(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"},"status":{"phase":"Active"}})");
}

void FakeCore::on_publication(std::function<void(std::shared_ptr<const Publication>)> listener) {
  std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

std::shared_ptr<const Publication> FakeCore::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

// Publications leave in order because the listener is called with the mutex held.
void FakeCore::change(const std::function<void(Transaction&)>& what, std::vector<std::string> nodes) {
  std::lock_guard lock(mutex_);
  Transaction txn(current_->view, read_clock(), rng_);
  what(txn);
  auto next = std::make_shared<Publication>();
  next->view = txn.view();
  next->epoch = epoch_;
  next->changes = txn.changes();
  next->touched_nodes = std::move(nodes);
  next->applied = applied_;
  next->network = network_.absorb(next->changes, next->view);
  current_ = next;
  if (listener_) listener_(current_);
}

void FakeCore::put(const std::string& json) {
  Diagnostics diagnostics;
  std::optional<Value> value = parse_json(json, diagnostics);
  ENSURE(value.has_value(), diagnostics.render());
  std::optional<Object> object = decode_object(*value, {}, diagnostics);
  ENSURE(object && !diagnostics.has_errors(), diagnostics.render());
  change([&](Transaction& txn) {
    bool there = txn.view().find(object->key()) != nullptr;
    Result<ObjectPtr> written = there ? txn.update(*object) : txn.create(*object);
    ENSURE(written.ok(), written.error().message);
  });
}

void FakeCore::declare(const std::string& application, const std::string& json, const std::string& path,
                       uint32_t line) {
  Diagnostics diagnostics;
  std::optional<Value> value = parse_json(json, diagnostics);
  ENSURE(value.has_value(), diagnostics.render());
  std::optional<Object> object = decode_object(*value, {}, diagnostics);
  ENSURE(object && !diagnostics.has_errors(), diagnostics.render());
  auto set = std::make_shared<DesiredSet>();
  set->objects.set(DesiredObject{
      object->key(), std::make_shared<Object>(*object), std::make_shared<Value>(*value), {}, {path, line}});
  applied_ = {{application, "c0ffee", set}};
  change([](Transaction&) {});
}

void FakeCore::hold(std::vector<Key> keys) {
  ENSURE(applied_.size() == 1, "one application is declared");
  applied_[0].held = std::move(keys);
  change([](Transaction&) {});
}

void FakeCore::remove(const Key& key) {
  change([&](Transaction& txn) { txn.remove(key); });
}

void FakeCore::touch_node(const std::string& node) {
  // A change of its own, so that the version rises.
  change(
      [&](Transaction& txn) {
        Object marker = make_object(Kind::kConfigMap, "default", "");
        marker.meta.generate_name = "touch-";
        ENSURE(txn.create(std::move(marker)).ok(), "touching");
      },
      {node});
}

void FakeCore::raise_epoch() {
  {
    std::lock_guard lock(mutex_);
    ++epoch_;
  }
  change([](Transaction&) {});
}

void FakeCore::set_trouble(std::string why) {
  std::lock_guard lock(mutex_);
  trouble_ = std::move(why);
}

std::vector<ApiWrite> FakeCore::writes() const {
  std::lock_guard lock(mutex_);
  return writes_;
}

std::vector<NodeReport> FakeCore::reports() const {
  std::lock_guard lock(mutex_);
  return reports_;
}

std::vector<ApplicationOrder> FakeCore::orders() const {
  std::lock_guard lock(mutex_);
  return orders_;
}

api::CoreDoor FakeCore::door() {
  api::CoreDoor door;
  door.current = [this] { return current(); };
  door.write = [this](ApiWrite write, std::function<void(Answer)> done) {
    Answer answer;
    {
      std::lock_guard lock(mutex_);
      writes_.push_back(write);
    }
    change([&](Transaction& txn) { answer = handle_write(txn, write); });
    done(std::move(answer));
  };
  door.report = [this](ReportIn report, std::function<void(Answer)> done) {
    {
      std::lock_guard lock(mutex_);
      reports_.push_back(std::move(report.report));
    }
    done({});
  };
  door.order = [this](ApplicationOrder order, std::function<void(Answer)> done) {
    {
      std::lock_guard lock(mutex_);
      orders_.push_back(std::move(order));
    }
    done({});
  };
  door.trouble = [this] {
    std::lock_guard lock(mutex_);
    return trouble_;
  };
  return door;
}

}  // namespace mainstay::test
