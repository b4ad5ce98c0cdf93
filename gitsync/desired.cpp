#include "gitsync/desired.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_set>

#include "schema/service_claims.h"
#include "schema/validate.h"

namespace mainstay {
namespace {

constexpr size_t kFilesPerThread = 64;  // below that a thread costs more than it brings
constexpr uint64_t kBuildsRemembered = 2;

std::string_view base_name(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

// Two objects of one key: an error at the later place that names the earlier one.
Diagnostic duplicate_of(const DesiredObject& later, const DesiredObject& earlier) {
  Diagnostic problem;
  problem.file = later.origin.path;
  problem.mark = {later.origin.line, 1};
  problem.message = later.key.text() + " is declared twice; the other is " + earlier.origin.path + ":" +
                    std::to_string(earlier.origin.line);
  problem.hint = "remove one of them";
  return problem;
}

Mark mark_of(const DesiredObject& object, std::string_view path) {
  Mark mark = locate(*object.declared, path);
  return mark.line != 0 ? mark : Mark{object.origin.line, 1};
}

// Services of the tree that ask for what another one asks for: an error at the field of the later by name.
class ClaimCheck {
 public:
  explicit ClaimCheck(Diagnostics& problems) : problems_(problems) {}

  void add(const DesiredObject& object) {
    for (ServiceClaim& claim : service_claims(*object.object)) {
      auto [first, is_new] = holders_.try_emplace(claim.what, Holder{&object, claim.path});
      // Of one that is declared twice that is said already.
      if (!is_new && first->second.object->key != object.key) report(object, std::move(claim), first->second);
    }
  }

 private:
  struct Holder {
    const DesiredObject* object;
    std::string path;
  };

  void report(const DesiredObject& later, ServiceClaim claim, const Holder& first) {
    const DesiredObject& other = *first.object;
    Diagnostic problem;
    problem.file = later.origin.path;
    problem.mark = mark_of(later, claim.path);
    problem.path = std::move(claim.path);
    problem.message = later.key.text() + ": " + claim.refusal + "; the other is " + other.key.text() + ", " +
                      other.origin.path + ":" + std::to_string(mark_of(other, first.path).line);
    problem.hint = "leave it out of one of them, or give it another value";
    problems_.add(std::move(problem));
  }

  Diagnostics& problems_;
  std::map<std::string, Holder> holders_;
};

// False if another object has one of its claims.
bool take_claims(std::map<std::string, Key>& claims, const DesiredObject& object) {
  for (ServiceClaim& claim : service_claims(*object.object)) {
    auto [holder, is_new] = claims.try_emplace(std::move(claim.what), object.key);
    if (!is_new && holder->second != object.key) return false;
  }
  return true;
}

std::shared_ptr<const DesiredObject> placed_at(const DesiredObject& object, const std::string& path) {
  auto out = std::make_shared<DesiredObject>(object);
  out->origin.path = path;
  return out;
}

}  // namespace

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
  for (size_t i = 0; i < contents.size(); ++i) {
    MemoryKey key = memory_key(*contents[i].file);
    memory_[key] = {std::move(read[i]), 0, builds_ + 1};
    idle_.push_back(key);
  }
}

DesiredBuilder::Remembered& DesiredBuilder::remembered_of(const TreeFile& file) {
  auto found = memory_.find(memory_key(file));
  ENSURE(found != memory_.end(), "a file of the tree was not read");
  return found->second;
}

void DesiredBuilder::add_diagnostics(const std::string& path, const FileObjects& objects, Diagnostics& out) const {
  for (const Diagnostic& diagnostic : objects.diagnostics.all()) {
    out.add(placed(diagnostic, path, below(path)));
  }
}

bool DesiredBuilder::add(Base& base, const TreeFile& file, const FileObjectsPtr& objects) {
  for (const DesiredObject& object : objects->objects) {
    if (base.objects.find(object.key) != nullptr || !take_claims(base.claims, object)) return false;
    base.objects.set(placed_at(object, file.path));
    base.hash.set(object.key, object.hash);
  }
  if (!objects->diagnostics.empty()) base.with_warnings[file.path] = objects;
  return true;
}

BuiltSet DesiredBuilder::build(const std::vector<TreeFile>& files) {
  ++builds_;
  base_.reset();
  for (auto& [key, known] : memory_) known.files = 0;
  BuiltSet built;
  std::vector<std::shared_ptr<const DesiredObject>> objects;
  Base base;
  std::set<std::string> unread;
  for (const TreeFile& file : files) {
    if (file.kind != TreeFile::Kind::kFile) {
      built.diagnostics.add(entry_problem(file, below(file.path)));
      unread.insert("");
      continue;
    }
    Remembered& known = remembered_of(file);
    ++known.files;
    known.used = builds_;
    add_diagnostics(file.path, *known.objects, built.diagnostics);
    if (!known.objects->diagnostics.empty()) base.with_warnings[file.path] = known.objects;
    unread.insert(known.objects->unread.begin(), known.objects->unread.end());
    for (const DesiredObject& object : known.objects->objects) objects.push_back(placed_at(object, file.path));
  }
  forget_unused();
  // Stable: of two equal keys the one in the earlier file stays first.
  std::stable_sort(objects.begin(), objects.end(), [](const auto& a, const auto& b) { return a->key < b->key; });
  for (size_t i = 1; i < objects.size(); ++i) {
    if (objects[i]->key == objects[i - 1]->key) built.diagnostics.add(duplicate_of(*objects[i], *objects[i - 1]));
  }
  ClaimCheck check(built.diagnostics);
  for (const auto& object : objects) check.add(*object);
  if (built.diagnostics.has_errors()) {
    return refuse(std::move(objects), std::move(unread), std::move(built.diagnostics));
  }
  if (objects.empty()) {
    built.state = BuiltSet::State::kNoObjects;
    return built;
  }
  for (auto& object : objects) {
    ENSURE(take_claims(base.claims, *object), "claims that clash were told as mistakes");
    base.hash.set(object->key, object->hash);
    base.objects.set(std::move(object));
  }
  base_ = std::move(base);
  return accept(std::move(built.diagnostics));
}

std::optional<BuiltSet> DesiredBuilder::update(const std::vector<TreeFile>& gone,
                                               const std::vector<TreeFile>& come) {
  ENSURE(base_.has_value(), "an update goes on from an accepted set");
  for (const TreeFile& file : come) {
    if (file.kind != TreeFile::Kind::kFile) return std::nullopt;
    if (remembered_of(file).objects->diagnostics.has_errors()) return std::nullopt;
  }
  ++builds_;
  Base& base = *base_;
  for (const TreeFile& file : gone) {
    Remembered& known = remembered_of(file);
    for (const DesiredObject& object : known.objects->objects) {
      ENSURE(base.objects.erase(object.key), "what a file of the last tree declared stood in its set");
      base.hash.erase(object.key);
      for (const ServiceClaim& claim : service_claims(*object.object)) base.claims.erase(claim.what);
    }
    base.with_warnings.erase(file.path);
    known.used = builds_;
    if (--known.files == 0) idle_.push_back(memory_key(file));
  }
  for (const TreeFile& file : come) {
    Remembered& known = remembered_of(file);
    known.used = builds_;
    ++known.files;
    if (add(base, file, known.objects)) continue;
    base_.reset();  // half changed: the whole tree must be built
    return std::nullopt;
  }
  forget_unused();
  if (base.objects.empty()) {
    base_.reset();
    return std::nullopt;
  }
  Diagnostics warnings;
  for (const auto& [path, objects] : base.with_warnings) add_diagnostics(path, *objects, warnings);
  return accept(std::move(warnings));
}

BuiltSet DesiredBuilder::accept(Diagnostics diagnostics) {
  auto set = std::make_shared<DesiredSet>();
  set->objects = base_->objects;
  set->hash = base_->hash.digest();
  BuiltSet built;
  built.state = BuiltSet::State::kAccepted;
  built.set = std::move(set);
  built.diagnostics = std::move(diagnostics);
  return built;
}

BuiltSet DesiredBuilder::refuse(std::vector<std::shared_ptr<const DesiredObject>> objects,
                                std::set<std::string> unread, Diagnostics diagnostics) {
  auto part = std::make_shared<DesiredSet>();
  part->is_partial = true;
  part->unread = std::move(unread);
  for (auto& object : objects) {
    // Which of two of one key is meant nobody knows: the first stands for both.
    if (part->objects.find(object->key) == nullptr) part->objects.set(std::move(object));
  }
  BuiltSet built;
  built.state = BuiltSet::State::kRefused;
  built.readable = std::move(part);
  built.diagnostics = std::move(diagnostics);
  return built;
}

// A whole build leaves blobs behind that update() would have counted out.
void DesiredBuilder::forget_unused() {
  if (!base_) {
    idle_.clear();
    for (const auto& [key, known] : memory_) {
      if (known.files == 0) idle_.push_back(key);
    }
  }
  std::erase_if(idle_, [&](const MemoryKey& key) {
    auto found = memory_.find(key);
    if (found == memory_.end() || found->second.files > 0) return true;
    if (found->second.used + kBuildsRemembered > builds_) return false;
    memory_.erase(found);
    return true;
  });
}

}  // namespace mainstay
