#include "gitsync/libgit2_tree.h"

#include <git2.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "gitsync/libgit2_remote.h"
#include "gitsync/tree_names.h"

namespace mainstay {
namespace {

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* p) const { Free(p); }
};
using CommitPtr = std::unique_ptr<git_commit, Freer<git_commit, git_commit_free>>;
using TreePtr = std::unique_ptr<git_tree, Freer<git_tree, git_tree_free>>;
using EntryPtr = std::unique_ptr<git_tree_entry, Freer<git_tree_entry, git_tree_entry_free>>;

constexpr size_t kMaxLinkBytes = 4096;

bool is_directory(const git_tree_entry* entry) { return git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE; }

void sort_by_path(std::vector<TreeFile>& files) {
  auto by_path = [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; };
  if (!std::is_sorted(files.begin(), files.end(), by_path)) std::stable_sort(files.begin(), files.end(), by_path);
}

// The two ends of a walk: where it starts, and the root that links are resolved from.
struct Start {
  TreePtr root, below;                             // `below` is null if the walk starts at the root
  Listing::State state = Listing::State::kFound;   // of the path
  git_tree* tree() const { return below ? below.get() : root.get(); }
};

// Walks one tree, or the part of one in which it differs from another. `below` is always the directory from the
// selection's path on: "" or ending in '/'.
class Walk {
 public:
  Walk(const TreeReader& mirror, const FileSelection& selection) : mirror_(mirror), selection_(selection) {}

  Result<Start> start(const CommitId& id) const;
  Status tree(Listing& into, const Start& start, git_tree* tree, const std::string& below, size_t depth);
  // What stands in `older` only goes to `gone`, what stands in `newer` only to `come`.
  Status differences(const Start& older, const Start& newer);

  Listing gone, come;

 private:
  Status compare(git_tree* older, git_tree* newer, const std::string& below, size_t depth);
  Status entry(Listing& into, const Start& start, const git_tree_entry* entry, const std::string& below,
               size_t depth);
  Result<TreePtr> open(const git_tree_entry* entry, const std::string& name) const;
  Result<bool> leads_to_directory(const Start& start, const git_tree_entry* entry, const std::string& below) const;
  void add(Listing& into, TreeFile::Kind kind, const git_tree_entry* entry, const std::string& below) const;
  Error damaged(int rc, const std::string& what) const {
    return error(ErrorCode::kCorrupt, "reading " + what + " from the mirror of " + mirror_.display + ": " +
                                          last_git_error(rc).message);
  }
  Status check_depth(const std::string& below, size_t depth) const {
    if (depth <= mirror_.limits.max_tree_depth) return {};
    return too_deep(below, mirror_.limits);
  }

  const TreeReader& mirror_;
  const FileSelection& selection_;
  const Start* older_ = nullptr;
  const Start* newer_ = nullptr;
};

Result<Start> Walk::start(const CommitId& id) const {
  git_oid oid;
  std::memcpy(oid.id, id.bytes.data(), sizeof oid.id);
  git_commit* commit = nullptr;
  if (int rc = git_commit_lookup(&commit, mirror_.repository, &oid); rc < 0) {
    return damaged(rc, "commit " + id.text());
  }
  CommitPtr held(commit);
  const std::string tree_of = "the tree of commit " + id.text();
  git_tree* raw = nullptr;
  if (int rc = git_commit_tree(&raw, commit); rc < 0) return damaged(rc, tree_of);
  Start out;
  out.root.reset(raw);
  if (selection_.path().empty()) return out;
  git_tree_entry* found = nullptr;
  int rc = git_tree_entry_bypath(&found, raw, selection_.path().c_str());
  if (rc == GIT_ENOTFOUND) {
    out.state = Listing::State::kNoSuchPath;
    return out;
  }
  if (rc < 0) return damaged(rc, tree_of);
  EntryPtr entry(found);
  if (git_tree_entry_type(found) != GIT_OBJECT_TREE) {
    out.state = Listing::State::kNotADirectory;
    return out;
  }
  ASSIGN_OR_RETURN(out.below, open(found, selection_.path()));
  return out;
}

