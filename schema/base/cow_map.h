// CowMap: an ordered map whose copies share everything (a B+tree with path copying). Copying is O(1); find,
// set and erase are O(log n); a change copies only nodes that another map still sees, so a transaction of
// many writes copies each node at most once. Different maps may be used by different threads at the same
// time even while they share nodes; one map has one writer, or any number of readers.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "schema/base/ensure.h"

namespace mainstay {

// K needs operator<=>, V a default constructor; both are copied only when a shared node is.
template <typename K, typename V>
class CowMap {
  static constexpr size_t kWidth = 32;
  // A node below this is joined with its neighbour if both fit well into one.
  static constexpr size_t kSparse = kWidth / 4;
  static constexpr size_t kJoined = kWidth * 3 / 4;
  static constexpr size_t kMaxDepth = 10;  // nodes are never nearly empty side by side: enough for any memory

  // A counted pointer whose count can be asked for with the ordering that in-place mutation needs:
  // whoever sees 1 also sees everything the last other owner did before it let go.
  template <typename T>
  class Ref {
   public:
    Ref() = default;
    explicit Ref(T* fresh) : held_(fresh) {}
    Ref(const Ref& other) : held_(other.held_) {
      if (held_) held_->refs.fetch_add(1, std::memory_order_relaxed);
    }
    Ref(Ref&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
      std::swap(held_, other.held_);
      return *this;
    }
    ~Ref() {
      if (held_ && held_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) T::destroy(held_);
    }
    explicit operator bool() const { return held_ != nullptr; }
    T* get() const { return held_; }
    T* operator->() const { return held_; }
    T& operator*() const { return *held_; }
    bool only_owner() const { return held_->refs.load(std::memory_order_acquire) == 1; }

   private:
    T* held_ = nullptr;
  };

  // Keys are shared between copies of a node, so that copying one allocates nothing but the node.
  struct SharedKey {
    explicit SharedKey(K k) : key(std::move(k)) {}
    static void destroy(SharedKey* self) { delete self; }
    std::atomic<uint32_t> refs{1};
    const K key;
  };
  using KeyRef = Ref<SharedKey>;

  struct Node {
    explicit Node(bool is_leaf) : leaf(is_leaf) {}
    Node(const Node& other) : leaf(other.leaf), count(other.count), keys(other.keys) {}
    static void destroy(Node* self) {
      if (self->leaf) delete static_cast<Leaf*>(self); else delete static_cast<Inner*>(self);
    }
    std::atomic<uint32_t> refs{1};
    const bool leaf;
    uint16_t count = 0;
    // Of a leaf: the keys. Of an inner node: a key not above any in child i and above all in child i-1.
    std::array<KeyRef, kWidth> keys;
  };
  using NodeRef = Ref<Node>;
  struct Leaf : Node {
    Leaf() : Node(true) {}
    std::array<V, kWidth> values{};
  };
  struct Inner : Node {
    Inner() : Node(false) {}
    std::array<NodeRef, kWidth> children;
  };
  static Leaf* leaf(const NodeRef& node) { return static_cast<Leaf*>(node.get()); }
  static Inner* inner(const NodeRef& node) { return static_cast<Inner*>(node.get()); }

 public:
  // Forward over the entries in order of their keys. Valid while its map is neither changed nor destroyed.
  class Iterator {
   public:
    Iterator() = default;
    const K& key() const { return node_->keys[index_]->key; }
    const V& value() const { return static_cast<const Leaf*>(node_)->values[index_]; }
    // So that range-for yields the iterator itself, with key() and value().
    const Iterator& operator*() const { return *this; }
    Iterator& operator++() {
      if (++index_ < node_->count) return *this;
      climb();
      return *this;
    }
    bool operator==(const Iterator& other) const {
      return node_ == other.node_ && (node_ == nullptr || index_ == other.index_);
    }

