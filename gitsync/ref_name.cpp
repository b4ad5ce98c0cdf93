#include "gitsync/ref_name.h"

namespace mainstay {
namespace {

const AdvertisedRef* find_ref(const std::vector<AdvertisedRef>& refs, std::string_view name) {
  for (const AdvertisedRef& ref : refs) {
    if (ref.name == name && !ref.id.is_zero()) return &ref;
  }
  return nullptr;
}

std::optional<ResolvedRef> peeled(const std::vector<AdvertisedRef>& refs, const std::string& name) {
  const AdvertisedRef* ref = find_ref(refs, name);
  if (!ref) return std::nullopt;
  const AdvertisedRef* target = find_ref(refs, name + "^{}");
  return ResolvedRef{name, target ? target->id : ref->id};
}

bool is_valid_component(std::string_view part) {
  if (part.empty() || part.front() == '.' || part.back() == '.') return false;
  return !part.ends_with(".lock");
}

}  // namespace

std::string RefChoice::text() const {
  switch (kind) {
    case Kind::kHead: return "the default branch";
    case Kind::kBranch: return "branch " + name;
    case Kind::kTag: return "tag " + name;
    case Kind::kCommit: return "commit " + name;
    case Kind::kRevision: return "revision " + name;
  }
  return name;
}

bool is_valid_ref_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.front() == '-' || name == "@") return false;
  if (name.find("..") != name.npos || name.find("@{") != name.npos) return false;
  for (unsigned char c : name) {
    if (c <= 0x20 || c == 0x7f ||
        std::string_view("~^:?*[\\").find(static_cast<char>(c)) != std::string_view::npos) {
      return false;
    }
  }
  while (true) {
    size_t slash = name.find('/');
    if (!is_valid_component(name.substr(0, slash))) return false;
    if (slash == name.npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Result<RefChoice> checked_ref(RefChoice choice) {
  using Kind = RefChoice::Kind;
  if (choice.kind == Kind::kRevision) {
    if (choice.name.empty() || choice.name == "HEAD") choice = {Kind::kHead, ""};
    else if (auto id = CommitId::parse(choice.name)) choice = {Kind::kCommit, id->text()};
  }
  if (choice.kind == Kind::kHead) return RefChoice{Kind::kHead, ""};
  if (choice.kind == Kind::kCommit) {
    auto id = CommitId::parse(choice.name);
    if (id) return RefChoice{Kind::kCommit, id->text()};
    return error(ErrorCode::kInvalid, "a commit is named by all of its 40 hexadecimal digits; got \"" +
                                          choice.name.substr(0, 64) + "\"");
  }
  std::string_view prefix = choice.kind == Kind::kBranch ? "refs/heads/"
                            : choice.kind == Kind::kTag  ? "refs/tags/"
                                                         : "";
  if (!prefix.empty() && choice.name.starts_with(prefix)) choice.name.erase(0, prefix.size());
  if (!is_valid_ref_name(choice.name)) {
    return error(ErrorCode::kInvalid,
                 "\"" + choice.name.substr(0, 64) + "\" is no name Git accepts for a ref");
  }
  return choice;
}

std::optional<ResolvedRef> resolve_ref(const std::vector<AdvertisedRef>& refs, const RefChoice& choice) {
  switch (choice.kind) {
    case RefChoice::Kind::kHead: return peeled(refs, "HEAD");
    case RefChoice::Kind::kBranch: return peeled(refs, "refs/heads/" + choice.name);
    case RefChoice::Kind::kTag: return peeled(refs, "refs/tags/" + choice.name);
    case RefChoice::Kind::kCommit: return std::nullopt;
    case RefChoice::Kind::kRevision: break;
  }
  if (choice.name.starts_with("refs/")) return peeled(refs, choice.name);
  if (auto branch = peeled(refs, "refs/heads/" + choice.name)) return branch;
  return peeled(refs, "refs/tags/" + choice.name);
}

std::string missing_ref(const std::vector<AdvertisedRef>& refs, const RefChoice& choice) {
  std::string out = choice.text() + " does not exist in the repository";
  using Kind = RefChoice::Kind;
  bool branch = choice.kind == Kind::kBranch, tag = choice.kind == Kind::kTag;
  if (branch && peeled(refs, "refs/tags/" + choice.name)) out += ", a tag of that name does";
  if (tag && peeled(refs, "refs/heads/" + choice.name)) out += ", a branch of that name does";
  return out;
}

}  // namespace mainstay
