#include "nodeagent/prober.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "schema/base/clock.h"

namespace mainstay {
namespace {

constexpr size_t kMaxBody = 10 * 1024;
constexpr int kMostRedirects = 10;

struct CurlClose {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Headers = std::unique_ptr<curl_slist, CurlClose>;

size_t take_body(char* data, size_t size, size_t count, void* to) {
  auto* body = static_cast<std::string*>(to);
  size_t bytes = size * count;
  body->append(data, std::min(bytes, kMaxBody - std::min(kMaxBody, body->size())));
  return bytes;
}

// Headers and trailers alike; only gRPC's own matter.
size_t take_header(char* data, size_t size, size_t count, void* to) {
  std::string_view line(data, size * count);
  constexpr std::string_view kName = "grpc-status:";
  if (line.substr(0, kName.size()) == kName) {
    line.remove_prefix(kName.size());
    auto* status = static_cast<std::string*>(to);
    status->clear();
    for (char c : line) {
      if (c >= '0' && c <= '9') *status += c;
    }
  }
  return size * count;
}

int look_for_cancel(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* cancelled = static_cast<const std::atomic<bool>*>(flag);
  return cancelled != nullptr && cancelled->load() ? 1 : 0;
}

std::string host_text(const ProbeTarget& target) {
  bool six = target.host.find(':') != std::string::npos;
  return (six ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

std::string url_of(const ProbeTarget& target) {
  std::string path = target.path.starts_with("/") ? target.path : "/" + target.path;
  return (target.https ? "https://" : "http://") + host_text(target) + path;
}

std::string host_in(const std::string& url) {
  std::unique_ptr<CURLU, CurlClose> parsed(curl_url());
  char* host = nullptr;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return "";
  }
  std::string out = host;
  curl_free(host);
  return out;
}

void add_header(Headers& headers, const std::string& line) {
  headers.reset(curl_slist_append(headers.release(), line.c_str()));
}

// The manifest's headers; an empty User-Agent or Accept leaves that header out, as Kubernetes has it.
Headers headers_of(const ProbeTarget& target) {
  Headers out;
  bool has_agent = false;
  for (const auto& [name, value] : target.headers) {
    bool broken = (name + value).find_first_of("\r\n") != std::string::npos;
    if (broken) continue;
    bool removable = name == "User-Agent" || name == "Accept";
    add_header(out, value.empty() ? name + (removable ? ":" : ";") : name + ": " + value);
    has_agent = has_agent || name == "User-Agent";
  }
  if (!has_agent) add_header(out, "User-Agent: kube-probe/1.33");
  return out;
}

void set_common(CURL* curl, const std::string& url, Duration left, const std::atomic<bool>* cancelled,
                std::string* body) {
  auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(millis, 1)));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(cancelled));
}

// What went wrong below HTTP, in the words of Go's net package.
std::string network_trouble(CURL* curl, CURLcode code, const ProbeTarget& target, std::string_view on_timeout) {
  if (code == CURLE_OPERATION_TIMEDOUT) return std::string(on_timeout);
  if (code != CURLE_COULDNT_CONNECT) return curl_easy_strerror(code);
  long number = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
  std::string why = number != 0 ? std::strerror(static_cast<int>(number)) : "no connection";
  if (!why.empty()) why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
  return "dial tcp " + host_text(target) + ": connect: " + why;
}

ProbeResult probe_tcp(const ProbeTarget& target, const std::atomic<bool>* cancelled) {
  std::unique_ptr<CURL, CurlClose> curl(curl_easy_init());
  if (!curl) return {false, "no memory for a probe", false, true};
  std::string body;
  set_common(curl.get(), "http://" + host_text(target) + "/", target.timeout, cancelled, &body);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_OK) return {true, "", false, false};
  return {false, network_trouble(curl.get(), code, target, "dial tcp " + host_text(target) + ": i/o timeout"), false,
          false};
}