   private:
    friend class CowMap;
    // Leaves a finished leaf for the first entry of the next one, or for the end.
    void climb() {
      while (depth_ > 0) {
        Frame& frame = path_[depth_ - 1];
        if (++frame.index < frame.node->count) {
          const Node* next = frame.node->children[frame.index].get();
          while (!next->leaf) {
            const Inner* down = static_cast<const Inner*>(next);
            path_[depth_++] = {down, 0};
            next = down->children[0].get();
          }
          node_ = next;
          index_ = 0;
          return;
        }
        --depth_;
      }
      node_ = nullptr;
      index_ = 0;
    }
    struct Frame {
      const Inner* node = nullptr;
      uint16_t index = 0;
    };
    std::array<Frame, kMaxDepth> path_;
    uint16_t depth_ = 0;
    uint16_t index_ = 0;
    const Node* node_ = nullptr;
  };

  // Of entries whose keys rise strictly; several times as fast as setting them one by one.
  static CowMap from_sorted(std::vector<std::pair<K, V>> entries) {
    CowMap out;
    out.size_ = entries.size();
    std::vector<NodeRef> level;
    for_each_share(entries.size(), [&](size_t begin, size_t end) {
      auto* made = new Leaf();
      level.emplace_back(made);
      made->count = static_cast<uint16_t>(end - begin);
      for (size_t i = begin; i < end; ++i) {
        made->keys[i - begin] = KeyRef(new SharedKey(std::move(entries[i].first)));
        made->values[i - begin] = std::move(entries[i].second);
      }
    });
    while (level.size() > 1) {
      std::vector<NodeRef> above;
      for_each_share(level.size(), [&](size_t begin, size_t end) {
        auto* made = new Inner();
        above.emplace_back(made);
        made->count = static_cast<uint16_t>(end - begin);
        for (size_t i = begin; i < end; ++i) {
          made->keys[i - begin] = level[i]->keys[0];
          made->children[i - begin] = std::move(level[i]);
        }
      });
      level = std::move(above);
    }
    if (!level.empty()) out.root_ = std::move(level.front());
    return out;
  }