Result<TreePtr> Walk::open(const git_tree_entry* entry, const std::string& name) const {
  git_tree* raw = nullptr;
  int rc = git_tree_lookup(&raw, mirror_.repository, git_tree_entry_id(entry));
  if (rc < 0) return damaged(rc, "directory " + name);
  return TreePtr(raw);
}

void Walk::add(Listing& into, TreeFile::Kind kind, const git_tree_entry* entry, const std::string& below) const {
  TreeFile file;
  file.path.reserve(selection_.path().size() + below.size() + 64);
  file.path = selection_.path();
  if (!file.path.empty()) file.path += '/';
  file.path += below;
  file.path += printable(git_tree_entry_name(entry));
  if (kind == TreeFile::Kind::kFile) {
    std::memcpy(file.blob.bytes.data(), git_tree_entry_id(entry)->id, file.blob.bytes.size());
  }
  file.kind = kind;
  into.files.push_back(std::move(file));
}

Status Walk::tree(Listing& into, const Start& start, git_tree* tree, const std::string& below, size_t depth) {
  RETURN_IF_ERROR(check_depth(below, depth));
  const size_t count = git_tree_entrycount(tree);
  into.entries += count;
  if (into.entries > mirror_.limits.max_tree_entries) return too_many_entries(mirror_.limits);
  for (size_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(entry(into, start, git_tree_entry_byindex(tree, i), below, depth));
  }
  return {};
}

Status Walk::entry(Listing& into, const Start& start, const git_tree_entry* entry, const std::string& below,
                   size_t depth) {
  using Kind = TreeFile::Kind;
  const std::string_view name = git_tree_entry_name(entry);
  const std::string relative = below + std::string(name);
  const git_filemode_t mode = git_tree_entry_filemode(entry);
  if (is_bad_name(name)) {
    if (!selection_.excludes(relative)) add(into, Kind::kBadName, entry, below);
  } else if (mode == GIT_FILEMODE_TREE) {
    if (!selection_.enters(relative)) return {};
    ASSIGN_OR_RETURN(TreePtr child, open(entry, relative));
    return tree(into, start, child.get(), relative + "/", depth + 1);
  } else if (mode == GIT_FILEMODE_COMMIT) {
    if (selection_.enters(relative)) add(into, Kind::kSubmodule, entry, below);
  } else if (mode == GIT_FILEMODE_LINK) {
    into.has_links = true;
    if (selection_.takes(relative)) {
      add(into, Kind::kSymlink, entry, below);
    } else if (selection_.enters(relative)) {
      ASSIGN_OR_RETURN(bool directory, leads_to_directory(start, entry, below));
      if (directory) add(into, Kind::kDirectorySymlink, entry, below);
    }
  } else if (selection_.takes(relative)) {
    add(into, Kind::kFile, entry, below);
  }
  return {};
}

// A link to a directory of this tree: manifests someone expects to be read through it would go missing
// silently.
Result<bool> Walk::leads_to_directory(const Start& start, const git_tree_entry* entry,
                                      const std::string& below) const {
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  int rc = git_odb_read_header(&size, &type, mirror_.odb, git_tree_entry_id(entry));
  if (rc < 0) return damaged(rc, "a symbolic link in " + below);
  if (size > kMaxLinkBytes) return false;
  git_odb_object* object = nullptr;
  rc = git_odb_read(&object, mirror_.odb, git_tree_entry_id(entry));
  if (rc < 0) return damaged(rc, "a symbolic link in " + below);
  std::string link(static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object));
  git_odb_object_free(object);
  std::optional<std::string> target = link_target(selection_.path() + "/" + below, link);
  if (!target) return false;
  if (target->empty()) return true;
  git_tree_entry* raw = nullptr;
  if (git_tree_entry_bypath(&raw, start.root.get(), target->c_str()) < 0) return false;
  EntryPtr found(raw);
  return git_tree_entry_type(raw) == GIT_OBJECT_TREE;
}

