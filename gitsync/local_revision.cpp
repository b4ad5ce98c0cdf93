#include "gitsync/local_revision.h"

#include <git2.h>

#include <memory>

#include "gitsync/libgit2_remote.h"

namespace mainstay {
namespace {

struct Free {
  void operator()(git_repository* repository) const { git_repository_free(repository); }
  void operator()(git_object* object) const { git_object_free(object); }
};

std::string reason() {
  const git_error* last = git_error_last();
  return last != nullptr && last->message != nullptr ? last->message : "libgit2 gives no reason";
}

}  // namespace

Result<CommitId> local_revision(const std::string& path, const std::string& revision) {
  start_libgit2();
  git_repository* opened = nullptr;
  if (git_repository_open_ext(&opened, path.c_str(), 0, nullptr) < 0) {
    return error(ErrorCode::kNotFound, "cannot open the repository " + path + ": " + reason());
  }
  std::unique_ptr<git_repository, Free> repository(opened);
  git_object* found = nullptr;
  if (git_revparse_single(&found, repository.get(), revision.c_str()) < 0) {
    return error(ErrorCode::kNotFound, "the repository " + path + " has no revision \"" + revision + "\"");
  }
  std::unique_ptr<git_object, Free> object(found);
  git_object* peeled = nullptr;
  if (git_object_peel(&peeled, object.get(), GIT_OBJECT_COMMIT) < 0) {
    return error(ErrorCode::kInvalid, "\"" + revision + "\" in " + path + " is no commit");
  }
  std::unique_ptr<git_object, Free> commit(peeled);
  std::string id(GIT_OID_HEXSZ, '0');
  git_oid_fmt(id.data(), git_object_id(commit.get()));
  std::optional<CommitId> parsed = CommitId::parse(id);
  if (!parsed) return error(ErrorCode::kInvalid, "\"" + revision + "\" in " + path + " has no usable id");
  return *parsed;
}

}  // namespace mainstay
