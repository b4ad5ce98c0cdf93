#include "gitsync/libgit2_source.h"

#include <fcntl.h>
#include <git2.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "gitsync/libgit2_remote.h"
#include "gitsync/libgit2_tree.h"
#include "gitsync/tree_names.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

namespace fs = std::filesystem;

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* p) const { Free(p); }
};
using RepositoryPtr = std::unique_ptr<git_repository, Freer<git_repository, git_repository_free>>;
using OdbPtr = std::unique_ptr<git_odb, Freer<git_odb, git_odb_free>>;
using CommitPtr = std::unique_ptr<git_commit, Freer<git_commit, git_commit_free>>;

constexpr std::string_view kTipRef = "refs/mainstay/tip";

template <typename Id>
git_oid to_oid(const Id& id) {
  git_oid oid;
  std::memcpy(oid.id, id.bytes.data(), sizeof oid.id);
  return oid;
}
template <typename Id>
Id from_oid(const git_oid& oid) {
  Id id;
  std::memcpy(id.bytes.data(), oid.id, sizeof oid.id);
  return id;
}

size_t count_packs(const std::string& mirror) {
  size_t packs = 0;
  std::error_code code;
  fs::directory_iterator entry(mirror + "/objects/pack", code);
  for (; !code && entry != fs::directory_iterator(); entry.increment(code)) {
    if (entry->path().extension() == ".pack") ++packs;
  }
  return packs;
}

