#include "reconciler/api/impersonation.h"


#include "reconciler/api/account_tokens.h"
#include "reconciler/api/auth.h"
#include "reconciler/api/status_response.h"
#include "schema/base/lower.h"

namespace mainstay::api {
namespace {

constexpr std::string_view kPrefix = "impersonate-";
constexpr std::string_view kAnonymous = "system:anonymous";
constexpr std::string_view kAccountPrefix = "system:serviceaccount:";

bool is_wish(const std::pair<std::string, std::string>& header) {
  return lower_ascii(header.first).starts_with(kPrefix);
}

// The groups that belong to a user of this name when none are asked for.
std::vector<std::string> groups_of(const std::string& user) {
  if (!user.starts_with(kAccountPrefix)) return {};
  std::string ns = user.substr(kAccountPrefix.size());
  ns = ns.substr(0, ns.find(':'));
  std::string all(kServiceAccountsGroup);
  return {all, all + ":" + ns};
}

Response may_not(const Identity& who, const std::string& whom) {
  StatusDetails details{whom, "", "users", "", {}, 0};
  return failure(403, "Forbidden",
                 "users \"" + whom + "\" is forbidden: User \"" + who.user +
                     "\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
                 std::move(details));
}

}  // namespace

std::optional<Response> impersonate(Request& request) {
  if (std::none_of(request.headers.begin(), request.headers.end(), is_wish)) return std::nullopt;
  Identity wanted;
  wanted.user = request.header("Impersonate-User");
  for (const auto& [name, value] : request.headers) {
    if (lower_ascii(name) == "impersonate-group") wanted.groups.push_back(value);
  }
  if (!request.identity.in_group(kMastersGroup)) return may_not(request.identity, wanted.user);
  if (wanted.user.empty()) return failure(400, "BadRequest", "Impersonate-User is missing");
  if (wanted.groups.empty()) wanted.groups = groups_of(wanted.user);
  std::string known(wanted.user == kAnonymous ? "system:unauthenticated" : kAuthenticatedGroup);
  if (!wanted.in_group(known)) wanted.groups.push_back(std::move(known));
  request.identity = std::move(wanted);
  return std::nullopt;
}

}  // namespace mainstay::api
