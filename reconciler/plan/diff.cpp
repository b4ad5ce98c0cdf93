#include "reconciler/plan/diff.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "reconciler/store/priority.h"
#include "schema/apply.h"
#include "schema/compare.h"
#include "schema/defaults.h"
#include "schema/not_yet.h"
#include "schema/validate.h"

namespace mainstay {
namespace {

// They are always there, and may not be deleted. Sorted.
constexpr std::array<std::string_view, 4> kPermanentNamespaces = {"default", "kube-node-lease", "kube-public",
                                                                  "kube-system"};

bool is_permanent(std::string_view ns) {
  return std::binary_search(kPermanentNamespaces.begin(), kPermanentNamespaces.end(), ns);
}

bool is_leaving(const Object& object) { return object.meta.deletion_timestamp != WallTime{}; }

void add_edits(std::vector<FieldEdit>& out, const Key& key, std::string_view prefix,
               std::vector<FieldChange> changes) {
  for (FieldChange& change : changes) {
    if ((change.flags & kStatus) != 0) continue;
    out.push_back(printable(key, std::string(prefix) + change.path, std::move(change.before),
                            std::move(change.after), (change.flags & kSecret) != 0));
  }
}

std::vector<FieldEdit> edits_between(const Object& live, const Object& next) {
  std::vector<FieldEdit> out;
  Key key = live.key();
  add_edits(out, key, "metadata.", diff_paths(ObjectMeta::kType, &live.meta, &next.meta));
  const KindInfo& info = live.info();
  if (info.typed()) {
    add_edits(out, key, "", diff_paths(*info.type, body_storage(live), body_storage(next)));
  } else {
    add_edits(out, key, "", diff_paths(*info.type, generic_fields(live), generic_fields(next)));
  }
  return out;
}

// One walk over the desired and the last set.
class Walk {
 public:
  Walk(const DiffInput& input, SyncMemo* memo) : input_(input), memo_(memo) {}

  ChangeSet run() {
    if (input_.suspects != nullptr) walk_suspects(); else walk_all();
    out_.unchanged += input_.desired.objects.size() - looked_at_;
    std::reverse(prunes_.begin(), prunes_.end());
    std::move(prunes_.begin(), prunes_.end(), std::back_inserter(out_.changes));
    if (memo_ != nullptr) memo_->bound(input_.desired.objects.size());
    return std::move(out_);
  }

 private:
  static const DesiredObjects& objects_of(const DesiredSet* set) {
    static const DesiredObjects kNone;
    return set != nullptr ? set->objects : kNone;
  }

  void walk_all() {
    const DesiredObjects &wanted = input_.desired.objects, &before = objects_of(input_.last);
    auto w = wanted.begin(), b = before.begin();
    while (w != wanted.end() || b != before.end()) {
      if (b == before.end() || (w != wanted.end() && w->key < b->key)) {
        declared(*w++, nullptr);
      } else if (w == wanted.end() || b->key < w->key) {
        no_longer_declared(*b++);
      } else {
        declared(*w++, &*b++);
      }
    }
  }

  // What differs between the sets and what is suspect, in one order.
  void walk_suspects() {
    auto suspect = input_.suspects->begin();
    auto look_until = [&](const Key* end) {
      for (; suspect != input_.suspects->end() && (end == nullptr || *suspect < *end); ++suspect) {
        const DesiredObject* same = input_.desired.objects.find(*suspect);
        if (same != nullptr) declared(*same, same);
      }
    };
    DesiredObjects::for_each_difference(
        objects_of(input_.last), input_.desired.objects, [&](const DesiredObject* before, const DesiredObject* after) {
          const Key& key = after != nullptr ? after->key : before->key;
          look_until(&key);
          if (suspect != input_.suspects->end() && *suspect == key) ++suspect;
          if (after != nullptr) declared(*after, before); else no_longer_declared(*before);
        });
    look_until(nullptr);
  }

  void declared(const DesiredObject& desired, const DesiredObject* last) {
    ++looked_at_;
    ObjectPtr live = input_.live.find(desired.key);
    if (live && memo_ != nullptr && last != nullptr && last->hash == desired.hash &&
        memo_->holds(desired, *live)) {
      ++out_.unchanged;
      return;
    }
    if (!may_declare(desired)) return;
    if (!live) {
      create(desired, last);
    } else if (is_leaving(*live)) {
      out_.leaving.push_back(desired.key);
    } else {
      update(desired, last, live);
    }
  }