void sync_directory(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

// What libgit2 makes of a bare repository is all there.
bool is_whole(const fs::path& mirror) {
  std::error_code ignored;
  return fs::exists(mirror / "HEAD", ignored) && fs::is_directory(mirror / "objects" / "pack", ignored) &&
         fs::is_directory(mirror / "refs", ignored);
}

class Libgit2Source final : public GitSource {
 public:
  Libgit2Source(RemoteServer server, RefChoice ref, std::string repos_dir, std::string mirror)
      : server_(std::move(server)),
        ref_(std::move(ref)),
        repos_dir_(std::move(repos_dir)),
        mirror_(std::move(mirror)) {}

  Result<RefTip> tip() override;
  Status fetch(const CommitId& commit) override;
  Result<CommitInfo> commit_info(const CommitId& id) override;
  Result<Listing> list_tree(const CommitId& commit, const FileSelection& selection) override;
  Result<TreeChanges> changed_files(const ListedTree& older, const CommitId& newer,
                                    const FileSelection& selection) override;
  Result<std::string> read_blob(const BlobId& blob) override;
  Result<bool> is_ancestor(const CommitId& older, const CommitId& newer) override;
  void interrupt() override;

 private:
  Result<std::vector<AdvertisedRef>> ask_server();
  Status open_mirror();
  void drop_mirror();
  bool has_commit(const CommitId& id);
  Result<std::vector<std::string>> refspecs();
  Status fetch_into_mirror(const std::vector<std::string>& specs);
  void compact(const CommitId& commit);
  Result<CommitPtr> find_commit(const CommitId& id);
  Result<TreeReader> tree_reader();
  Error damaged(int rc, std::string_view what);

  // Runs `operation` under a guard that interrupt() can reach.
  template <typename Operation>
  auto guarded(NetworkGuard::Bounds bounds, Operation operation)
      -> decltype(operation(std::declval<NetworkGuard&>())) {
    NetworkGuard guard(std::move(bounds));
    {
      std::lock_guard lock(guard_mutex_);
      guard_ = &guard;
      if (interrupted_) guard.cancel();
    }
    auto result = operation(guard);
    std::lock_guard lock(guard_mutex_);
    guard_ = nullptr;
    return result;
  }
  NetworkGuard::Bounds bounds(Duration total, uint64_t max_read) const {
    return network_bounds(server_, total, max_read);
  }

  const RemoteServer server_;
  const RefChoice ref_;
  const std::string repos_dir_, mirror_;
  std::string tip_ref_;    // the full name the choice had in the last advertisement
  RepositoryPtr repository_;
  OdbPtr odb_;
  bool suspect_ = false;   // a read found damage: start anew at the next fetch
  std::mutex guard_mutex_;
  NetworkGuard* guard_ = nullptr;
  bool interrupted_ = false;
};

void Libgit2Source::interrupt() {
  std::lock_guard lock(guard_mutex_);
  interrupted_ = true;
  if (guard_) guard_->cancel();
}

Result<std::vector<AdvertisedRef>> Libgit2Source::ask_server() {
  if (!server_.url.is_network()) {
    std::error_code code;
    if (!fs::exists(server_.url.path, code)) {
      return error(ErrorCode::kNotFound, server_.url.display() + ": there is no such directory");
    }
  }
  return guarded(bounds(server_.limits.tip_timeout, server_.limits.max_advertised_bytes),
                 [&](NetworkGuard& guard) { return advertised_refs(server_, guard); });
}

Result<RefTip> Libgit2Source::tip() {
  if (ref_.kind == RefChoice::Kind::kCommit)
    return RefTip{RefTip::State::kFound, *CommitId::parse(ref_.name)};
  ASSIGN_OR_RETURN(std::vector<AdvertisedRef> refs, ask_server());
  std::optional<ResolvedRef> found = resolve_ref(refs, ref_);
  if (found) {
    tip_ref_ = found->name;
    return RefTip{RefTip::State::kFound, found->commit};
  }
  bool empty =
      std::all_of(refs.begin(), refs.end(), [](const AdvertisedRef& ref) { return ref.id.is_zero(); });
  if (empty) return RefTip{RefTip::State::kEmptyRepository, {}};
  return RefTip{RefTip::State::kNoSuchRef, {}, missing_ref(refs, ref_)};
}

Status Libgit2Source::open_mirror() {
  if (repository_) return {};
  std::error_code code;
  fs::create_directories(repos_dir_, code);
  fs::permissions(repos_dir_, fs::perms::owner_all, code);
  if (code) return failed("directory " + repos_dir_ + ": " + code.message());
  fs::remove_all(mirror_ + ".new", code);  // left by a crash
  fs::remove_all(mirror_ + ".old", code);
  git_repository* raw = nullptr;
  if (git_repository_open_bare(&raw, mirror_.c_str()) < 0) {
    fs::remove_all(mirror_, code);
    int rc = git_repository_init(&raw, mirror_.c_str(), 1);
    if (rc < 0) {
      drop_mirror();
      return error(ErrorCode::kFailed, "making the mirror " + mirror_ + ": " + last_git_error(rc).message);
    }
    fs::permissions(mirror_, fs::perms::owner_all, code);
    sync_directory(repos_dir_);
  }
  repository_.reset(raw);
  git_odb* odb = nullptr;
  if (int rc = git_repository_odb(&odb, raw); rc < 0) return damaged(rc, "the mirror's object database");
  odb_.reset(odb);
  return {};
}

void Libgit2Source::drop_mirror() {
  odb_.reset();
  repository_.reset();
  std::error_code ignored;
  fs::remove_all(mirror_, ignored);
  suspect_ = false;
}

Error Libgit2Source::damaged(int rc, std::string_view what) {
  suspect_ = true;
  return error(ErrorCode::kCorrupt, "reading " + std::string(what) + " from the mirror of " +
                                        server_.url.display() + ": " + last_git_error(rc).message);
}

bool Libgit2Source::has_commit(const CommitId& id) {
  git_oid oid = to_oid(id);
  git_commit* raw = nullptr;
  if (git_commit_lookup(&raw, repository_.get(), &oid) < 0) return false;
  CommitPtr commit(raw);
  git_tree* tree = nullptr;
  if (git_commit_tree(&tree, raw) < 0) return false;
  git_tree_free(tree);
  return true;
}

// For a commit all branches and tags are fetched: not every server lets a client ask for an id.
Result<std::vector<std::string>> Libgit2Source::refspecs() {
  if (ref_.kind == RefChoice::Kind::kCommit) {
    return std::vector<std::string>{"+refs/heads/*:refs/mainstay/heads/*",
                                    "+refs/tags/*:refs/mainstay/tags/*"};
  }
  if (tip_ref_.empty()) {
    ASSIGN_OR_RETURN(RefTip tip, this->tip());
    if (tip.state != RefTip::State::kFound) {
      return error(ErrorCode::kNotFound, server_.url.display() + ": " + ref_.text() + " does not exist");
    }
  }
  return std::vector<std::string>{"+" + tip_ref_ + ":" + std::string(kTipRef)};
}

Status Libgit2Source::fetch_into_mirror(const std::vector<std::string>& specs) {
  const SourceLimits& limits = server_.limits;
  return guarded(bounds(limits.fetch_timeout, limits.max_pack_bytes + limits.max_advertised_bytes),
                 [&](NetworkGuard& guard) { return fetch_refs(repository_.get(), server_, specs, guard); });
}

Status Libgit2Source::fetch(const CommitId& commit) {
  // What is open would go on without the directory that somebody has taken away, and fail for ever.
  suspect_ = suspect_ || (repository_ && !is_whole(mirror_));
  if (suspect_) {
    log::warning("git", "the mirror of " + server_.url.display() + " is damaged; fetching it again");
    drop_mirror();
  }
  RETURN_IF_ERROR(open_mirror());
  if (has_commit(commit)) return {};
  if (const git_oid oid = to_oid(commit); git_odb_exists(odb_.get(), &oid) == 1) {
    drop_mirror();  // there, yet not readable; while its index says so, no server is asked for it
    RETURN_IF_ERROR(open_mirror());
  }
  ASSIGN_OR_RETURN(std::vector<std::string> specs, refspecs());
  Status fetched = fetch_into_mirror(specs);
  if (!fetched.ok() && fetched.error().code == ErrorCode::kCorrupt) {
    drop_mirror();  // ours, or the server's: an empty mirror tells
    RETURN_IF_ERROR(open_mirror());
    fetched = fetch_into_mirror(specs);
  }
  RETURN_IF_ERROR(fetched);
  if (!has_commit(commit)) {
    if (ref_.kind == RefChoice::Kind::kCommit) {
      return error(ErrorCode::kNotFound,
                   server_.url.display() + ": commit " + commit.text() + " is on no branch or tag");
    }
    return error(ErrorCode::kConflict,
                 server_.url.display() + ": " + ref_.text() + " no longer leads to commit " + commit.text());
  }
  if (count_packs(mirror_) > server_.limits.max_packs) compact(commit);
  return {};
}

// A new mirror is fetched from the old one on this disk, which leaves one pack, and takes its place.
void Libgit2Source::compact(const CommitId& commit) {
  const std::string fresh = mirror_ + ".new", old = mirror_ + ".old";
  std::error_code code;
  fs::remove_all(fresh, code);
  auto give_up = [&](const std::string& why) {
    log::warning("git", "could not rebuild the mirror of " + server_.url.display() + ": " + why);
    fs::remove_all(fresh, code);
  };
  git_repository* raw = nullptr;
  if (int rc = git_repository_init(&raw, fresh.c_str(), 1); rc < 0)
    return give_up(last_git_error(rc).message);
  RepositoryPtr repository(raw);
  RemoteServer here;
  here.url.scheme = UrlScheme::kLocal;
  here.url.address = here.url.path = mirror_;
  here.limits = server_.limits;
  here.limits.max_pack_bytes = UINT64_MAX;
  Status copied =
      guarded(network_bounds(here, server_.limits.fetch_timeout, UINT64_MAX), [&](NetworkGuard& guard) {
        return fetch_refs(raw, here, {"+refs/mainstay/*:refs/mainstay/*"}, guard);
      });
  if (!copied.ok()) return give_up(copied.error().message);
  git_oid oid = to_oid(commit);
  git_commit* found = nullptr;
  if (git_commit_lookup(&found, raw, &oid) < 0) return give_up("the commit is missing from the copy");
  git_commit_free(found);
  repository.reset();
  odb_.reset();
  repository_.reset();
  fs::permissions(fresh, fs::perms::owner_all, code);
  fs::rename(mirror_, old, code);
  if (!code) fs::rename(fresh, mirror_, code);
  sync_directory(repos_dir_);
  if (code) log::warning("git", "renaming the mirror of " + server_.url.display() + ": " + code.message());
  if (Status reopened = open_mirror(); !reopened.ok()) log::warning("git", reopened.error().message);
}

Result<CommitPtr> Libgit2Source::find_commit(const CommitId& id) {
  if (!repository_)
    return error(ErrorCode::kCorrupt, "the mirror of " + server_.url.display() + " is not there yet");
  git_oid oid = to_oid(id);
  git_commit* raw = nullptr;
  if (int rc = git_commit_lookup(&raw, repository_.get(), &oid); rc < 0)
    return damaged(rc, "commit " + id.text());
  return CommitPtr(raw);
}

Result<CommitInfo> Libgit2Source::commit_info(const CommitId& id) {
  ASSIGN_OR_RETURN(CommitPtr commit, find_commit(id));
  CommitInfo info;
  info.id = id;
  info.tree = from_oid<TreeId>(*git_commit_tree_id(commit.get()));
  for (unsigned i = 0; i < git_commit_parentcount(commit.get()); ++i) {
    info.parents.push_back(from_oid<CommitId>(*git_commit_parent_id(commit.get(), i)));
  }
  if (const git_signature* author = git_commit_author(commit.get())) {
    info.author_name = printable(author->name);
    info.author_email = printable(author->email);
    info.author_time = {std::chrono::seconds(author->when.time)};
  }
  info.commit_time = {std::chrono::seconds(git_commit_time(commit.get()))};
  std::string_view message = git_commit_message(commit.get());
  info.subject = commit_subject(message);
  info.trailers = commit_trailers(message);
  return info;
}

Result<TreeReader> Libgit2Source::tree_reader() {
  if (!repository_) {
    return error(ErrorCode::kCorrupt, "the mirror of " + server_.url.display() + " is not there yet");
  }
  return TreeReader{repository_.get(), odb_.get(), server_.limits, server_.url.display()};
}

Result<Listing> Libgit2Source::list_tree(const CommitId& id, const FileSelection& selection) {
  ASSIGN_OR_RETURN(TreeReader reader, tree_reader());
  Result<Listing> listing = reader.list(id, selection);
  if (!listing.ok() && listing.error().code == ErrorCode::kCorrupt) suspect_ = true;
  return listing;
}

Result<TreeChanges> Libgit2Source::changed_files(const ListedTree& older, const CommitId& newer,
                                                 const FileSelection& selection) {
  ASSIGN_OR_RETURN(TreeReader reader, tree_reader());
  Result<TreeChanges> changes = reader.changes(older, newer, selection);
  if (!changes.ok() && changes.error().code == ErrorCode::kCorrupt) suspect_ = true;
  return changes;
}

Result<std::string> Libgit2Source::read_blob(const BlobId& blob) {
  if (!odb_)
    return error(ErrorCode::kCorrupt, "the mirror of " + server_.url.display() + " is not there yet");
  git_oid oid = to_oid(blob);
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  int rc = git_odb_read_header(&size, &type, odb_.get(), &oid);
  if (rc < 0) return damaged(rc, "file " + blob.text());
  if (type != GIT_OBJECT_BLOB) return error(ErrorCode::kInvalid, "object " + blob.text() + " is no file");
  if (size > server_.limits.max_blob_bytes) return too_large(size, server_.limits);
  git_odb_object* object = nullptr;
  rc = git_odb_read(&object, odb_.get(), &oid);
  if (rc < 0) return damaged(rc, "file " + blob.text());
  std::string bytes(static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object));
  git_odb_object_free(object);
  return bytes;
}

