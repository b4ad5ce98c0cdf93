#include "gitsync/desired.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_set>

namespace mainstay {
namespace {

constexpr size_t kFilesPerThread = 64;  // below that a thread costs more than it brings
constexpr uint64_t kBuildsRemembered = 2;

std::string_view base_name(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

// Two objects of one key: an error at the later place that names the earlier one.
void report_duplicates(std::vector<DesiredObject>& sorted, Diagnostics& diagnostics) {
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].key != sorted[i - 1].key) continue;
    const Origin& first = sorted[i - 1].origin;
    Diagnostic problem;
    problem.file = sorted[i].origin.path;
    problem.mark = {sorted[i].origin.line, 1};
    problem.message = sorted[i].key.text() + " is declared twice; the other is " + first.path + ":" +
                      std::to_string(first.line);
    problem.hint = "remove one of them";
    diagnostics.add(std::move(problem));
  }
}

}  // namespace

Digest desired_set_hash(const std::vector<DesiredObject>& objects) {
  std::string bytes;
  bytes.reserve(objects.size() * 96);
  for (const DesiredObject& object : objects) {
    const KindInfo& info = kind_info(object.key.kind);
    bytes.append(info.group).append(1, '\0').append(info.kind).append(1, '\0');
    bytes.append(object.key.ns).append(1, '\0').append(object.key.name).append(1, '\0');
    bytes.append(reinterpret_cast<const char*>(object.hash.data()), object.hash.size());
  }
  return sha256(bytes);
}

// JSON and YAML read differently, and a few base names mean something.
DesiredBuilder::MemoryKey DesiredBuilder::memory_key(const TreeFile& file) {
  std::string_view name = base_name(file.path);
  uint8_t variant = name.ends_with(".json") ? 1 : 0;
  if (name == "kustomization.yaml" || name == "kustomization.yml") variant = 2;
  if (name == "Chart.yaml") variant = 3;
  return {file.blob, variant};
}

std::string_view DesiredBuilder::below(std::string_view path) const {
  return path_.empty() ? path : path.substr(std::min(path_.size() + 1, path.size()));
}

std::vector<const TreeFile*> DesiredBuilder::missing(const std::vector<TreeFile>& files) const {
  std::vector<const TreeFile*> out;
  std::unordered_set<MemoryKey, MemoryHash> asked;
  for (const TreeFile& file : files) {
    if (file.kind != TreeFile::Kind::kFile) continue;
    MemoryKey key = memory_key(file);
    if (memory_.count(key) == 0 && asked.insert(key).second) out.push_back(&file);
  }
  return out;
}

void DesiredBuilder::learn(const std::vector<Content>& contents, unsigned threads) {
  std::vector<FileObjectsPtr> read(contents.size());
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < contents.size(); i = next++) {
      const Content& content = contents[i];
      read[i] = content.bytes.ok() ? read_manifest(base_name(content.file->path), *content.bytes, rules_)
                                   : unreadable_manifest(content.bytes.error().message);
    }
  };
  std::vector<std::thread> others;
  const size_t useful = std::min<size_t>(threads, contents.size() / kFilesPerThread);
  for (size_t i = 1; i < useful; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  for (size_t i = 0; i < contents.size(); ++i)
    memory_[memory_key(*contents[i].file)] = {std::move(read[i]), builds_ + 1};
}

BuiltSet DesiredBuilder::build(const std::vector<TreeFile>& files) {
  ++builds_;
  BuiltSet built;
  auto set = std::make_shared<DesiredSet>();
  for (const TreeFile& file : files) {
    if (file.kind != TreeFile::Kind::kFile) {
      built.diagnostics.add(entry_problem(file, below(file.path)));
      continue;
    }
    auto found = memory_.find(memory_key(file));
    ENSURE(found != memory_.end(), "a file of the tree was not read");
    found->second.used = builds_;
    for (const Diagnostic& diagnostic : found->second.objects->diagnostics.all()) {
      built.diagnostics.add(placed(diagnostic, file.path, below(file.path)));
    }
    for (const DesiredObject& object : found->second.objects->objects) {
      set->objects.push_back(object);
      set->objects.back().origin.path = file.path;
    }
  }
  forget_unused();
  // Stable: of two equal keys the one in the earlier file stays first.
  std::stable_sort(set->objects.begin(), set->objects.end(),
                   [](const DesiredObject& a, const DesiredObject& b) { return a.key < b.key; });
  report_duplicates(set->objects, built.diagnostics);
  if (built.diagnostics.has_errors()) return built;
  if (set->objects.empty()) {
    built.state = BuiltSet::State::kNoObjects;
    return built;
  }
  set->hash = desired_set_hash(set->objects);
  built.state = BuiltSet::State::kAccepted;
  built.set = std::move(set);
  return built;
}

void DesiredBuilder::forget_unused() {
  std::erase_if(memory_, [&](const auto& entry) { return entry.second.used + kBuildsRemembered <= builds_; });
}

}  // namespace mainstay
