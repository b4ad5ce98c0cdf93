#include "gitsync/fake_source.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <tuple>

namespace mainstay {
namespace {

template <typename Id>
Id id_of(std::string_view bytes) {
  Digest digest = sha256(bytes);
  Id id;
  std::memcpy(id.bytes.data(), digest.data(), id.bytes.size());
  return id;
}

FakeFiles plain(const std::map<std::string, std::string>& files) {
  FakeFiles out;
  for (const auto& [path, bytes] : files) out[path] = {bytes, TreeFile::Kind::kFile};
  return out;
}

BlobId blob_of(const std::string& bytes) { return id_of<BlobId>("blob\n" + bytes); }

// True if the walk from `below` (the path under the selection's own) would come to this file.
bool reaches(const FileSelection& selection, std::string_view below) {
  for (size_t slash = below.find('/'); slash != below.npos; slash = below.find('/', slash + 1)) {
    if (!selection.enters(below.substr(0, slash))) return false;
  }
  return true;
}

}  // namespace

CommitId FakeRepository::add(std::vector<CommitId> parents, FakeFiles files, const std::string& message,
                             WallTime when) {
  std::string tree;
  for (const auto& [path, entry] : files) {
    BlobId blob = blob_of(entry.bytes);
    blobs_[blob] = entry.bytes;
    tree += path + " " + std::to_string(static_cast<int>(entry.kind)) + " " + blob.text() + "\n";
  }
  Commit commit;
  commit.info.tree = id_of<TreeId>(tree);
  commit.info.parents = std::move(parents);
  commit.info.author_name = "A. Uthor";
  commit.info.author_email = "author@example.com";
  commit.info.author_time = commit.info.commit_time = when;
  commit.info.subject = commit_subject(message);
  commit.info.trailers = commit_trailers(message);
  commit.info.id = id_of<CommitId>(tree + message + std::to_string(++made_));
  commit.files = std::move(files);
  CommitId id = commit.info.id;
  commits_[id] = std::move(commit);
  return id;
}

CommitId FakeRepository::push(const std::string& branch, FakeFiles files, const std::string& message,
                              WallTime when) {
  std::vector<CommitId> parents;
  if (auto at = branches_.find(branch); at != branches_.end()) parents.push_back(at->second);
  return branches_[branch] = add(std::move(parents), std::move(files), message, when);
}

CommitId FakeRepository::push(const std::string& branch, const std::map<std::string, std::string>& files,
                              const std::string& message, WallTime when) {
  return push(branch, plain(files), message, when);
}

void FakeRepository::force(const std::string& branch, const CommitId& commit) {
  ENSURE(commits_.count(commit) == 1, "a fake branch can only be forced to a commit that exists");
  branches_[branch] = commit;
}

CommitId FakeRepository::force(const std::string& branch, const std::map<std::string, std::string>& files,
                               const std::string& message, WallTime when) {
  return branches_[branch] = add({}, plain(files), message, when);
}

void FakeRepository::delete_branch(const std::string& branch) { branches_.erase(branch); }

CommitId FakeRepository::revert(const std::string& branch, const CommitId& to, WallTime when) {
  auto found = commits_.find(to);
  ENSURE(found != commits_.end(), "a fake revert needs a commit that exists");
  return push(branch, FakeFiles(found->second.files), "Revert to " + to.brief(), when);
}

void FakeSource::fail_next(Operation operation, Error why, unsigned times) {
  failures_[operation].insert(failures_[operation].end(), times, std::move(why));
}

unsigned FakeSource::calls(Operation operation) const {
  auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

Status FakeSource::enter(Operation operation) {
  ++calls_[operation];
  if (interrupted_) return error(ErrorCode::kCancelled, "fake repository: interrupted");
  std::vector<Error>& failures = failures_[operation];
  if (failures.empty()) return {};
  Error why = failures.front();
  failures.erase(failures.begin());
  return why;
}

Result<RefTip> FakeSource::tip() {
  RETURN_IF_ERROR(enter(Operation::kTip));
  if (repository_->branches_.empty()) return RefTip{RefTip::State::kEmptyRepository, {}};
  auto found = repository_->branches_.find(branch_);
  if (found == repository_->branches_.end()) return RefTip{RefTip::State::kNoSuchRef, {}, "the branch does not exist in the repository"};
  return RefTip{RefTip::State::kFound, found->second};
}

Status FakeSource::fetch(const CommitId& commit) {
  RETURN_IF_ERROR(enter(Operation::kFetch));
  if (repository_->commits_.count(commit) == 0) {
    return error(ErrorCode::kConflict, "fake repository: no commit " + commit.text());
  }
  std::vector<CommitId> open{commit};
  while (!open.empty()) {
    CommitId next = open.back();
    open.pop_back();
    if (!fetched_.insert(next).second) continue;
    for (const CommitId& parent : repository_->commits_.at(next).info.parents) open.push_back(parent);
  }
  return {};
}

Result<const FakeRepository::Commit*> FakeSource::fetched(const CommitId& commit) const {
  if (fetched_.count(commit) == 0)
    return error(ErrorCode::kCorrupt, "fake repository: not fetched: " + commit.text());
  return &repository_->commits_.at(commit);
}

Result<CommitInfo> FakeSource::commit_info(const CommitId& commit) {
  RETURN_IF_ERROR(enter(Operation::kCommitInfo));
  ASSIGN_OR_RETURN(const FakeRepository::Commit* found, fetched(commit));
  return found->info;
}

Listing FakeSource::list(const FakeRepository::Commit& commit, const FileSelection& selection) const {
  const std::string prefix = selection.path().empty() ? "" : selection.path() + "/";
  Listing listing;
  if (selection.path().empty()) listing.state = Listing::State::kFound;
  if (commit.files.count(selection.path()) == 1) listing.state = Listing::State::kNotADirectory;
  for (const auto& [path, entry] : commit.files) {
    if (!path.starts_with(prefix)) continue;
    listing.state = Listing::State::kFound;
    ++listing.entries;
    std::string_view below = std::string_view(path).substr(prefix.size());
    if (!reaches(selection, below)) continue;
    using Kind = TreeFile::Kind;
    if (entry.kind == Kind::kSymlink || entry.kind == Kind::kDirectorySymlink) listing.has_links = true;
    bool named = entry.kind == Kind::kFile || entry.kind == Kind::kSymlink;
    if (named ? !selection.takes(below) : !selection.enters(below)) continue;
    bool file = entry.kind == Kind::kFile;
    listing.files.push_back({path, file ? blob_of(entry.bytes) : BlobId{}, entry.kind});
  }
  return listing;
}

Result<Listing> FakeSource::list_tree(const CommitId& commit, const FileSelection& selection) {
  RETURN_IF_ERROR(enter(Operation::kListTree));
  ASSIGN_OR_RETURN(const FakeRepository::Commit* found, fetched(commit));
  return list(*found, selection);
}

Result<TreeChanges> FakeSource::changed_files(const ListedTree& older, const CommitId& newer,
                                              const FileSelection& selection) {
  RETURN_IF_ERROR(enter(Operation::kChangedFiles));
  ASSIGN_OR_RETURN(const FakeRepository::Commit* found, fetched(newer));
  TreeChanges out;
  Listing after = list(*found, selection);
  out.is_whole = fetched_.count(older.commit) == 0 || after.has_links || after.state != Listing::State::kFound;
  if (out.is_whole) return out;
  Listing before = list(repository_->commits_.at(older.commit), selection);
  auto by_all = [](const TreeFile& a, const TreeFile& b) {
    return std::tie(a.path, a.kind, a.blob) < std::tie(b.path, b.kind, b.blob);
  };
  std::set_difference(before.files.begin(), before.files.end(), after.files.begin(), after.files.end(),
                      std::back_inserter(out.gone), by_all);
  std::set_difference(after.files.begin(), after.files.end(), before.files.begin(), before.files.end(),
                      std::back_inserter(out.come), by_all);
  out.entries = after.entries;
  return out;
}

Result<std::string> FakeSource::read_blob(const BlobId& blob) {
  RETURN_IF_ERROR(enter(Operation::kReadBlob));
  auto found = repository_->blobs_.find(blob);
  if (found == repository_->blobs_.end())
    return error(ErrorCode::kCorrupt, "fake repository: no file " + blob.text());
  if (found->second.size() > limits_.max_blob_bytes) return too_large(found->second.size(), limits_);
  return found->second;
}

Result<bool> FakeSource::is_ancestor(const CommitId& older, const CommitId& newer) {
  ASSIGN_OR_RETURN(const FakeRepository::Commit* start, fetched(newer));
  std::vector<const FakeRepository::Commit*> open{start};
  std::set<CommitId> seen;
  while (!open.empty()) {
    const FakeRepository::Commit* next = open.back();
    open.pop_back();
    if (next->info.id == older) return true;
    if (!seen.insert(next->info.id).second) continue;
    for (const CommitId& parent : next->info.parents) open.push_back(&repository_->commits_.at(parent));
  }
  return false;
}

}  // namespace mainstay
