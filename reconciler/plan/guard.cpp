#include "reconciler/plan/guard.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace mainstay {
namespace {

using Keys = std::set<Key>;

bool counts(const Object& object) { return object.kind != Kind::kEvent; }

// Everything in a namespace but its events.
std::vector<ObjectPtr> contents(const Snapshot& live, const std::string& ns) {
  std::vector<ObjectPtr> out;
  for (const KindInfo& info : all_kinds()) {
    if (!info.namespaced || info.id == Kind::kEvent) continue;
    for (const ObjectPtr& object : live.list(info.id, ns)) out.push_back(object);
  }
  return out;
}

// Adds the object and what it owns, directly or not.
void add_owned(const Snapshot& live, const Object& root, Keys& out) {
  std::vector<std::string> owners;
  if (out.insert(root.key()).second) owners.push_back(root.meta.uid);
  while (!owners.empty()) {
    std::string uid = std::move(owners.back());
    owners.pop_back();
    for (const ObjectPtr& dependent : live.owned_by(uid)) {
      if (counts(*dependent) && out.insert(dependent->key()).second) owners.push_back(dependent->meta.uid);
    }
  }
}

// add_owned, and for a namespace also all it holds.
void add_cascade(const Snapshot& live, const Object& root, Keys& out) {
  add_owned(live, root, out);
  if (root.kind != Kind::kNamespace) return;
  for (const ObjectPtr& object : contents(live, root.meta.name)) add_owned(live, *object, out);
}

// Every namespace gets these by itself.
bool is_provided(const Object& object) {
  return (object.kind == Kind::kServiceAccount && object.meta.name == "default") ||
         (object.kind == Kind::kConfigMap && object.meta.name == "kube-root-ca.crt");
}

bool contains(std::span<const Key> sorted, const Key& key) {
  return std::binary_search(sorted.begin(), sorted.end(), key);
}

class Guard {
 public:
  explicit Guard(const GuardInput& input) : input_(input) {
    for (const PlannedChange& change : input.changes.changes) {
      if (change.action == PlanAction::kPrune) prunes_.push_back(&change);
    }
  }

  GuardVerdict judge() {
    out_.prunes = prunes_.size();
    if (prunes_.empty()) return std::move(out_);
    count();
    for (const PlannedChange* prune : prunes_) judge_one(*prune);
    std::sort(out_.holds.begin(), out_.holds.end(),
              [](const Hold& a, const Hold& b) { return a.key < b.key; });
    bool releasable = std::any_of(out_.holds.begin(), out_.holds.end(), [](const Hold& hold) {
      return hold.reason != HoldReason::kNamespaceInUse;
    });
    if (releasable) {
      std::string count = std::to_string(out_.prunes);
      bool miscounted = input_.acknowledged_count && *input_.acknowledged_count != out_.prunes;
      if (miscounted) {
        out_.advice = "the trailer \"Mainstay-Prune: " + std::to_string(*input_.acknowledged_count) +
                      "\" does not count: " + count + " would go; ";
      }
      out_.advice += "to let them go: the commit trailer \"Mainstay-Prune: " + count + "\", or `mainstay ack`";
    }
    return std::move(out_);
  }

 private:
  void count() {
    Keys gone, all;
    for (const PlannedChange* prune : prunes_) add_cascade(input_.live, *prune->live, gone);
    if (input_.last != nullptr) {
      for (const DesiredObject& object : input_.last->objects) {
        ObjectPtr live = input_.live.find(object.key);
        if (!live) continue;
        add_owned(input_.live, *live, mine_);
        add_cascade(input_.live, *live, all);
      }
    }
    all.insert(gone.begin(), gone.end());
    out_.gone = gone.size();
    out_.total = all.size();
    too_many_ = out_.gone > kPruneLimit && out_.gone * 100 > out_.total * kPruneLimitPercent;
  }

  bool acknowledged() const {
    return input_.acknowledged || (input_.acknowledged_count && *input_.acknowledged_count == out_.prunes);
  }

