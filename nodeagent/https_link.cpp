#include <curl/curl.h>
#include <poll.h>

#include <algorithm>
#include <atomic>

#include "nodeagent/control_link.h"
#include "schema/base/clock.h"
#include "schema/json.h"

namespace mainstay {
namespace {

constexpr size_t kMaxAnswer = 64 << 20;
constexpr long kRequestSeconds = 30;

struct CurlClose {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Curl = std::unique_ptr<CURL, CurlClose>;
using Headers = std::unique_ptr<curl_slist, CurlClose>;

// Called by libcurl about once a second and whenever something moves; not 0 ends the transfer.
int check_interrupt(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

size_t take_answer(char* data, size_t size, size_t count, void* to) {
  auto* body = static_cast<std::string*>(to);
  if (body->size() + size * count > kMaxAnswer) return 0;
  body->append(data, size * count);
  return size * count;
}

void add_header(Headers& headers, const std::string& line) {
  headers.reset(curl_slist_append(headers.release(), line.c_str()));
}

// The human half of a Kubernetes Status, or the body's beginning.
std::string message_of(const std::string& body) {
  Result<Value> status = read_json(body);
  if (status.ok() && !status->string_at("message").empty()) return std::string(status->string_at("message"));
  return body.substr(0, 200);
}

Error refusal(long code, const std::string& body) {
  ErrorCode kind = ErrorCode::kFailed;
  if (code == 401 || code == 403) kind = ErrorCode::kDenied;
  if (code == 404) kind = ErrorCode::kNotFound;
  if (code == 429 || code >= 500) kind = ErrorCode::kUnavailable;
  return error(kind, "the control plane answered " + std::to_string(code) + ": " + message_of(body));
}

void set_up(CURL* curl, const LinkSettings& settings, const std::string& url, curl_slist* headers) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  if (settings.ca_pem.empty()) return;
  curl_blob blob{const_cast<char*>(settings.ca_pem.data()), settings.ca_pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
}

struct HttpAnswer {
  long status = 0;
  std::string body;
};

Result<HttpAnswer> request(const LinkSettings& settings, const std::string& path, const std::string* body,
                           const std::string& token, long seconds, const std::atomic<bool>* interrupted) {
  Curl curl(curl_easy_init());
  if (!curl) return failed("no memory for a connection");
  Headers headers;
  add_header(headers, "Authorization: Bearer " + token);
  if (body != nullptr) add_header(headers, "Content-Type: application/json");
  add_header(headers, "Expect:");
  std::string url = settings.server + path;
  set_up(curl.get(), settings, url, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds);
  if (interrupted != nullptr) {
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, check_interrupt);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, interrupted);
  }
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_answer);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (body != nullptr) {
    curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  }
  CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OPERATION_TIMEDOUT)
    return error(ErrorCode::kTimeout, "the control plane did not answer in time");
  if (code != CURLE_OK) {
    return error(ErrorCode::kUnavailable,
                 "cannot reach the control plane at " + settings.server + ": " + curl_easy_strerror(code));
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

// The socket of an upgraded connection; writes wait until the other side takes them.
class CurlStream : public UpStream {
 public:
  explicit CurlStream(Curl curl) : curl_(std::move(curl)) {}

  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      size_t sent = 0;
      CURLcode code = curl_easy_send(curl_.get(), bytes.data(), bytes.size(), &sent);
      if (code == CURLE_AGAIN) {
        RETURN_IF_ERROR(wait_for(POLLOUT));
        continue;
      }
      if (code != CURLE_OK) return error(ErrorCode::kUnavailable, "the reader has gone");
      bytes.remove_prefix(sent);
    }
    return {};
  }

  // The head of the answer to the upgrade request.
  Result<std::string> read_head() {
    std::string head;
    char buffer[512];
    while (head.find("\r\n\r\n") == std::string::npos) {
      if (head.size() > 16384) return failed("the answer to a stream's request is too long");
      size_t got = 0;
      CURLcode code = curl_easy_recv(curl_.get(), buffer, sizeof(buffer), &got);
      if (code == CURLE_AGAIN) {
        RETURN_IF_ERROR(wait_for(POLLIN));
        continue;
      }
      if (code != CURLE_OK || got == 0)
        return error(ErrorCode::kUnavailable, "the control plane closed the stream");
      head.append(buffer, got);
    }
    return head;
  }

 private:
  Status wait_for(short events) {
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(curl_.get(), CURLINFO_ACTIVESOCKET, &socket);
    pollfd waited{socket, events, 0};
    if (poll(&waited, 1, kRequestSeconds * 1000) <= 0)
      return error(ErrorCode::kTimeout, "the reader takes nothing");
    return {};
  }

  Curl curl_;
};

class HttpsLink : public ControlLink {
 public:
  explicit HttpsLink(LinkSettings settings) : settings_(std::move(settings)) {}

