#include "reconciler/store/snapshot.h"

#include <algorithm>

namespace mainstay {
namespace {

// A name to look for, without copying it.
struct NameView {
  std::string_view ns;
  std::string_view name;
};
std::strong_ordering operator<=>(const ObjectName& mine, const NameView& wanted) {
  if (auto order = std::string_view(mine.ns) <=> wanted.ns; order != 0) return order;
  return std::string_view(mine.name) <=> wanted.name;
}

// Ranges of an index: `before` and `past` say which entries lie before the range, and which do not lie past
// it.
template <typename Before, typename NotPast>
Snapshot::Range index_range(const ObjectIndex& index, const Before& before, const NotPast& not_past) {
  using Iterator = Snapshot::Range::Iterator;
  return {Iterator(index.partition_point(before)), Iterator(index.partition_point(not_past))};
}

const std::string* node_of(const Object& object) {
  const Pod* pod = try_as<Pod>(object);
  return pod != nullptr && !pod->spec.node_name.empty() ? &pod->spec.node_name : nullptr;
}

bool same_owners(const Object& a, const Object& b) {
  return std::equal(a.meta.owner_references.begin(), a.meta.owner_references.end(),
                    b.meta.owner_references.begin(), b.meta.owner_references.end(),
                    [](const OwnerReference& x, const OwnerReference& y) { return x.uid == y.uid; });
}

}  // namespace

ObjectPtr Snapshot::find(const Key& key) const { return find(key.kind, key.ns, key.name); }

ObjectPtr Snapshot::find(Kind kind, std::string_view ns, std::string_view name) const {
  const ObjectPtr* found = table(kind).find(NameView{ns, name});
  return found != nullptr ? *found : nullptr;
}

ObjectPtr Snapshot::find_uid(std::string_view uid) const {
  auto place = by_uid_.partition_point([&](const UidPlace& row) { return row.uid < uid; });
  if (place == by_uid_.end() || place.key().uid != uid) return nullptr;
  return find(place.key().kind, place.key().name.ns, place.key().name.name);
}

Snapshot::Range Snapshot::list(Kind kind) const {
  return {Range::Iterator(table(kind).begin()), Range::Iterator(table(kind).end())};
}

Snapshot::Range Snapshot::list(Kind kind, std::string_view ns) const {
  const ObjectTable& rows = table(kind);
  return {Range::Iterator(rows.partition_point([&](const ObjectName& row) { return row.ns < ns; })),
          Range::Iterator(rows.partition_point([&](const ObjectName& row) { return row.ns <= ns; }))};
}

Snapshot::Range Snapshot::owned_by(std::string_view owner_uid) const {
  return index_range(
      by_owner_, [&](const GroupedName& row) { return row.group < owner_uid; },
      [&](const GroupedName& row) { return row.group <= owner_uid; });
}

Snapshot::Range Snapshot::owned_by(std::string_view owner_uid, Kind kind) const {
  return index_range(
      by_owner_,
      [&](const GroupedName& row) { return row.group != owner_uid ? row.group < owner_uid : row.kind < kind; },
      [&](const GroupedName& row) { return row.group != owner_uid ? row.group < owner_uid : row.kind <= kind; });
}

Snapshot::Range Snapshot::pods_on(std::string_view node) const {
  return index_range(
      by_node_, [&](const GroupedName& row) { return row.group < node; },
      [&](const GroupedName& row) { return row.group <= node; });
}

void Snapshot::enter(const ObjectPtr& object, bool fresh) {
  ObjectName name{object->meta.ns, object->meta.name};
  if (fresh && has_uid_place(object->kind)) by_uid_.set({object->meta.uid, object->kind, name}, {});
  for (const OwnerReference& owner : object->meta.owner_references) {
    by_owner_.set({owner.uid, object->kind, name}, object);
  }
  if (const std::string* node = node_of(*object)) by_node_.set({*node, object->kind, name}, object);
  tables_[static_cast<size_t>(object->kind)].set(std::move(name), object);
}

void Snapshot::leave(const ObjectPtr& object) {
  ObjectName name{object->meta.ns, object->meta.name};
  for (const OwnerReference& owner : object->meta.owner_references) {
    by_owner_.erase(GroupedName{owner.uid, object->kind, name});
  }
  if (const std::string* node = node_of(*object)) by_node_.erase(GroupedName{*node, object->kind, name});
  if (has_uid_place(object->kind)) by_uid_.erase(UidPlace{object->meta.uid, object->kind, {}});
  tables_[static_cast<size_t>(object->kind)].erase(name);
}

void Snapshot::replace(const ObjectPtr& before, const ObjectPtr& after) {
  // enter() overwrites every entry that stays, so only those that go need to be taken out first.
  bool stays = false;
  if (before && after) {
    const std::string *left = node_of(*before), *joined = node_of(*after);
    bool moved = left != nullptr && (joined == nullptr || *left != *joined);
    stays = !moved && before->meta.uid == after->meta.uid && same_owners(*before, *after);
  }
  if (before && !stays) leave(before);
  if (after) enter(after, !stays);
}

}  // namespace mainstay
