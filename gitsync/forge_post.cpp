// The one file that speaks to forges, through libcurl.
#include <curl/curl.h>

#include <memory>
#include <mutex>

#include "gitsync/forge.h"
#include "gitsync/secret_file.h"

namespace mainstay {
namespace {

constexpr size_t kMaxAnswer = 64 * 1024;

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// The answer is not used; reading it has a bound.
size_t swallow(char*, size_t size, size_t count, void* payload) {
  size_t& seen = *static_cast<size_t*>(payload);
  seen += size * count;
  return seen > kMaxAnswer ? 0 : size * count;
}

bool is_loopback(std::string_view url) {
  for (std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(host)) continue;
    std::string_view rest = url.substr(host.size());
    if (rest.empty() || rest.front() == ':' || rest.front() == '/') return true;
  }
  return false;
}

Status judge(long status) {
  const std::string said = "the forge answered " + std::to_string(status);
  if (status >= 200 && status < 300) return {};
  if (status == 401 || status == 403)
    return error(ErrorCode::kDenied, said + ": the token may not set commit statuses");
  if (status == 404)
    return error(ErrorCode::kNotFound, said + ": no such repository or commit, or the token may not see it");
  if (status == 408 || status == 429 || status >= 500) return error(ErrorCode::kUnavailable, said);
  if (status >= 300 && status < 400)
    return error(ErrorCode::kInvalid, said + ", a redirect, which is not followed");
  return error(ErrorCode::kInvalid, said);
}

class ForgeSink final : public StatusSink {
 public:
  ForgeSink(ForgeTarget target, Duration timeout) : target_(std::move(target)), timeout_(timeout) {}
  Status post(const CommitStatus& status) override;

 private:
  std::string authorization(const std::string& token) const {
    if (target_.kind == ForgeKind::kGitLab) return "PRIVATE-TOKEN: " + token;
    bool bearer = target_.kind == ForgeKind::kGitHub || target_.kind == ForgeKind::kBitbucket;
    return (bearer ? "Authorization: Bearer " : "Authorization: token ") + token;
  }

  const ForgeTarget target_;
  const Duration timeout_;
};

Status ForgeSink::post(const CommitStatus& status) {
  ASSIGN_OR_RETURN(std::string token, read_secret_file(target_.token_file, "forge token file"));
  std::unique_ptr<CURL, FreeCurl> curl(curl_easy_init());
  if (!curl) return failed("libcurl did not start");
  ForgeRequest request = status_request(target_, status);
  std::unique_ptr<curl_slist, FreeList> headers;
  auto add = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  for (const std::string& line : request.headers) add(line);
  const bool basic = target_.kind == ForgeKind::kBitbucket && !target_.username.empty();
  if (!basic) add(authorization(token));
  add("Expect:");
  size_t seen = 0;
  CURL* c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, is_loopback(target_.api_url) ? "http,https" : "https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(
      c, CURLOPT_TIMEOUT_MS,
      static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count()));
  curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(c, CURLOPT_POSTFIELDS, request.body.c_str());
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_USERAGENT, "mainstay");
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &seen);
  if (basic) {
    curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(c, CURLOPT_USERNAME, target_.username.c_str());
    curl_easy_setopt(c, CURLOPT_PASSWORD, token.c_str());
  }
  CURLcode code = curl_easy_perform(c);
  long answered = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &answered);
  if (code == CURLE_OPERATION_TIMEDOUT)
    return error(ErrorCode::kTimeout, target_.api_url + ": no answer in time");
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return error(ErrorCode::kDenied,
                 target_.api_url + ": its certificate is not trusted by this machine's CA store");
  }
  // An answer that was too long to read to its end is an answer all the same.
  if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && answered != 0)) {
    return error(ErrorCode::kUnavailable, target_.api_url + ": " + curl_easy_strerror(code));
  }
  Status judged = judge(answered);
  return judged.ok() ? judged : Status(judged.error().in(target_.api_url));
}

}  // namespace

Result<std::unique_ptr<StatusSink>> make_forge_sink(const ForgeTarget& target, Duration timeout) {
  if (target.kind == ForgeKind::kGeneric) return error(ErrorCode::kInvalid, "set the kind of the forge");
  if (target.token_file.empty())
    return error(ErrorCode::kInvalid, "commit statuses need a token: set the forge token file");
  if (!target.api_url.starts_with("https://") && !is_loopback(target.api_url)) {
    return error(ErrorCode::kInvalid,
                 "the forge's API must be reached over https, so that the token is not readable on its way");
  }
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::unique_ptr<StatusSink>(new ForgeSink(target, timeout));
}

}  // namespace mainstay
