#include "nodeagent/prober.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace mainstay {
namespace {

constexpr size_t kMaxBody = 10 * 1024;

size_t take_body(char* data, size_t size, size_t count, void* to) {
  auto* body = static_cast<std::string*>(to);
  size_t bytes = size * count;
  body->append(data, std::min(bytes, kMaxBody - std::min(kMaxBody, body->size())));
  return bytes;
}

struct CurlClose {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string url_of(const ProbeTarget& target) {
  bool six = target.host.find(':') != std::string::npos;
  std::string host = six ? "[" + target.host + "]" : target.host;
  std::string path = target.path.starts_with("/") ? target.path : "/" + target.path;
  return (target.https ? "https://" : "http://") + host + ":" + std::to_string(target.port) + path;
}

}  // namespace

ProbeResult probe_network(const ProbeTarget& target) {
  bool http = target.kind == ProbeTarget::Kind::kHttp;
  std::unique_ptr<CURL, CurlClose> curl(curl_easy_init());
  if (!curl) return {false, "no memory for a probe"};
  ProbeTarget plain = target;
  if (!http) plain.path = "/";
  std::string url = url_of(plain), body;
  std::unique_ptr<curl_slist, CurlClose> headers;
  auto add_header = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  bool has_agent = false;
  for (const auto& [name, value] : target.headers) {
    if (name.find_first_of("\r\n") != std::string::npos || value.find_first_of("\r\n") != std::string::npos)
      continue;
    add_header(name + ": " + value);
    if (name == "User-Agent") has_agent = true;
  }
  if (!has_agent) add_header("User-Agent: kube-probe/1.33");
  auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(target.timeout).count();
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(millis));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  if (!http) curl_easy_setopt(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  CURLcode code = curl_easy_perform(curl.get());
  std::string where = target.host + ":" + std::to_string(target.port);
  if (code != CURLE_OK) {
    return {false, (http ? "Get \"" + url + "\": " : "dial tcp " + where + ": ") + curl_easy_strerror(code)};
  }
  if (!http) return {true, ""};
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 400) return {true, ""};
  return {false, "HTTP probe failed with statuscode: " + std::to_string(status)};
}

}  // namespace mainstay
