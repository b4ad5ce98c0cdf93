#include "reconciler/store/load.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "schema/decode.h"
#include "schema/diagnostics.h"

namespace mainstay {
namespace {

template <typename K, typename V = ObjectPtr>
using Entries = std::vector<std::pair<K, V>>;

template <typename K, typename V>
void sort_entries(Entries<K, V>& entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
}

// The first entry that stands twice; null if none does.
template <typename K, typename V>
const K* repeated(const Entries<K, V>& sorted) {
  auto found = std::adjacent_find(sorted.begin(), sorted.end(),
                                  [](const auto& a, const auto& b) { return a.first == b.first; });
  return found != sorted.end() ? &found->first : nullptr;
}

struct Groups {
  Entries<GroupedName> by_owner, by_node;
};

Groups group(const std::vector<ObjectPtr>& objects) {
  Groups out;
  for (const ObjectPtr& object : objects) {
    ObjectName name{object->meta.ns, object->meta.name};
    for (const OwnerReference& owner : object->meta.owner_references) {
      out.by_owner.push_back({{owner.uid, object->kind, name}, object});
    }
    const Pod* pod = try_as<Pod>(*object);
    if (pod == nullptr || pod->spec.node_name.empty()) continue;
    out.by_node.push_back({{pod->spec.node_name, object->kind, std::move(name)}, object});
  }
  // An owner may be named twice by one object: the index has it once.
  for (Entries<GroupedName>* entries : {&out.by_owner, &out.by_node}) {
    sort_entries(*entries);
    auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    entries->erase(std::unique(entries->begin(), entries->end(), same), entries->end());
  }
  return out;
}

}  // namespace

Result<Snapshot> StoreLoader::load_all(const std::vector<ObjectPtr>& objects) {
  StoreLoader loader;
  Snapshot& out = loader.snapshot_;
  std::array<Entries<ObjectName>, kKindCount> tables;
  Entries<UidPlace, NoValue> by_uid;
  std::thread second([&] {
    by_uid.reserve(objects.size());
    for (const ObjectPtr& object : objects) {
      if (!has_uid_place(object->kind)) continue;
      by_uid.push_back({{object->meta.uid, object->kind, {object->meta.ns, object->meta.name}}, {}});
    }
    sort_entries(by_uid);
  });
  for (const ObjectPtr& object : objects) {
    tables[static_cast<size_t>(object->kind)].emplace_back(ObjectName{object->meta.ns, object->meta.name}, object);
    loader.raise_version(object->version);
  }
  Groups groups = group(objects);
  second.join();
  std::optional<Key> twice;
  if (const UidPlace* found = repeated(by_uid)) twice = Key{found->kind, found->name.ns, found->name.name};
  for (size_t kind = 0; kind < kKindCount && !twice; ++kind) {
    if (const ObjectName* found = repeated(tables[kind])) twice = Key{static_cast<Kind>(kind), found->ns, found->name};
  }
  if (twice) {
    return error(ErrorCode::kCorrupt,
                 "the name or the uid of " + twice->text() + " stands twice; restore a backup");
  }
  for (size_t kind = 0; kind < kKindCount; ++kind) {
    out.tables_[kind] = ObjectTable::from_sorted(std::move(tables[kind]));
  }
  out.by_uid_ = UidIndex::from_sorted(std::move(by_uid));
  out.by_owner_ = ObjectIndex::from_sorted(std::move(groups.by_owner));
  out.by_node_ = ObjectIndex::from_sorted(std::move(groups.by_node));
  return std::move(loader).finish();
}

void StoreLoader::put(const ObjectPtr& object) {
  snapshot_.replace(snapshot_.find(object->key()), object);
  raise_version(object->version);
}

void StoreLoader::take_out(const Key& key) { snapshot_.replace(snapshot_.find(key), nullptr); }

void StoreLoader::apply(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    snapshot_.replace(change.before, change.after);
    raise_version(change.version);
  }
}

void StoreLoader::raise_version(uint64_t version) { snapshot_.version_ = std::max(snapshot_.version_, version); }

void ApplicationLoader::put(const CursorRow& row) {
  if (row.removed) {
    applications_[row.application].cursor.reset();
    applications_[row.application].desired.clear();
  } else {
    applications_[row.application].cursor = row;
  }
}

void ApplicationLoader::put(const OriginRow& row) {
  auto& desired = applications_[row.application].desired;
  if (auto found = desired.find(row.key); found != desired.end()) found->second.origin = row.origin;
}

void ApplicationLoader::put(CommitRow row) {
  auto& commits = applications_[row.application].commits;
  auto place = std::find_if(commits.begin(), commits.end(),
                            [&](const CommitRow& other) { return other.number <= row.number; });
  if (place != commits.end() && place->number == row.number) {
    *place = std::move(row);
    return;
  }
  commits.insert(place, std::move(row));
  if (commits.size() > kLoadedCommits) commits.pop_back();
}

void ApplicationLoader::put(const DesiredRow& row, ObjectPtr object) {
  DesiredObject& entry = applications_[row.application].desired[row.key];
  entry.key = row.key;
  entry.object = std::move(object);
  entry.declared = row.declared;
  entry.hash = row.hash;
}

void ApplicationLoader::take_out(const std::string& application, const Key& key) {
  applications_[application].desired.erase(key);
}

std::vector<LoadedApplication> ApplicationLoader::finish() const {
  std::vector<LoadedApplication> out;
  for (const auto& [name, rows] : applications_) {
    auto set = std::make_shared<DesiredSet>();
    for (const auto& [key, entry] : rows.desired) set->objects.set(entry);
    if (rows.cursor) set->hash = rows.cursor->set_hash;
    out.push_back({name, rows.cursor, std::move(set), rows.commits});
  }
  return out;
}

Result<ObjectPtr> decode_declared(const Value& declared) {
  Diagnostics diagnostics;
  DecodeOptions options;
  options.unknown_fields = UnknownFields::kIgnore;
  std::optional<Object> object = decode_object(declared, options, diagnostics);
  if (!object) return error(ErrorCode::kCorrupt, "a declared object has no known apiVersion and kind");
  return ObjectPtr(std::make_shared<const Object>(std::move(*object)));
}

}  // namespace mainstay
