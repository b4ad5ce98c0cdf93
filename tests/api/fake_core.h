// A core without a thread, a journal and controllers: every write is decided at once and is then published.
// What it decides is the real handle_write().
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "reconciler/api/core_door.h"
#include "reconciler/core/network_stream.h"
#include "schema/base/rng.h"

namespace mainstay::test {

class FakeCore {
 public:
  FakeCore();

  api::CoreDoor door();
  // Called after each change, in order.
  void on_publication(std::function<void(std::shared_ptr<const Publication>)> listener);

  std::shared_ptr<const Publication> current() const;
  // Adds or replaces an object given as JSON, as the core itself would (no admission).
  void put(const std::string& json);
  void remove(const Key& key);
  // From now on `application` declares this object, at `path`:`line` of commit "c0ffee".
  void declare(const std::string& application, const std::string& json, const std::string& path, uint32_t line);
  // What the application declared last is no longer declared, and held.
  void hold(std::vector<Key> keys);
  void touch_node(const std::string& node);
  void raise_epoch();
  void set_trouble(std::string why);

  std::vector<ApiWrite> writes() const;
  std::vector<NodeReport> reports() const;
  std::vector<ApplicationOrder> orders() const;

 private:
  void change(const std::function<void(Transaction&)>& what, std::vector<std::string> nodes = {});

  mutable std::mutex mutex_;
  Rng rng_{1};
  std::shared_ptr<const Publication> current_ = std::make_shared<Publication>();
  std::function<void(std::shared_ptr<const Publication>)> listener_;
  std::vector<ApiWrite> writes_;
  std::vector<NodeReport> reports_;
  std::vector<ApplicationOrder> orders_;
  std::vector<AppliedApplication> applied_;
  NetworkStream network_{NetworkRanges(), Snapshot()};
  std::string trouble_;
  uint64_t epoch_ = 1;
};

}  // namespace mainstay::test
