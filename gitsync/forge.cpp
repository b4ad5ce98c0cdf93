#include "gitsync/forge.h"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "gitsync/remote_url.h"

namespace mainstay {
namespace {

using Json = nlohmann::ordered_json;

// Descriptions may hold bytes of a manifest or a commit that are no UTF-8: shown as U+FFFD.
std::string text_of(const Json& body) { return body.dump(-1, ' ', false, Json::error_handler_t::replace); }

struct KnownForge {
  std::string_view host;
  ForgeKind kind;
  std::string_view api_url;
};
constexpr KnownForge kKnownForges[] = {
    {"github.com", ForgeKind::kGitHub, "https://api.github.com"},
    {"gitlab.com", ForgeKind::kGitLab, "https://gitlab.com/api/v4"},
    {"codeberg.org", ForgeKind::kForgejo, "https://codeberg.org/api/v1"},
    {"bitbucket.org", ForgeKind::kBitbucket, "https://api.bitbucket.org/2.0"},
};

// Where a forge of that kind has its API on a host of one's own.
std::string api_path(ForgeKind kind) {
  switch (kind) {
    case ForgeKind::kGitHub: return "/api/v3";
    case ForgeKind::kGitLab: return "/api/v4";
    case ForgeKind::kBitbucket: return "/rest/api/1.0";
    default: return "/api/v1";
  }
}

// RFC 3986's unreserved characters stay.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                 c == '.' || c == '_' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    }
  }
  return out;
}

std::string encoded_path(std::string_view repository) {
  std::string out;
  while (true) {
    size_t slash = std::min(repository.find('/'), repository.size());
    out += percent_encoded(repository.substr(0, slash));
    if (slash == repository.size()) return out;
    out += '/';
    repository.remove_prefix(slash + 1);
  }
}

// At most `limit` bytes, cut between characters.
std::string shortened(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string_view gitlab_state(CommitState state) {
  switch (state) {
    case CommitState::kPending: return "running";
    case CommitState::kSuccess: return "success";
    case CommitState::kFailure:
    case CommitState::kError: return "failed";
  }
  return "failed";
}

std::string_view bitbucket_state(CommitState state) {
  switch (state) {
    case CommitState::kPending: return "INPROGRESS";
    case CommitState::kSuccess: return "SUCCESSFUL";
    case CommitState::kFailure:
    case CommitState::kError: return "FAILED";
  }
  return "FAILED";
}

ForgeRequest gitlab_request(const ForgeTarget& target, const CommitStatus& status) {
  Json body = Json::object();
  body["state"] = gitlab_state(status.state);
  body["name"] = status.context;
  body["description"] = shortened(status.description, 255);
  if (!status.target_url.empty()) body["target_url"] = status.target_url;
  return {target.api_url + "/projects/" + percent_encoded(target.repository) + "/statuses/" +
              status.commit.text(),
          {"Content-Type: application/json"},
          text_of(body)};
}

ForgeRequest bitbucket_request(const ForgeTarget& target, const CommitStatus& status) {
  const bool cloud = target.api_url.ends_with("/2.0");
  Json body = Json::object();
  body["state"] = bitbucket_state(status.state);
  body["key"] = shortened(status.context, 40);
  body["name"] = status.context;
  body["description"] = shortened(status.description, 255);
  // Bitbucket refuses a status without a link.
  std::string link = status.target_url;
  if (link.empty()) {
    link = cloud ? "https://bitbucket.org/" + encoded_path(target.repository) + "/commits/" +
                       status.commit.text()
                 : target.api_url.substr(0, target.api_url.find('/', target.api_url.find("://") + 3)) + "/";
  }
  body["url"] = link;
  std::string path = cloud ? "/repositories/" + encoded_path(target.repository) + "/commit/" +
                                 status.commit.text() + "/statuses/build"
                           : "/commits/" + status.commit.text();
  std::string base = target.api_url;
  if (!cloud && base.ends_with("/rest/api/1.0")) base.replace(base.size() - 13, 13, "/rest/build-status/1.0");
  return {base + path, {"Content-Type: application/json"}, text_of(body)};
}

// GitHub's shape, which Gitea, Forgejo and Gogs share.
ForgeRequest github_request(const ForgeTarget& target, const CommitStatus& status) {
  Json body = Json::object();
  body["state"] = commit_state_name(status.state);
  body["context"] = status.context;
  body["description"] = shortened(status.description, 140);
  if (!status.target_url.empty()) body["target_url"] = status.target_url;
  std::vector<std::string> headers{"Content-Type: application/json"};
  if (target.kind == ForgeKind::kGitHub) {
    headers.push_back("Accept: application/vnd.github+json");
    headers.push_back("X-GitHub-Api-Version: 2022-11-28");
  }
  return {target.api_url + "/repos/" + encoded_path(target.repository) + "/statuses/" + status.commit.text(),
          std::move(headers), text_of(body)};
}

}  // namespace

std::string_view commit_state_name(CommitState state) {
  switch (state) {
    case CommitState::kPending: return "pending";
    case CommitState::kSuccess: return "success";
    case CommitState::kFailure: return "failure";
    case CommitState::kError: return "error";
  }
  return "error";
}

