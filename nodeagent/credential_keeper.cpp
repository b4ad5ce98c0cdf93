#include "nodeagent/credential_keeper.h"

#include <algorithm>

#include "nodeagent/disk.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr Duration kLongestWait = std::chrono::hours{1};  // a clock may have stood still meanwhile
constexpr Duration kShortestWait = std::chrono::milliseconds{100};
constexpr Duration kRetry = std::chrono::seconds{30};
constexpr Duration kTokenLook = std::chrono::seconds{5};
constexpr size_t kLongestCredential = 4096;

}  // namespace

Result<std::string> read_credential(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, read_file(path, kLongestCredential));
  size_t from = text.find_first_not_of(" \t\r\n"), to = text.find_last_not_of(" \t\r\n");
  if (from == std::string::npos) return error(ErrorCode::kNotFound, path + " is empty");
  return text.substr(from, to - from + 1);
}

Status write_credential(const CredentialKeeper::Settings& settings, const FreshCredential& credential) {
  if (!settings.ca_file.empty() && !credential.ca_pem.empty()) {
    Result<std::string> known = read_file(settings.ca_file);
    bool same = known.ok() && *known == credential.ca_pem;
    if (!same) RETURN_IF_ERROR(write_file(settings.ca_file, credential.ca_pem, 0644, true));
  }
  return settings.file.empty() ? Status() : write_file(settings.file, credential.text + "\n", 0600, true);
}

std::string CredentialKeeper::given_token() const {
  if (settings_.token_file.empty()) return "";
  Result<std::string> read = read_credential(settings_.token_file);
  return read.ok() ? *read : "";
}

Status CredentialKeeper::adopt(const FreshCredential& credential) {
  RETURN_IF_ERROR(write_credential(settings_, credential));
  link_.use_credential(credential);
  return {};
}

Duration CredentialKeeper::look() {
  Result<CredentialState> state = link_.credential_state();
  if (state.ok()) {
    said_.clear();
    spent_token_ = given_token();
    return renew(*state);
  }
  if (state.error().code == ErrorCode::kDenied) return join_again(state.error());
  // A control plane of a version before does not know the question.
  return state.error().code == ErrorCode::kNotFound ? kLongestWait : kRetry;
}

Duration CredentialKeeper::renew(const CredentialState& state) {
  // One without an end comes from a version before.
  if (state.life > Duration{0}) {
    auto share = std::chrono::duration_cast<Duration>(state.life * settings_.renew_at);
    Duration due = state.remaining - (state.life - share);
    if (due > Duration{0}) return std::clamp(due, kShortestWait, kLongestWait);
  }
  Result<FreshCredential> fresh = link_.renew_credential();
  Status kept = fresh.ok() ? adopt(*fresh) : Status(fresh.error());
  if (kept.ok()) {
    log::info("agent", "this node has a new credential");
    return kShortestWait;  // its first use tells the control plane that it has arrived
  }
  log::warning("agent", "the node's credential is not renewed: " + kept.error().message);
  return state.life > Duration{0} ? std::clamp(state.remaining / 10, kShortestWait, kRetry) : kRetry;
}

Duration CredentialKeeper::join_again(const Error& refusal) {
  std::string token = given_token(), trouble = refusal.message;
  if (!token.empty() && token != spent_token_) {
    Result<FreshCredential> joined = link_.join(token);
    Status kept = joined.ok() ? adopt(*joined) : Status(joined.error());
    if (joined.ok() || joined.error().code != ErrorCode::kUnavailable) spent_token_ = token;
    if (kept.ok()) {
      log::info("agent", "this node has joined again");
      return kShortestWait;
    }
    trouble = "joining again failed: " + kept.error().message;
  }
  if (trouble != said_) {
    std::string advice = settings_.token_file.empty()
                             ? "; to join again start it anew"
                             : "; to join again put a join token (`mainstay token create` on the server) into " +
                                   settings_.token_file + ", which is looked at every few seconds";
    log::error("agent", trouble + advice);
    said_ = trouble;
  }
  return kTokenLook;
}

}  // namespace mainstay
