#include <curl/curl.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "nodeagent/control_link.h"
#include "nodeagent/own_mark.h"
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

// A Service that claims the control plane's address must not lead astray who would learn of its end there.
int mark_socket(void*, curl_socket_t socket, curlsocktype) {
  mark_as_own(socket);
  return CURL_SOCKOPT_OK;
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

// Whether a refusal says that this node was deleted.
bool says_node_deleted(const std::string& body) {
  Result<Value> status = read_json(body);
  const Value* causes = status.ok() ? status->find_path({"details", "causes"}) : nullptr;
  if (causes == nullptr || !causes->is_list()) return false;
  return std::any_of(causes->as_list().begin(), causes->as_list().end(),
                     [](const Value& cause) { return cause.string_at("reason") == "NodeDeleted"; });
}

Error refusal(long code, const std::string& body) {
  ErrorCode kind = ErrorCode::kFailed;
  if (code == 401 || code == 403) kind = ErrorCode::kDenied;
  if (code == 404) kind = ErrorCode::kNotFound;
  if (code == 409) kind = ErrorCode::kConflict;
  if (code == 429 || code >= 500) kind = ErrorCode::kUnavailable;
  return error(kind, "the control plane answered " + std::to_string(code) + ": " + message_of(body));
}

// What a connection presents and trusts.
struct Trust {
  std::string token, ca_pem;
};

void set_up(CURL* curl, const Trust& trust, const std::string& url, curl_slist* headers) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, mark_socket);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  if (trust.ca_pem.empty()) return;
  curl_blob blob{const_cast<char*>(trust.ca_pem.data()), trust.ca_pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
}

struct HttpAnswer {
  long status = 0;
  std::string body;
};