Status Walk::differences(const Start& older, const Start& newer) {
  older_ = &older;
  newer_ = &newer;
  if (git_oid_equal(git_tree_id(older.tree()), git_tree_id(newer.tree()))) return {};
  return compare(older.tree(), newer.tree(), "", 0);
}

// Both lists of entries have Git's order. What changes from a file to a directory stands in two places.
Status Walk::compare(git_tree* older, git_tree* newer, const std::string& below, size_t depth) {
  RETURN_IF_ERROR(check_depth(below, depth));
  const size_t old_count = git_tree_entrycount(older), new_count = git_tree_entrycount(newer);
  gone.entries += old_count;
  come.entries += new_count;
  size_t i = 0, j = 0;
  while (i < old_count || j < new_count) {
    const git_tree_entry* was = i < old_count ? git_tree_entry_byindex(older, i) : nullptr;
    const git_tree_entry* is = j < new_count ? git_tree_entry_byindex(newer, j) : nullptr;
    int order = was == nullptr ? 1 : is == nullptr ? -1 : git_tree_entry_cmp(was, is);
    if (order == 0 && is_directory(was) && is_directory(is)) {
      ++i, ++j;
      if (git_oid_equal(git_tree_entry_id(was), git_tree_entry_id(is))) continue;
      const std::string relative = below + git_tree_entry_name(is);
      if (is_bad_name(git_tree_entry_name(is)) || !selection_.enters(relative)) continue;
      ASSIGN_OR_RETURN(TreePtr before, open(was, relative));
      ASSIGN_OR_RETURN(TreePtr after, open(is, relative));
      RETURN_IF_ERROR(compare(before.get(), after.get(), relative + "/", depth + 1));
      continue;
    }
    bool same = order == 0 && git_tree_entry_filemode(was) == git_tree_entry_filemode(is) &&
                git_oid_equal(git_tree_entry_id(was), git_tree_entry_id(is));
    if (!same && order <= 0) RETURN_IF_ERROR(entry(gone, *older_, was, below, depth));
    if (!same && order >= 0) RETURN_IF_ERROR(entry(come, *newer_, is, below, depth));
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  return {};
}

}  // namespace

Result<Listing> TreeReader::list(const CommitId& commit, const FileSelection& selection) const {
  Walk walk(*this, selection);
  ASSIGN_OR_RETURN(Start start, walk.start(commit));
  Listing listing;
  listing.state = start.state;
  if (start.state != Listing::State::kFound) return listing;
  RETURN_IF_ERROR(walk.tree(listing, start, start.tree(), "", 0));
  sort_by_path(listing.files);
  return listing;
}

Result<TreeChanges> TreeReader::changes(const ListedTree& older, const CommitId& newer,
                                        const FileSelection& selection) const {
  TreeChanges out;
  out.is_whole = true;
  Walk walk(*this, selection);
  git_oid oid;
  std::memcpy(oid.id, older.commit.bytes.data(), sizeof oid.id);
  if (git_odb_exists(odb, &oid) == 0) return out;  // forced away, and the mirror was made anew
  ASSIGN_OR_RETURN(Start before, walk.start(older.commit));
  ASSIGN_OR_RETURN(Start after, walk.start(newer));
  if (before.state != Listing::State::kFound || after.state != Listing::State::kFound) return out;
  RETURN_IF_ERROR(walk.differences(before, after));
  out.entries = older.entries + walk.come.entries - std::min(walk.gone.entries, older.entries + walk.come.entries);
  if (walk.gone.has_links || walk.come.has_links || out.entries > limits.max_tree_entries) return out;
  out.is_whole = false;
  out.gone = std::move(walk.gone.files);
  out.come = std::move(walk.come.files);
  sort_by_path(out.gone);
  sort_by_path(out.come);
  return out;
}

}  // namespace mainstay