  bool may_declare(const DesiredObject& desired) {
    auto claim = std::lower_bound(input_.claims.begin(), input_.claims.end(), desired.key,
                                  [](const Claim& each, const Key& key) { return each.key < key; });
    if (claim != input_.claims.end() && claim->key == desired.key) {
      mistake(desired, "metadata.name",
              desired.key.text() + " is declared by the application " + quoted(claim->application) + " too",
              "an object can belong to one application only");
      return false;
    }
    const std::string& ns = desired.key.ns;
    if (ns.empty() || may_hold_objects(ns, input_.desired, input_.live)) return true;
    if (input_.desired.may_be_unread(ns)) return false;
    mistake(desired, "metadata.namespace", "namespaces " + quoted(ns) + " not found",
            "declare the Namespace in the repository, or create it");
    return false;
  }

  // The priority classes of the same commit count: they are applied before the pods are.
  const std::vector<PriorityClassFacts>& declared_classes() {
    if (classes_) return *classes_;
    classes_.emplace();
    for (const DesiredObject& desired : input_.desired.objects) {
      if (desired.key.kind > Kind::kPriorityClass) break;
      if (desired.key.kind == Kind::kPriorityClass) classes_->push_back(priority_class_facts(*desired.object));
    }
    return *classes_;
  }

  bool admit(const DesiredObject& desired, Object& pod) {
    admit_pod(pod);
    const std::string& name = as<Pod>(pod).spec.priority_class_name;
    std::optional<PriorityClassFacts> named, by_default = default_priority_class(input_.live);
    if (!name.empty()) named = find_priority_class(input_.live, name);
    for (const PriorityClassFacts& declared : declared_classes()) {
      if (declared.name == name) named = declared;
      bool lower = !by_default || declared.value < by_default->value;
      if (name.empty() && declared.global_default && lower) by_default = declared;
    }
    std::string trouble = resolve_priority(pod, named ? &*named : nullptr, by_default ? &*by_default : nullptr);
    if (!trouble.empty() && !input_.desired.may_be_unread(name)) {
      mistake(desired, "spec.priorityClassName", trouble, "");
    }
    return trouble.empty();
  }

  void create(const DesiredObject& desired, const DesiredObject* last) {
    ObjectPtr next = desired.object;
    if (desired.key.kind == Kind::kPod) {
      Object admitted = *next;
      if (!admit(desired, admitted)) return;
      next = std::make_shared<const Object>(std::move(admitted));
    }
    PlannedChange change = change_of(PlanAction::kCreate, desired, last);
    change.next = std::move(next);
    out_.changes.push_back(std::move(change));
  }

  void update(const DesiredObject& desired, const DesiredObject* last, const ObjectPtr& live) {
    const Value* declared_before = last != nullptr ? last->declared.get() : nullptr;
    Result<Object> merged = apply_object(*live, declared_before, *desired.declared);
    if (!merged.ok()) return mistake(desired, "", merged.error().message, "");
    if (same_content(*live, *merged)) {
      ++out_.unchanged;
      if (memo_ != nullptr) memo_->note(desired, *live);
      return;
    }
    size_t mistakes_before = out_.mistakes.error_count();
    Diagnostics found(desired.origin.path);
    validate(*merged, desired.declared.get(), found);
    validate_update(*live, *merged, desired.declared.get(), found);
    add_mistakes(desired, found);
    if (out_.mistakes.error_count() > mistakes_before) return;
    PlannedChange change = change_of(PlanAction::kUpdate, desired, last);
    change.live = live;
    change.edits = edits_between(*live, *merged);
    change.adopts = last == nullptr;
    change.next = std::make_shared<const Object>(*std::move(merged));
    out_.changes.push_back(std::move(change));
  }