Result<ForgeTarget> forge_target(std::string_view repository_url, std::optional<ForgeKind> kind,
                                 std::string token_file) {
  ASSIGN_OR_RETURN(RemoteUrl url, parse_remote_url(repository_url));
  if (!url.is_network()) return error(ErrorCode::kInvalid, url.display() + " is on no forge");
  ForgeTarget target;
  target.token_file = std::move(token_file);
  const KnownForge* known = nullptr;
  for (const KnownForge& each : kKnownForges) {
    if (each.host == url.host) known = &each;
  }
  if (!known && (!kind || *kind == ForgeKind::kGeneric)) {
    return error(ErrorCode::kInvalid, "which forge runs on " + url.host +
                                          "? Set its kind (github, gitlab, gitea, forgejo, bitbucket)");
  }
  target.kind = kind && *kind != ForgeKind::kGeneric ? *kind : known->kind;
  if (known && known->kind == target.kind) {
    target.api_url = known->api_url;
  } else {
    bool web = url.is_http();
    std::string scheme = url.scheme == UrlScheme::kHttp ? "http://" : "https://";
    bool default_port = !web || url.port == (url.scheme == UrlScheme::kHttp ? 80 : 443);
    target.api_url =
        scheme + url.host + (default_port ? "" : ":" + std::to_string(url.port)) + api_path(target.kind);
  }
  std::string path = url.path;
  for (std::string_view start : {"/~/", "/scm/", "/"}) {
    if (path.starts_with(start)) {
      path.erase(0, start.size());
      break;
    }
  }
  while (path.ends_with('/')) path.pop_back();
  if (path.ends_with(".git")) path.resize(path.size() - 4);
  size_t slashes = static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
  bool nested = target.kind == ForgeKind::kGitLab ? slashes >= 1 : slashes == 1;
  if (!nested || path.front() == '/' || path.find("//") != std::string::npos) {
    return error(ErrorCode::kInvalid, "\"" + path + "\" is no owner/name; set the forge's repository");
  }
  target.repository = path;
  return target;
}

ForgeRequest status_request(const ForgeTarget& target, const CommitStatus& status) {
  switch (target.kind) {
    case ForgeKind::kGitLab: return gitlab_request(target, status);
    case ForgeKind::kBitbucket: return bitbucket_request(target, status);
    default: return github_request(target, status);
  }
}

Status FakeStatusSink::post(const CommitStatus& status) {
  if (!failures.empty()) {
    Error why = failures.front();
    failures.erase(failures.begin());
    return why;
  }
  posted.push_back(status);
  return {};
}

void StatusQueue::add(const CommitStatus& status, Now now) {
  Line line{status.commit, status.context};
  auto last = posted_.find(line);
  if (last != posted_.end() && last->second.first == status) {
    pending_.erase(line);  // what waits is older than this, which the forge already shows
    return;
  }
  auto waiting = pending_.find(line);
  if (waiting != pending_.end()) {
    waiting->second.status = status;  // keeps its back-off
    return;
  }
  if (pending_.size() >= kMaxPending) {
    auto oldest = std::min_element(pending_.begin(), pending_.end(), [](const auto& a, const auto& b) {
      return a.second.order < b.second.order;
    });
    pending_.erase(oldest);
  }
  pending_[line] = {status, ++order_, 0, now.mono};
}

const StatusQueue::Pending* StatusQueue::first_due() const {
  const Pending* first = nullptr;
  for (const auto& [line, each] : pending_) {
    if (!first || each.due < first->due || (each.due == first->due && each.order < first->order))
      first = &each;
  }
  return first;
}

std::optional<CommitStatus> StatusQueue::next(Now now) const {
  const Pending* first = first_due();
  if (!first || first->due > now.mono) return std::nullopt;
  return first->status;
}

std::optional<MonoTime> StatusQueue::due() const {
  const Pending* first = first_due();
  if (!first) return std::nullopt;
  return first->due;
}

void StatusQueue::remember(const Line& line, const CommitStatus& status) {
  posted_[line] = {status, ++order_};
  if (posted_.size() <= kMaxRemembered) return;
  auto oldest = std::min_element(posted_.begin(), posted_.end(), [](const auto& a, const auto& b) {
    return a.second.second < b.second.second;
  });
  posted_.erase(oldest);
}

void StatusQueue::done(const CommitStatus& status) {
  Line line{status.commit, status.context};
  remember(line, status);
  auto waiting = pending_.find(line);
  // A newer one may have come in while this one was on its way.
  if (waiting != pending_.end() && waiting->second.status == status) pending_.erase(waiting);
}

bool StatusQueue::failed(const CommitStatus& status, const Error& why, Now now, Rng& rng) {
  auto waiting = pending_.find({status.commit, status.context});
  if (waiting == pending_.end()) return false;
  Pending& pending = waiting->second;
  const bool hopeless =
      why.code == ErrorCode::kDenied || why.code == ErrorCode::kNotFound || why.code == ErrorCode::kInvalid;
  const bool superseded = !(pending.status == status);
  if (!superseded && (hopeless || pending.tries + 1 >= kMaxTries)) {
    pending_.erase(waiting);
    return false;
  }
  Duration wait = std::min<Duration>(5min, Duration(1s) * (int64_t{1} << std::min(pending.tries, 9u)));
  ++pending.tries;
  pending.due = now.mono + wait +
                Duration(static_cast<int64_t>(rng.below(static_cast<uint64_t>(wait.count()) / 5 + 1)));
  return true;
}

}  // namespace mainstay