ProbeResult probe_http(const ProbeTarget& target, const std::atomic<bool>* cancelled) {
  MonoTime deadline = read_clock().mono + target.timeout;
  std::string url = url_of(target);
  const std::string first_host = host_in(url);
  Headers headers = headers_of(target);
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    std::unique_ptr<CURL, CurlClose> curl(curl_easy_init());
    if (!curl) return {false, "no memory for a probe", false, true};
    std::string body;
    set_common(curl.get(), url, deadline - read_clock().mono, cancelled, &body);
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) {
      return {false, "Get \"" + url + "\": " +
                         network_trouble(curl.get(), code, target,
                                         "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
              false, false};
    }
    long status = 0;
    char* next = nullptr;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (target.any_status) return {true, "", false, false};
    curl_easy_getinfo(curl.get(), CURLINFO_REDIRECT_URL, &next);
    if (status < 200 || status >= 400) {
      return {false, "HTTP probe failed with statuscode: " + std::to_string(status), false, false};
    }
    if (next == nullptr) return {true, "", false, false};
    if (host_in(next) != first_host) {
      return {true, "Probe terminated redirects, Response body: " + body.substr(0, 1024), true, false};
    }
    url = next;
  }
  return {false, "Get \"" + url + "\": stopped after 10 redirects", false, false};
}

// A message of gRPC: a byte for compression, four for the length, then HealthCheckRequest{service = 1}.
std::string health_request(const std::string& service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';
    for (size_t rest = service.size(); ; rest >>= 7) {
      message += static_cast<char>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      if (rest <= 0x7f) break;
    }
    message += service;
  }
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((message.size() >> shift) & 0xff);
  return out + message;
}

// HealthCheckResponse{status = 1}: 0 unknown, 1 serving, 2 not serving, 3 service unknown.
int health_status(const std::string& answer) {
  constexpr size_t kPrefix = 5;
  if (answer.size() < kPrefix + 2 || answer[kPrefix] != '\x08') return 0;
  return static_cast<unsigned char>(answer[kPrefix + 1]);
}

ProbeResult probe_grpc(const ProbeTarget& target, const std::atomic<bool>* cancelled) {
  std::unique_ptr<CURL, CurlClose> curl(curl_easy_init());
  if (!curl) return {false, "no memory for a probe", false, true};
  std::string body, grpc_status;
  std::string request = health_request(target.service);
  set_common(curl.get(), "http://" + host_text(target) + "/grpc.health.v1.Health/Check", target.timeout, cancelled,
             &body);
  Headers headers;
  for (const char* line : {"content-type: application/grpc", "te: trailers", "User-Agent: kube-probe/1.33"}) {
    add_header(headers, line);
  }
  curl_easy_setopt(curl.get(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(request.size()));
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.data());
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &grpc_status);
  CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(target.timeout).count();
    bool slow = code == CURLE_OPERATION_TIMEDOUT || code == CURLE_COULDNT_CONNECT;
    std::string why = network_trouble(curl.get(), code, target, "context deadline exceeded");
    return {false, slow ? "timeout: failed to connect service \"" + host_text(target) + "\" within " +
                              std::to_string(seconds) + "s: " + why
                        : "error: health rpc probe failed: " + why,
            false, false};
  }
  if (grpc_status == "12" || grpc_status.empty()) {
    return {false, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)", false,
            false};
  }
  if (grpc_status != "0") {
    return {false, "error: health rpc probe failed: rpc error: code = " + grpc_status, false, false};
  }
  int status = health_status(body);
  if (status == 1) return {true, "", false, false};
  const char* words[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
  return {false, std::string("service unhealthy (responded with \"") + words[status <= 3 ? status : 0] + "\")", false,
          false};
}

}  // namespace

ProbeResult probe_network(const ProbeTarget& target, const std::atomic<bool>* cancelled) {
  switch (target.kind) {
    case ProbeTarget::Kind::kHttp: return probe_http(target, cancelled);
    case ProbeTarget::Kind::kGrpc: return probe_grpc(target, cancelled);
    case ProbeTarget::Kind::kTcp:
    case ProbeTarget::Kind::kExec: break;
  }
  return probe_tcp(target, cancelled);
}

}  // namespace mainstay