  void no_longer_declared(const DesiredObject& last) {
    ObjectPtr live = input_.live.find(last.key);
    if (!live || is_leaving(*live)) return;
    // These outlive every repository: they are only let go.
    if (last.key.kind == Kind::kNamespace && is_permanent(last.key.name)) return;
    PlannedChange change;
    change.action = PlanAction::kPrune;
    change.key = last.key;
    change.origin = last.origin;
    change.live = std::move(live);
    change.last_declared = last.declared;
    prunes_.push_back(std::move(change));
  }

  static PlannedChange change_of(PlanAction action, const DesiredObject& desired, const DesiredObject* last) {
    PlannedChange change;
    change.action = action;
    change.key = desired.key;
    change.origin = desired.origin;
    change.desired = desired.object;
    change.declared = desired.declared;
    if (last != nullptr) change.last_declared = last->declared;
    change.not_enforced = not_enforced(desired.key.kind, *desired.declared);
    return change;
  }

  void mistake(const DesiredObject& desired, std::string path, std::string message, std::string hint) {
    Mark mark = locate(*desired.declared, path);
    if (mark.line == 0) mark = {desired.origin.line, 1};
    Diagnostic diagnostic;
    diagnostic.file = desired.origin.path;
    diagnostic.mark = mark;
    diagnostic.path = std::move(path);
    diagnostic.message = std::move(message);
    diagnostic.hint = std::move(hint);
    out_.mistakes.add(std::move(diagnostic));
  }

  void add_mistakes(const DesiredObject& desired, const Diagnostics& found) {
    for (Diagnostic diagnostic : found.all()) {
      if (diagnostic.severity != Severity::kError) continue;
      if (diagnostic.mark.line == 0) diagnostic.mark = {desired.origin.line, 1};
      diagnostic.message = desired.key.text() + ": " + diagnostic.message;
      bool is_fixed = diagnostic.message.find("immutable") != std::string::npos ||
                      diagnostic.message.find("may not change once set") != std::string::npos;
      if (diagnostic.hint.empty() && is_fixed) {
        diagnostic.hint = "give the object a new name, or delete it first";
      }
      out_.mistakes.add(std::move(diagnostic));
    }
  }

  const DiffInput& input_;
  SyncMemo* memo_;
  size_t looked_at_ = 0;  // of the desired set
  std::optional<std::vector<PriorityClassFacts>> classes_;
  ChangeSet out_;
  std::vector<PlannedChange> prunes_;
};

}  // namespace

bool SyncMemo::holds(const DesiredObject& desired, const Object& live) const {
  auto found = seen_.find(desired.key);
  return found != seen_.end() && found->second.version == live.version && found->second.hash == desired.hash;
}

void SyncMemo::note(const DesiredObject& desired, const Object& live) {
  seen_[desired.key] = {live.version, desired.hash};
}

void SyncMemo::bound(size_t wanted) {
  if (seen_.size() > 2 * wanted + 1000) seen_.clear();
}

bool may_hold_objects(const std::string& ns, const DesiredSet& desired, const Snapshot& live) {
  return is_permanent(ns) || desired.objects.find(Key{Kind::kNamespace, "", ns}) != nullptr ||
         live.find(Kind::kNamespace, "", ns) != nullptr;
}

ChangeSet diff(const DiffInput& input, SyncMemo* memo) { return Walk(input, memo).run(); }

std::vector<FieldEdit> drifted(const DesiredObject& desired, const Object& live) {
  std::vector<FieldEdit> out;
  Result<std::vector<Drift>> found = drift_object(live, *desired.declared);
  // What cannot even be merged is as far from what is declared as can be.
  if (!found.ok()) return {printable(desired.key, "", Value(), Value(found.error().message), false)};
  for (Drift& drift : *found) {
    out.push_back(printable(desired.key, std::move(drift.path), std::move(drift.live),
                            std::move(drift.declared), drift.secret));
  }
  return out;
}

FieldEdit printable(const Key& key, std::string path, Value before, Value after, bool secret) {
  // kubectl's own annotation holds a whole manifest, and people put tokens into annotations of Secrets.
  bool hidden = secret || (key.kind == Kind::kSecret && !path.starts_with("metadata.labels")) ||
                path.starts_with("metadata.annotations[kubectl.kubernetes.io/last-applied-configuration");
  if (hidden) return {std::move(path), Value(), Value(), true};
  return {std::move(path), std::move(before), std::move(after), false};
}

}  // namespace mainstay