  Result<AgentPollAnswer> poll(const AgentHas& has, Duration wait) override {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait).count();
    std::string path = base() + "/poll?epoch=" + std::to_string(has.assignment.epoch) +
                       "&number=" + std::to_string(has.assignment.number) + "&wait=" + std::to_string(seconds);
    if (has.wants_network) {
      path += "&networkEpoch=" + std::to_string(has.network.epoch) +
              "&networkNumber=" + std::to_string(has.network.number) + "&networkDigest=" + has.network_digest;
    }
    ASSIGN_OR_RETURN(HttpAnswer answer, request(settings_, path, nullptr, settings_.token,
                                                seconds + kRequestSeconds, &interrupted_));
    if (answer.status != 200) return refusal(answer.status, answer.body);
    return decode_poll_answer(answer.body);
  }

  Status report(const NodeReport& report) override {
    std::string body = encode(report);
    ASSIGN_OR_RETURN(HttpAnswer answer, request(settings_, base() + "/report", &body, settings_.token,
                                                kRequestSeconds, &interrupted_));
    if (answer.status < 200 || answer.status > 299) return refusal(answer.status, answer.body);
    return {};
  }

  Result<std::unique_ptr<UpStream>> dial(uint64_t stream) override {
    Curl curl(curl_easy_init());
    if (!curl) return failed("no memory for a connection");
    std::string url = settings_.server;
    set_up(curl.get(), settings_, url, nullptr);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
    CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK)
      return error(ErrorCode::kUnavailable, std::string("cannot dial: ") + curl_easy_strerror(code));
    auto made = std::make_unique<CurlStream>(std::move(curl));
    std::string head = "GET " + base() + "/streams/" + std::to_string(stream) +
                       " HTTP/1.1\r\nHost: " + host() + "\r\nAuthorization: Bearer " + settings_.token +
                       "\r\nConnection: Upgrade\r\nUpgrade: mainstay-stream\r\n\r\n";
    RETURN_IF_ERROR(made->write(head));
    ASSIGN_OR_RETURN(std::string answer, made->read_head());
    if (!answer.starts_with("HTTP/1.1 101")) {
      return error(ErrorCode::kNotFound,
                   "the stream is not wanted any more: " + answer.substr(0, answer.find('\r')));
    }
    return std::unique_ptr<UpStream>(std::move(made));
  }

  Status refuse(uint64_t stream, int status, const std::string& message) override {
    Value body = Value::map();
    body.set("status", static_cast<int64_t>(status));
    body.set("message", message);
    std::string json = to_json(body);
    std::string path = base() + "/streams/" + std::to_string(stream) + "/refuse";
    ASSIGN_OR_RETURN(HttpAnswer answer,
                     request(settings_, path, &json, settings_.token, kRequestSeconds, &interrupted_));
    if (answer.status < 200 || answer.status > 299) return refusal(answer.status, answer.body);
    return {};
  }

  Result<IssuedToken> issue_token(const TokenOrder& order) override {
    Value body = Value::map();
    body.set("namespace", order.ns);
    body.set("pod", order.pod);
    body.set("uid", order.uid);
    body.set("serviceAccount", order.service_account);
    body.set("audience", order.audience);
    body.set("expirationSeconds", order.seconds);
    std::string json = to_json(body);
    ASSIGN_OR_RETURN(HttpAnswer answer, request(settings_, base() + "/tokens", &json, settings_.token,
                                                kRequestSeconds, &interrupted_));
    if (answer.status < 200 || answer.status > 299) return refusal(answer.status, answer.body);
    ASSIGN_OR_RETURN(Value parsed, read_json(answer.body));
    const Value* seconds = parsed.find("expirationSeconds");
    IssuedToken out{std::string(parsed.string_at("token")), {}};
    if (out.text.empty() || seconds == nullptr || !seconds->is_int() || seconds->as_int() <= 0) {
      return failed("the control plane's answer holds no token");
    }
    out.life = std::chrono::seconds{seconds->as_int()};
    return out;
  }

  void interrupt() override { interrupted_.store(true); }

 private:
  std::string base() const { return "/agent/v1/nodes/" + settings_.node; }
  std::string host() const {
    size_t at = settings_.server.find("://");
    return at == std::string::npos ? settings_.server : settings_.server.substr(at + 3);
  }

  const LinkSettings settings_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace

std::unique_ptr<ControlLink> make_https_link(LinkSettings settings) {
  return std::make_unique<HttpsLink>(std::move(settings));
}

Result<std::string> join_cluster(const LinkSettings& settings, const std::string& join_token) {
  Value body = Value::map();
  body.set("node", settings.node);
  std::string json = to_json(body);
  ASSIGN_OR_RETURN(HttpAnswer answer,
                   request(settings, "/agent/v1/join", &json, join_token, kRequestSeconds, nullptr));
  if (answer.status < 200 || answer.status > 299) return refusal(answer.status, answer.body);
  ASSIGN_OR_RETURN(Value parsed, read_json(answer.body));
  std::string token(parsed.string_at("token"));
  if (token.empty()) return failed("the control plane's answer to the join holds no credential");
  return token;
}

}  // namespace mainstay
