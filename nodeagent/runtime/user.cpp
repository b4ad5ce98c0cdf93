#include "nodeagent/runtime/user.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mainstay {
namespace {

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 0 || value > 4294967294) return std::nullopt;  // (uid_t)-1 means "nobody said"
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

struct PasswdEntry {
  std::string name;
  int64_t uid = 0;
  int64_t gid = 0;
  std::string home;
};

// The first line that has this name, or this uid where no name is asked for.
std::optional<PasswdEntry> find_user(std::string_view passwd, std::string_view name,
                                     std::optional<int64_t> uid) {
  for (std::string_view line : split(passwd, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 6) continue;
    auto line_uid = number(fields[2]);
    auto line_gid = number(fields[3]);
    if (!line_uid || !line_gid) continue;
    if (uid ? *line_uid != *uid : fields[0] != name) continue;
    return PasswdEntry{std::string(fields[0]), *line_uid, *line_gid, std::string(fields[5])};
  }
  return std::nullopt;
}

std::optional<int64_t> find_group(std::string_view group, std::string_view name) {
  for (std::string_view line : split(group, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() >= 3 && fields[0] == name) return number(fields[2]);
  }
  return std::nullopt;
}

std::vector<int64_t> groups_of(std::string_view group, std::string_view user) {
  std::vector<int64_t> out;
  for (std::string_view line : split(group, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 4) continue;
    auto members = split(fields[3], ',');
    auto gid = number(fields[2]);
    if (gid && std::find(members.begin(), members.end(), user) != members.end()) out.push_back(*gid);
  }
  return out;
}

}  // namespace

Result<ProcessUser> resolve_user(std::string_view image_user, const SecuritySpec& security,
                                 std::string_view passwd, std::string_view group) {
  std::string_view user = image_user;
  std::string_view group_name;
  if (size_t colon = image_user.find(':'); colon != std::string_view::npos) {
    user = image_user.substr(0, colon);
    group_name = image_user.substr(colon + 1);
  }
  ProcessUser out;
  std::optional<PasswdEntry> entry;
  if (security.run_as_user) {
    out.uid = *security.run_as_user;
    group_name = {};
    entry = find_user(passwd, "", out.uid);
  } else if (auto uid = user.empty() ? std::optional<int64_t>(0) : number(user)) {
    out.uid = *uid;
    entry = find_user(passwd, "", out.uid);
  } else {
    if (security.run_as_non_root) {
      return error(ErrorCode::kInvalid, "container has runAsNonRoot and image has non-numeric user (" +
                                            std::string(user) + "), cannot verify user is non-root");
    }
    entry = find_user(passwd, user, std::nullopt);
    if (!entry) {
      return error(ErrorCode::kNotFound,
                   "unable to find user " + std::string(user) + ": no matching entries in passwd file");
    }
    out.uid = entry->uid;
  }
  if (security.run_as_non_root && out.uid == 0) {
    return error(ErrorCode::kInvalid, security.run_as_user ? "container's runAsUser breaks non-root policy"
                                                           : "container has runAsNonRoot and image will run as root");
  }
  if (entry) {
    out.gid = entry->gid;
    out.home = entry->home;
    if (!security.strict_groups) out.groups = groups_of(group, entry->name);
  }
  if (!group_name.empty()) {
    auto gid = number(group_name);
    if (!gid) gid = find_group(group, group_name);
    if (!gid) {
      return error(ErrorCode::kNotFound,
                   "unable to find group " + std::string(group_name) + ": no matching entries in group file");
    }
    out.gid = *gid;
  }
  if (security.run_as_group) out.gid = *security.run_as_group;
  out.groups.insert(out.groups.end(), security.extra_groups.begin(), security.extra_groups.end());
  std::sort(out.groups.begin(), out.groups.end());
  out.groups.erase(std::unique(out.groups.begin(), out.groups.end()), out.groups.end());
  return out;
}

}  // namespace mainstay
