// DesiredSet: all objects one application declares at one commit, each with its place in the repository.
// Made by gitsync, diffed by reconciler/plan. Immutable once shared; any thread.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schema/base/cow_map.h"
#include "schema/base/crypto.h"
#include "schema/object.h"
#include "schema/value.h"

namespace mainstay {

// Where an object was declared.
struct Origin {
  std::string path;  // inside the repository, with '/'
  uint32_t line = 0;  // of the document's first key, counted from 1
  bool operator==(const Origin&) const = default;
};

struct DesiredObject {
  Key key;
  ObjectPtr object;       // as it is created: what is declared and its defaults, without status
  // The declared fields alone, as a tree: what Git, as an apply manager, owns. Shared between commits.
  std::shared_ptr<const Value> declared;
  Digest hash;            // SHA-256 of the canonical declared body
  Origin origin;
};

// Objects in order of their keys. Copies share everything, and so do the sets of two commits that differ little:
// what a commit costs is what it changes. One writer, or any number of readers.
class DesiredObjects {
  using Table = CowMap<Key, std::shared_ptr<const DesiredObject>>;

 public:
  class Iterator {
   public:
    using value_type = DesiredObject;
    using difference_type = std::ptrdiff_t;
    using reference = const DesiredObject&;
    using pointer = const DesiredObject*;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    explicit Iterator(Table::Iterator at) : at_(std::move(at)) {}
    reference operator*() const { return *at_.value(); }
    pointer operator->() const { return at_.value().get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    Table::Iterator at_;
  };

  size_t size() const { return objects_.size(); }
  bool empty() const { return objects_.empty(); }
  // Valid while the collection is neither changed nor destroyed.
  Iterator begin() const { return Iterator(objects_.begin()); }
  Iterator end() const { return Iterator(objects_.end()); }
  // Null if there is none.
  const DesiredObject* find(const Key& key) const {
    const auto* found = objects_.find(key);
    return found != nullptr ? found->get() : nullptr;
  }

  // Adds or replaces the one of its key.
  void set(std::shared_ptr<const DesiredObject> object) {
    Key key = object->key;
    objects_.set(std::move(key), std::move(object));
  }
  void set(DesiredObject object) { set(std::make_shared<const DesiredObject>(std::move(object))); }
  // True if there was one.
  bool erase(const Key& key) { return objects_.erase(key); }

  // Calls visit(const DesiredObject* before, const DesiredObject* after) in order of the keys for each object that
  // only one of the two has (null in the other), or that is not the very same in both. Passes over what they share.
  template <typename Visit>
  static void for_each_difference(const DesiredObjects& before, const DesiredObjects& after, Visit&& visit) {
    Table::for_each_difference(before.objects_, after.objects_, [&](const Key&, const auto* a, const auto* b) {
      visit(a != nullptr ? a->get() : nullptr, b != nullptr ? b->get() : nullptr);
    });
  }

 private:
  Table objects_;
};

struct DesiredSet {
  DesiredObjects objects;
  Digest hash{};  // over all keys and hashes: equal sets have equal hashes; zero if partial
  // The part of a refused tree that could be read, in which further mistakes are looked for. It is never applied.
  bool is_partial = false;
  // Of a partial set: names of objects that may be declared in the rest of the tree; "" if that can be any name.
  std::set<std::string> unread = {};

  // True if an object of that name, though not in the set, may be declared in what could not be read.
  bool may_be_unread(const std::string& name) const { return unread.contains("") || unread.contains(name); }
};

using DesiredSetPtr = std::shared_ptr<const DesiredSet>;

}  // namespace mainstay