  // Calls visit(key, before, after) in order of the keys for every entry that one of the two lacks (null there) or
  // that has another value. What the two share is passed over unseen: after a few changes to a copy this costs
  // about as much as those changes did.
  template <typename Visit>
  static void for_each_difference(const CowMap& before, const CowMap& after, Visit&& visit) {
    Iterator a = before.begin(), b = after.begin();
    while (a.node_ != nullptr || b.node_ != nullptr) {
      if (pass_shared(a, b)) continue;
      if (b.node_ == nullptr || (a.node_ != nullptr && a.key() < b.key())) {
        visit(a.key(), &a.value(), static_cast<const V*>(nullptr));
        ++a;
      } else if (a.node_ == nullptr || b.key() < a.key()) {
        visit(b.key(), static_cast<const V*>(nullptr), &b.value());
        ++b;
      } else {
        if (!(a.value() == b.value())) visit(b.key(), &a.value(), &b.value());
        ++a;
        ++b;
      }
    }
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  Iterator begin() const {
    return partition_point([](const K&) { return false; });
  }
  Iterator end() const { return {}; }

  // The first entry for whose key `before` is false; `before` must be true for a prefix of the order only.
  template <typename Before>
  Iterator partition_point(const Before& before) const {
    Iterator at;
    const Node* node = root_.get();
    if (node == nullptr) return at;
    while (!node->leaf) {
      const Inner* down = static_cast<const Inner*>(node);
      size_t child = first_not(*node, 1, before) - 1;
      ENSURE(at.depth_ < kMaxDepth, "a CowMap has grown deeper than any memory allows");
      at.path_[at.depth_++] = {down, static_cast<uint16_t>(child)};
      node = down->children[child].get();
    }
    at.node_ = node;
    at.index_ = static_cast<uint16_t>(first_not(*node, 0, before));
    if (at.index_ == node->count) at.climb();
    return at;
  }
  // The first entry not below `key`; Q is anything K compares with.
  template <typename Q>
  Iterator lower_bound(const Q& key) const {
    return partition_point([&](const K& mine) { return (mine <=> key) < 0; });
  }
  // Null if there is none. Valid as long as an iterator.
  template <typename Q>
  const V* find(const Q& key) const {
    const Node* node = root_.get();
    if (node == nullptr) return nullptr;
    auto before = [&](const K& mine) { return (mine <=> key) <= 0; };
    while (!node->leaf) node = static_cast<const Inner*>(node)->children[first_not(*node, 1, before) - 1].get();
    size_t at = first_not(*node, 0, before);
    if (at == 0 || (node->keys[at - 1]->key <=> key) != 0) return nullptr;
    return &static_cast<const Leaf*>(node)->values[at - 1];
  }

  // Adds or replaces. True if the key is new.
  bool set(K key, V value) {
    if (!root_) root_ = NodeRef(new Leaf());
    bool added = false;
    NodeRef right = put(root_, key, value, added);
    if (right) {
      auto* top = new Inner();
      top->count = 2;
      top->keys[0] = root_->keys[0];
      top->keys[1] = right->keys[0];
      top->children[0] = std::move(root_);
      top->children[1] = std::move(right);
      root_ = NodeRef(top);
    }
    if (added) ++size_;
    return added;
  }

  // True if there was such an entry.
  template <typename Q>
  bool erase(const Q& key) {
    if (find(key) == nullptr) return false;
    take_out(root_, key);
    --size_;
    while (root_ && !root_->leaf && root_->count == 1) root_ = NodeRef(inner(root_)->children[0]);
    if (root_->count == 0) root_ = NodeRef();
    return true;
  }

 private:
  // Cuts `count` things into shares of nearly equal size that leave some room in each node.
  template <typename Share>
  static void for_each_share(size_t count, Share&& share) {
    constexpr size_t kFill = kWidth * 7 / 8;
    size_t shares = (count + kFill - 1) / kFill;
    for (size_t i = 0; i < shares; ++i) share(count * i / shares, count * (i + 1) / shares);
  }

  // If both stand at the start of a node that the two maps share, moves both behind the largest such node.
  static bool pass_shared(Iterator& a, Iterator& b) {
    if (a.node_ == nullptr || b.node_ == nullptr || a.index_ != 0 || b.index_ != 0) return false;
    const Node *mine = a.node_, *theirs = b.node_;
    uint16_t height = 0, shared = 0;
    bool any = false;
    for (;; ++height) {
      if (mine == theirs) any = true, shared = height;
      if (height >= a.depth_ || height >= b.depth_) break;
      const auto& above_a = a.path_[a.depth_ - 1 - height];
      const auto& above_b = b.path_[b.depth_ - 1 - height];
      if (above_a.index != 0 || above_b.index != 0) break;
      mine = above_a.node;
      theirs = above_b.node;
    }
    if (!any) return false;
    for (Iterator* each : {&a, &b}) {
      each->depth_ = static_cast<uint16_t>(each->depth_ - shared);
      each->climb();
    }
    return true;
  }

  // The first position in [from, count) whose key is not `before`.
  template <typename Before>
  static size_t first_not(const Node& node, size_t from, const Before& before) {
    size_t low = from, high = node.count;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (before(node.keys[middle]->key)) low = middle + 1; else high = middle;
    }
    return low;
  }

  // Makes `node` ours alone.
  static void own(NodeRef& node) {
    if (node.only_owner()) return;
    if (node->leaf) node = NodeRef(new Leaf(*leaf(node)));
    else node = NodeRef(new Inner(*inner(node)));
  }

  template <typename T>
  static void open_gap(std::array<T, kWidth>& slots, size_t count, size_t at) {
    for (size_t i = count; i > at; --i) slots[i] = std::move(slots[i - 1]);
  }
  template <typename T>
  static void close_gap(std::array<T, kWidth>& slots, size_t count, size_t at) {
    for (size_t i = at; i + 1 < count; ++i) slots[i] = std::move(slots[i + 1]);
    slots[count - 1] = T{};
  }
  template <typename T>
  static void append(std::array<T, kWidth>& to, size_t at, std::array<T, kWidth>& from, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) to[at++] = std::exchange(from[i], T{});
  }

  // Moves the entries from `at` on into a new right neighbour.
  static NodeRef split(NodeRef& node, size_t at) {
    NodeRef right(node->leaf ? static_cast<Node*>(new Leaf()) : static_cast<Node*>(new Inner()));
    append(right->keys, 0, node->keys, at, kWidth);
    if (node->leaf) append(leaf(right)->values, 0, leaf(node)->values, at, kWidth);
    else append(inner(right)->children, 0, inner(node)->children, at, kWidth);
    right->count = static_cast<uint16_t>(kWidth - at);
    node->count = static_cast<uint16_t>(at);
    return right;
  }
  // Where to split a full node that gets one more at `at`: the last place of ascending inserts leaves full
  // nodes behind, any other place halves.
  static size_t split_point(size_t at) { return at == kWidth ? kWidth - 1 : kWidth / 2; }