  // The commit goes back to a set that was applied before, and this object had gone by then.
  bool is_return_without(const Key& key) const {
    if (contains(input_.held_before, key)) return false;
    return std::any_of(input_.earlier.begin(), input_.earlier.end(), [&](const AppliedSet& set) {
      return set.hash == input_.desired.hash && !contains(set.held, key);
    });
  }

  void judge_one(const PlannedChange& prune) {
    bool is_namespace = prune.key.kind == Kind::kNamespace;
    if (is_namespace && declares_inside(prune.key.name)) {
      return hold(prune, HoldReason::kNamespaceInUse, "objects that this commit declares stand in it");
    }
    if (acknowledged()) return;
    if (!input_.prune) return hold(prune, HoldReason::kPolicy, "the application's policy does not prune");
    if (takes_claim(prune)) {
      bool itself = prune.key.kind == Kind::kPersistentVolumeClaim;
      return hold(prune, HoldReason::kClaim,
                  itself ? "its data would be lost" : "a PersistentVolumeClaim would go with it");
    }
    if (is_return_without(prune.key)) {
      size_t others = is_namespace ? others_inside(prune.key.name) : 0;
      if (others == 0) return;
      return hold(prune, HoldReason::kNamespace,
                  std::to_string(others) + " objects in it are not this application's");
    }
    if (is_namespace) return hold(prune, HoldReason::kNamespace, "all that stands in it would go with it");
    if (too_many_) {
      return hold(prune, HoldReason::kTooMany,
                  std::to_string(out_.gone) + " of " + std::to_string(out_.total) + " objects would go");
    }
    if (contains(input_.held_before, prune.key)) {
      hold(prune, HoldReason::kHeldBefore, "it was held by an earlier commit and not acknowledged");
    }
  }

  void hold(const PlannedChange& prune, HoldReason reason, std::string sentence) {
    out_.holds.push_back({prune.key, prune.origin, reason, std::move(sentence)});
  }

  bool declares_inside(const std::string& ns) const {
    const auto& objects = input_.desired.objects;
    return std::any_of(objects.begin(), objects.end(),
                       [&](const DesiredObject& object) { return object.key.ns == ns; });
  }

  bool takes_claim(const PlannedChange& prune) const {
    Keys cascade;
    add_cascade(input_.live, *prune.live, cascade);
    return std::any_of(cascade.begin(), cascade.end(),
                       [](const Key& key) { return key.kind == Kind::kPersistentVolumeClaim; });
  }

  size_t others_inside(const std::string& ns) const {
    size_t others = 0;
    for (const ObjectPtr& object : contents(input_.live, ns)) {
      if (!is_provided(*object) && mine_.count(object->key()) == 0) ++others;
    }
    return others;
  }

  const GuardInput& input_;
  std::vector<const PlannedChange*> prunes_;
  Keys mine_;  // what the application declared and what that owns
  bool too_many_ = false;
  GuardVerdict out_;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

const Hold* GuardVerdict::find(const Key& key) const {
  auto found = std::lower_bound(holds.begin(), holds.end(), key,
                                [](const Hold& hold, const Key& wanted) { return hold.key < wanted; });
  return found != holds.end() && found->key == key ? &*found : nullptr;
}

std::vector<Key> GuardVerdict::held() const {
  std::vector<Key> out;
  for (const Hold& hold : holds) out.push_back(hold.key);
  return out;
}

GuardVerdict guard_prunes(const GuardInput& input) { return Guard(input).judge(); }

std::optional<size_t> prune_trailer(std::span<const std::pair<std::string, std::string>> trailers) {
  for (const auto& [name, value] : trailers) {
    if (!equal_ignoring_case(name, "Mainstay-Prune")) continue;
    std::string_view text = value;
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    size_t count = 0;
    auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (trouble == std::errc() && end == text.data() + text.size() && !text.empty()) return count;
  }
  return std::nullopt;
}

}  // namespace mainstay