Result<bool> Libgit2Source::is_ancestor(const CommitId& older, const CommitId& newer) {
  if (older == newer) return true;
  ASSIGN_OR_RETURN(CommitPtr present, find_commit(newer));
  git_oid old_oid = to_oid(older), new_oid = to_oid(newer);
  // The mirror has all of the ref's history: a commit that is not there is not in it.
  if (git_odb_exists(odb_.get(), &old_oid) == 0) return false;
  int rc = git_graph_descendant_of(repository_.get(), &new_oid, &old_oid);
  if (rc < 0) return damaged(rc, "the history of commit " + newer.text());
  return rc == 1;
}

}  // namespace

Result<std::unique_ptr<GitSource>> make_libgit2_source(const SourceSpec& spec, const std::string& repos_dir) {
  ASSIGN_OR_RETURN(RemoteUrl url, parse_remote_url(spec.url));
  ASSIGN_OR_RETURN(RefChoice ref, checked_ref(spec.ref));
  RETURN_IF_ERROR(check_credentials(spec, url));
  if (!url.is_network()) {
    std::error_code code;
    std::string absolute = fs::absolute(url.path, code).lexically_normal().string();
    if (url.scheme == UrlScheme::kLocal) url.address = absolute;
    url.path = absolute;
  }
  start_libgit2();
  const Digest name = sha256(url.user + "@" + url.address + "\n" + ref.text());
  std::string mirror = repos_dir + "/" + hex(name).substr(0, 32);
  RemoteServer server{url, spec.credentials, spec.proxy, spec.limits};
  return std::unique_ptr<GitSource>(
      new Libgit2Source(std::move(server), std::move(ref), repos_dir, std::move(mirror)));
}

}  // namespace mainstay
