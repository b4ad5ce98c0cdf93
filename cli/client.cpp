#include "cli/client.h"

#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "schema/base/crypto.h"
#include "schema/diagnostics.h"
#include "schema/json.h"
#include "schema/kind.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

constexpr const char* kDefaultKubeconfig = "/var/lib/mainstay/kubeconfig";

struct CurlClose {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t keep(char* data, size_t size, size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

size_t print(char* data, size_t size, size_t count, void*) {
  size_t written = std::fwrite(data, size, count, stdout);
  std::fflush(stdout);
  return written * size;
}

std::unique_ptr<CURL, CurlClose> prepare(const ClientTarget& target, const std::string& path,
                                         std::unique_ptr<curl_slist, CurlClose>& headers) {
  std::unique_ptr<CURL, CurlClose> curl(curl_easy_init());
  std::string url = target.server + path;
  headers.reset(curl_slist_append(headers.release(), ("Authorization: Bearer " + target.token).c_str()));
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 10L);
  if (!target.ca_pem.empty()) {
    curl_blob blob{const_cast<char*>(target.ca_pem.data()), target.ca_pem.size(), CURL_BLOB_COPY};
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO_BLOB, &blob);
  }
  return curl;
}

std::string refusal_text(const ClientAnswer& answer) {
  Result<Value> status = read_json(answer.body);
  std::string message = status.ok() ? std::string(status->string_at("message")) : "";
  return message.empty()
             ? "the server answered " + std::to_string(answer.status) + " " + answer.body.substr(0, 200)
             : message;
}

const Value* first_of(const Value& config, std::string_view list, std::string_view part) {
  const Value* items = config.find(list);
  if (items == nullptr || !items->is_list() || items->as_list().empty()) return nullptr;
  return items->as_list()[0].find(part);
}

}  // namespace

Result<ClientTarget> read_kubeconfig(const std::string& given) {
  std::vector<std::string> candidates;
  if (!given.empty()) {
    candidates.push_back(given);
  } else {
    candidates.push_back(kDefaultKubeconfig);
    if (const char* env = std::getenv("KUBECONFIG")) candidates.push_back(env);
  }
  for (const std::string& path : candidates) {
    std::ifstream in(path);
    if (!in) continue;
    std::stringstream text;
    text << in.rdbuf();
    Diagnostics diagnostics(path);
    std::vector<Document> documents = parse_yaml(text.str(), diagnostics);
    if (diagnostics.has_errors() || documents.empty())
      return error(ErrorCode::kInvalid, diagnostics.render());
    const Value* cluster = first_of(documents[0].root, "clusters", "cluster");
    const Value* user = first_of(documents[0].root, "users", "user");
    if (cluster == nullptr || user == nullptr)
      return error(ErrorCode::kInvalid, path + " names no cluster and user");
    ClientTarget target;
    target.server = cluster->string_at("server");
    target.token = user->string_at("token");
    target.ca_pem = unbase64(cluster->string_at("certificate-authority-data")).value_or("");
    return target;
  }
  return error(ErrorCode::kNotFound, "no kubeconfig at " + candidates.front() +
                                         (given.empty() ? " or in $KUBECONFIG; give --kubeconfig" : ""));
}

Result<ClientAnswer> Client::send(const std::string& method, const std::string& path, const std::string& body,
                                  const std::string& accept) const {
  std::unique_ptr<curl_slist, CurlClose> headers;
  headers.reset(curl_slist_append(nullptr, ("Accept: " + accept).c_str()));
  headers.reset(curl_slist_append(headers.release(), "Content-Type: application/json"));
  auto curl = prepare(target_, path, headers);
  ClientAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (!body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  }
  CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    return error(ErrorCode::kUnavailable, "cannot reach " + target_.server + ": " + curl_easy_strerror(code) +
                                              "; is `mainstay server` running?");
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

Result<Value> Client::get(const std::string& path, const std::string& accept) const {
  ASSIGN_OR_RETURN(ClientAnswer answer, send("GET", path, "", accept));
  if (answer.status < 200 || answer.status > 299) return failed(refusal_text(answer));
  return read_json(answer.body);
}

Result<Value> Client::post(const std::string& path, const Value& body) const {
  ASSIGN_OR_RETURN(ClientAnswer answer, send("POST", path, to_json(body)));
  if (answer.status < 200 || answer.status > 299) return failed(refusal_text(answer));
  return answer.body.empty() ? Result<Value>(Value::map()) : read_json(answer.body);
}

Status Client::stream(const std::string& path) const {
  std::unique_ptr<curl_slist, CurlClose> headers;
  auto curl = prepare(target_, path, headers);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, print);
  CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK)
    return error(ErrorCode::kUnavailable, std::string("the stream broke: ") + curl_easy_strerror(code));
  if (status != 200) return failed("the server answered " + std::to_string(status));
  return {};
}

Result<ResourceUrl> resource_url(const std::string& resource, const std::string& ns) {
  std::string name = resource.substr(0, resource.find('.'));
  for (const KindInfo& info : all_kinds()) {
    bool match = name == info.plural || name == info.singular || name == info.kind;
    for (std::string_view alias : info.short_names) match = match || alias == name;
    if (!match) continue;
    ResourceUrl out;
    out.plural = info.plural;
    out.namespaced = info.namespaced;
    out.collection = info.group.empty() ? "/api/v1" : "/apis/" + info.api_version();
    if (info.namespaced && !ns.empty()) out.collection += "/namespaces/" + ns;
    out.collection += "/" + out.plural;
    return out;
  }
  return error(ErrorCode::kNotFound, "the server doesn't have a resource type \"" + resource + "\"");
}

}  // namespace mainstay
