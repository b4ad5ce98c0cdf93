// Which commit of a repository is wanted, and how that is found in what a server advertises. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gitsync/object_id.h"
#include "schema/base/result.h"

namespace mainstay {

struct RefChoice {
  enum class Kind : uint8_t {
    kHead,      // the server's default branch
    kBranch,
    kTag,
    kCommit,    // 40 hexadecimal digits
    kRevision,  // Argo CD's targetRevision: "HEAD", a branch, a tag, a full ref or a commit
  };
  Kind kind = Kind::kHead;
  std::string name;

  // "branch main", for messages.
  std::string text() const;
};

// git check-ref-format's rules for one name below refs/heads/ or refs/tags/, and no leading '-'.
bool is_valid_ref_name(std::string_view name);

// Checks the name and brings it to one form: "refs/heads/" is cut off branches, a revision that is a
// commit id becomes kCommit, "" and "HEAD" become kHead. kInvalid says what is wrong.
Result<RefChoice> checked_ref(RefChoice choice);

struct AdvertisedRef {
  std::string name;  // "refs/heads/main", "HEAD", "refs/tags/v1^{}"
  CommitId id;       // of whatever the ref points to
};

struct ResolvedRef {
  std::string name;  // the full name, to be fetched
  CommitId commit;   // tags are peeled
};

// The ref `choice` means among those advertised; nothing if it is not there. Branches come before tags.
// Never for kCommit, which needs no advertisement. The choice must be checked.
std::optional<ResolvedRef> resolve_ref(const std::vector<AdvertisedRef>& refs, const RefChoice& choice);

// That a choice was not found, in words, and whether a tag has the branch's name or the other way round.
std::string missing_ref(const std::vector<AdvertisedRef>& refs, const RefChoice& choice);

}  // namespace mainstay