// A POST if there is a body.
Result<HttpAnswer> request(const std::string& server, const Trust& trust, const std::string& path,
                           const std::string* body, long seconds, const std::atomic<bool>& interrupted) {
  Curl curl(curl_easy_init());
  if (!curl) return failed("no memory for a connection");
  Headers headers;
  add_header(headers, "Authorization: Bearer " + trust.token);
  if (body != nullptr) add_header(headers, "Content-Type: application/json");
  add_header(headers, "Expect:");
  std::string url = server + path;
  set_up(curl.get(), trust, url, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, check_interrupt);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &interrupted);
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
    std::string hint = code == CURLE_PEER_FAILED_VERIFICATION
                           ? "; it is not the server of this cluster's certificate, or that has ended: compare with "
                             "the server's pki/ca.crt"
                           : "";
    return error(ErrorCode::kUnavailable,
                 "cannot reach the control plane at " + server + ": " + curl_easy_strerror(code) + hint);
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
  explicit HttpsLink(LinkSettings settings)
      : settings_(std::move(settings)), trust_{settings_.token, settings_.ca_pem} {}

  Result<AgentPollAnswer> poll(const AgentHas& has, Duration wait) override {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait).count();
    std::string path = base() + "/poll?epoch=" + std::to_string(has.assignment.epoch) +
                       "&number=" + std::to_string(has.assignment.number) + "&wait=" + std::to_string(seconds);
    if (has.wants_network) {
      path += "&networkEpoch=" + std::to_string(has.network.epoch) +
              "&networkNumber=" + std::to_string(has.network.number) + "&networkDigest=" + has.network_digest;
    }
    ASSIGN_OR_RETURN(HttpAnswer answer, ask(path, nullptr, seconds + kRequestSeconds));
    return decode_poll_answer(answer.body);
  }

  Status report(const NodeReport& report) override {
    std::string body = encode(report);
    Result<HttpAnswer> answer = ask(base() + "/report", &body);
    return answer.ok() ? Status() : answer.error();
  }

  Result<std::unique_ptr<UpStream>> dial(uint64_t stream) override {
    Curl curl(curl_easy_init());
    if (!curl) return failed("no memory for a connection");
    Trust trust = trusted();
    set_up(curl.get(), trust, settings_.server, nullptr);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
    CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK)
      return error(ErrorCode::kUnavailable, std::string("cannot dial: ") + curl_easy_strerror(code));
    auto made = std::make_unique<CurlStream>(std::move(curl));
    std::string head = "GET " + base() + "/streams/" + std::to_string(stream) +
                       " HTTP/1.1\r\nHost: " + host() + "\r\nAuthorization: Bearer " + trust.token +
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
    Result<HttpAnswer> answer = ask(path, &json);
    return answer.ok() ? Status() : answer.error();
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
    ASSIGN_OR_RETURN(HttpAnswer answer, ask(base() + "/tokens", &json));
    ASSIGN_OR_RETURN(Value parsed, read_json(answer.body));
    const Value* seconds = parsed.find("expirationSeconds");
    IssuedToken out{std::string(parsed.string_at("token")), {}};
    if (out.text.empty() || seconds == nullptr || !seconds->is_int() || seconds->as_int() <= 0) {
      return failed("the control plane's answer holds no token");
    }
    out.life = std::chrono::seconds{seconds->as_int()};
    return out;
  }

  Result<CredentialState> credential_state() override {
    ASSIGN_OR_RETURN(HttpAnswer answer, ask(base() + "/credential", nullptr));
    ASSIGN_OR_RETURN(Value parsed, read_json(answer.body));
    const Value *life = parsed.find("lifeSeconds"), *remaining = parsed.find("remainingSeconds");
    if (life == nullptr || remaining == nullptr || !life->is_int() || !remaining->is_int()) return CredentialState{};
    return CredentialState{std::chrono::seconds{life->as_int()}, std::chrono::seconds{remaining->as_int()}};
  }

  Result<FreshCredential> renew_credential() override {
    std::string nothing;
    ASSIGN_OR_RETURN(HttpAnswer answer, ask(base() + "/credential", &nothing));
    return credential_in(answer);
  }

  Result<FreshCredential> join(const std::string& join_token) override {
    Value body = Value::map();
    body.set("node", settings_.node);
    std::string json = to_json(body);
    Trust joining{join_token, trusted().ca_pem};
    ASSIGN_OR_RETURN(HttpAnswer answer, request(settings_.server, joining, "/agent/v1/join", &json, kRequestSeconds,
                                                interrupted_));
    if (answer.status < 200 || answer.status > 299) return refusal(answer.status, answer.body);
    return credential_in(answer);
  }

  void use_credential(const FreshCredential& credential) override {
    std::lock_guard lock(mutex_);
    trust_.token = credential.text;
    if (!credential.ca_pem.empty()) trust_.ca_pem = settings_.ca_pem + credential.ca_pem;
    node_deleted_.store(false);
  }

  bool node_deleted() const override { return node_deleted_.load(); }

  void interrupt() override { interrupted_.store(true); }

 private:
  Trust trusted() const {
    std::lock_guard lock(mutex_);
    return trust_;
  }

  // With this node's credential: a success's answer, or the refusal.
  Result<HttpAnswer> ask(const std::string& path, const std::string* body, long seconds = kRequestSeconds) {
    for (Trust trust = trusted();;) {
      ASSIGN_OR_RETURN(HttpAnswer answer, request(settings_.server, trust, path, body, seconds, interrupted_));
      if (answer.status >= 200 && answer.status <= 299) return answer;
      // What was presented may have been replaced while it was under way.
      Trust newest = trusted();
      if (answer.status == 401 && newest.token != trust.token) {
        trust = std::move(newest);
        continue;
      }
      if (answer.status == 401 && says_node_deleted(answer.body)) node_deleted_.store(true);
      return refusal(answer.status, answer.body);
    }
  }

  static Result<FreshCredential> credential_in(const HttpAnswer& answer) {
    ASSIGN_OR_RETURN(Value parsed, read_json(answer.body));
    FreshCredential out{std::string(parsed.string_at("token")), std::string(parsed.string_at("ca"))};
    if (out.text.empty()) return failed("the control plane's answer holds no credential");
    return out;
  }

  std::string base() const { return "/agent/v1/nodes/" + settings_.node; }
  std::string host() const {
    size_t at = settings_.server.find("://");
    return at == std::string::npos ? settings_.server : settings_.server.substr(at + 3);
  }

  const LinkSettings settings_;
  mutable std::mutex mutex_;  // of trust_
  Trust trust_;
  std::atomic<bool> interrupted_{false}, node_deleted_{false};
};

}  // namespace

std::unique_ptr<ControlLink> make_https_link(LinkSettings settings) {
  return std::make_unique<HttpsLink>(std::move(settings));
}

}  // namespace mainstay
