#include "reconciler/store/load.h"

#include <algorithm>
#include <utility>

#include "schema/decode.h"
#include "schema/diagnostics.h"

namespace mainstay {

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
