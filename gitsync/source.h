// GitSource: the door to one Git repository. What it gives are ids, trees and bytes from the object
// database; there is no work tree, nothing from the repository is ever executed, and nothing in it can
// choose an address we dial. Real: gitsync/libgit2_source.h. In memory, with faults: gitsync/fake_source.h.
//
// One thread uses a source at a time; interrupt() alone may be called from any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gitsync/commit_message.h"
#include "gitsync/file_selection.h"
#include "gitsync/object_id.h"
#include "gitsync/ref_name.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

// Files are read anew at every use, so that a rotated token needs no restart.
struct GitCredentials {
  std::string username;          // "": the address's user, else "git"
  std::string token_file;        // http(s): password or access token, one line
  std::string ssh_key_file;      // ssh: an unencrypted private key, best ed25519
  std::string known_hosts_file;  // ssh: mandatory
};

struct SourceLimits {
  uint64_t max_advertised_bytes = uint64_t{64} << 20;  // of one ref advertisement
  uint64_t max_pack_bytes = uint64_t{2} << 30;         // received by one fetch
  uint32_t max_pack_objects = 10'000'000;              // in one fetch
  size_t max_blob_bytes = size_t{4} << 20;             // of one manifest
  size_t max_tree_entries = 500'000;                   // walked for one listing
  size_t max_tree_depth = 64;
  size_t max_packs = 50;                               // a mirror with more is rebuilt into one
  Duration idle_timeout = 30s;                         // without a byte
  Duration tip_timeout = 60s;
  Duration fetch_timeout = 15min;
};

// What a tree or a manifest beyond the limits is refused with, wherever it comes from.
inline Error too_large(uint64_t bytes, const SourceLimits& limits) {
  return error(ErrorCode::kFull, std::to_string(bytes) + " bytes, and a manifest may have " +
                                     std::to_string(limits.max_blob_bytes));
}
inline Error too_deep(const std::string& directory, const SourceLimits& limits) {
  return error(ErrorCode::kFull,
               directory + ": more than " + std::to_string(limits.max_tree_depth) + " directories deep");
}
inline Error too_many_entries(const SourceLimits& limits) {
  return error(ErrorCode::kFull, "more than " + std::to_string(limits.max_tree_entries) +
                                     " files and directories under the path; choose a narrower path");
}

struct SourceSpec {
  std::string url;  // gitsync/remote_url.h has the grammar
  RefChoice ref;
  GitCredentials credentials;
  std::string proxy;  // http:// address of a proxy for http(s) sources; "" dials directly
  SourceLimits limits;
};

struct RefTip {
  enum class State : uint8_t { kFound, kNoSuchRef, kEmptyRepository };
  State state = State::kNoSuchRef;
  CommitId commit;  // for kFound only
  // For kNoSuchRef: "branch v1 does not exist in the repository", and what else has the name.
  std::string missing = {};
};

struct CommitInfo {
  CommitId id;
  TreeId tree;
  std::vector<CommitId> parents;
  std::string author_name;
  std::string author_email;
  WallTime author_time;
  WallTime commit_time;
  std::string subject;
  Trailers trailers;
};

struct TreeFile {
  enum class Kind : uint8_t {
    kFile,
    kSymlink,           // named like a manifest
    kDirectorySymlink,  // leads to a directory of the same tree
    kSubmodule,
    kBadName,           // a name Git itself would not check out
  };
  std::string path;  // from the repository's root
  BlobId blob;       // for kFile only
  Kind kind = Kind::kFile;
};

struct Listing {
  enum class State : uint8_t { kFound, kNoSuchPath, kNotADirectory };
  State state = State::kNoSuchPath;
  std::vector<TreeFile> files;  // selected ones, sorted by path
  size_t entries = 0;           // looked at, of all kinds
  // Symbolic links stand among the entries: what those mean depends on other parts of the tree too.
  bool has_links = false;
};

// What has to be known of the tree that a later one is compared with.
struct ListedTree {
  CommitId commit;
  size_t entries = 0;
};

// From one listing to another.
struct TreeChanges {
  // The differences do not tell: list the whole tree. A link is among them, the path is gone, the tree grew too large,
  // or the older commit is not known any more.
  bool is_whole = false;
  std::vector<TreeFile> gone;  // listed before and no longer, or otherwise now; sorted by path
  std::vector<TreeFile> come;  // listed now and not before, or not so; sorted by path
  size_t entries = 0;          // of the later tree, as in Listing
};

class GitSource {
 public:
  virtual ~GitSource() = default;

  // One ref advertisement; writes nothing. A ref that is a full commit id needs no advertisement.
  // kNotFound: no such repository. kDenied: credentials, host key or certificate. kUnavailable, kTimeout:
  // try again later. Every message names the repository, none holds a credential.
  virtual Result<RefTip> tip() = 0;

  // Makes `commit` readable; free if it is already. kConflict: the ref has moved on since tip().
  // After a read said kCorrupt, the next fetch() starts from an empty mirror.
  virtual Status fetch(const CommitId& commit) = 0;

  // The following read what was fetched. kCorrupt: the mirror lacks it or holds it damaged: fetch() again.
  virtual Result<CommitInfo> commit_info(const CommitId& commit) = 0;
  // The entries `selection` takes. kFull: more entries or levels than the limits allow.
  virtual Result<Listing> list_tree(const CommitId& commit, const FileSelection& selection) = 0;
  // How list_tree() of `newer` differs from that of `older`, which had no links; directories with equal ids are not
  // entered, so that it costs what has changed.
  virtual Result<TreeChanges> changed_files(const ListedTree& older, const CommitId& newer,
                                            const FileSelection& selection) = 0;
  // kFull: larger than the limit.
  virtual Result<std::string> read_blob(const BlobId& blob) = 0;
  // True if `older` is `newer` or one of its ancestors. False, too, if `older` is not known any more.
  virtual Result<bool> is_ancestor(const CommitId& older, const CommitId& newer) = 0;

  // Makes the operation under way, and all later ones, end soon with kCancelled. Any thread.
  virtual void interrupt() = 0;
};

}  // namespace mainstay