  // Puts the entry below `node`; a right neighbour comes back if `node` had to be split.
  static NodeRef put(NodeRef& node, K& key, V& value, bool& added) {
    own(node);
    if (!node->leaf) return put_inner(node, key, value, added);
    size_t at = first_not(*node, 0, [&](const K& mine) { return (mine <=> key) < 0; });
    if (at < node->count && (node->keys[at]->key <=> key) == 0) {
      leaf(node)->values[at] = std::move(value);
      return {};
    }
    added = true;
    NodeRef right;
    NodeRef* target = &node;
    if (node->count == kWidth) {
      size_t middle = split_point(at);
      right = split(node, middle);
      if (at > middle) target = &right, at -= middle;
    }
    Leaf* into = leaf(*target);
    open_gap(into->keys, into->count, at);
    open_gap(into->values, into->count, at);
    into->keys[at] = KeyRef(new SharedKey(std::move(key)));
    into->values[at] = std::move(value);
    ++into->count;
    return right;
  }

  static NodeRef put_inner(NodeRef& node, K& key, V& value, bool& added) {
    size_t child = first_not(*node, 1, [&](const K& mine) { return (mine <=> key) <= 0; }) - 1;
    NodeRef grown = put(inner(node)->children[child], key, value, added);
    if (!grown) return {};
    size_t at = child + 1;
    NodeRef right;
    NodeRef* target = &node;
    if (node->count == kWidth) {
      size_t middle = split_point(at);
      right = split(node, middle);
      if (at > middle) target = &right, at -= middle;
    }
    Inner* into = inner(*target);
    open_gap(into->keys, into->count, at);
    open_gap(into->children, into->count, at);
    into->keys[at] = grown->keys[0];
    into->children[at] = std::move(grown);
    ++into->count;
    return right;
  }

  // Removes an entry that is there. Empty nodes do not stay, unless it is the root.
  template <typename Q>
  static void take_out(NodeRef& node, const Q& key) {
    own(node);
    size_t count = node->count;
    if (node->leaf) {
      size_t at = first_not(*node, 0, [&](const K& mine) { return (mine <=> key) < 0; });
      close_gap(node->keys, count, at);
      close_gap(leaf(node)->values, count, at);
      node->count = static_cast<uint16_t>(count - 1);
      return;
    }
    size_t child = first_not(*node, 1, [&](const K& mine) { return (mine <=> key) <= 0; }) - 1;
    take_out(inner(node)->children[child], key);
    if (inner(node)->children[child]->count >= kSparse || count == 1) {
      if (inner(node)->children[child]->count == 0) node->count = 0, inner(node)->children[0] = NodeRef();
      return;
    }
    size_t left = child == 0 ? 0 : child - 1;
    join(*inner(node), left);
  }

  // Moves child left+1 into child left, if one of them is empty or both are well below full.
  static void join(Inner& parent, size_t left) {
    NodeRef& a = parent.children[left];
    NodeRef& b = parent.children[left + 1];
    size_t sum = size_t{a->count} + b->count;
    if (sum > kJoined && a->count > 0 && b->count > 0) return;
    own(a);
    own(b);
    // The first key of an inner node bounds nothing inside it, but would inside the joined one.
    if (!b->leaf && b->count > 0) b->keys[0] = parent.keys[left + 1];
    append(a->keys, a->count, b->keys, 0, b->count);
    if (a->leaf) append(leaf(a)->values, a->count, leaf(b)->values, 0, b->count);
    else append(inner(a)->children, a->count, inner(b)->children, 0, b->count);
    a->count = static_cast<uint16_t>(sum);
    close_gap(parent.keys, parent.count, left + 1);
    close_gap(parent.children, parent.count, left + 1);
    --parent.count;
  }

  NodeRef root_;
  size_t size_ = 0;
};

}  // namespace mainstay
