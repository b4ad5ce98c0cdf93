#include "cli/client.h"

#include <curl/curl.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

constexpr long kLongestAnswer = 300;  // seconds; a key of many Secrets takes its time
constexpr const char* kDefaultKubeconfig = "/var/lib/mainstay/kubeconfig";

struct CurlClose {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t keep(char* data, size_t size, size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

// A success's body goes to standard output as it comes, a refusal's is kept.
struct PrintOrKeep {
  CURL* curl;
  std::string* kept;
};

size_t print_or_keep(char* data, size_t size, size_t count, void* to) {
  auto* sink = static_cast<PrintOrKeep*>(to);
  long status = 0;
  curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return keep(data, size, count, sink->kept);
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
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  if (!target.ca_pem.empty()) {
    curl_blob blob{const_cast<char*>(target.ca_pem.data()), target.ca_pem.size(), CURL_BLOB_COPY};
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO_BLOB, &blob);
  }
  return curl;
}

std::string message_of(const ClientAnswer& answer) {
  Result<Value> status = read_json(answer.body);
  std::string message = status.ok() ? std::string(status->string_at("message")) : "";
  return message.empty()
             ? "the server answered " + std::to_string(answer.status) + " " + answer.body.substr(0, 200)
             : message;
}

// The entry of that name in a kubeconfig's list, or without a name the first.
const Value* entry(const Value& config, std::string_view list, std::string_view name, std::string_view part) {
  const Value* items = config.find(list);
  if (items == nullptr || !items->is_list()) return nullptr;
  for (const Value& item : items->as_list()) {
    if (name.empty() || item.string_at("name") == name) return item.find(part);
  }
  return nullptr;
}

Result<std::string> file_text(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (in) text << in.rdbuf();
  // A directory opens and cannot be read.
  if (in && text) return text.str();
  int why = errno != 0 ? errno : EISDIR;
  return error(why == ENOENT ? ErrorCode::kNotFound : ErrorCode::kFailed,
               "cannot read " + path + ": " + std::strerror(why));
}

// PEM in the entry itself, or in a file that it names, relative to the kubeconfig's folder.
Result<std::string> authority_of(const Value& cluster, const std::string& kubeconfig) {
  std::string_view data = cluster.string_at("certificate-authority-data");
  if (!data.empty()) {
    std::optional<std::string> pem = unbase64(data);
    if (pem) return *pem;
    return error(ErrorCode::kInvalid, kubeconfig + ": certificate-authority-data is no base64");
  }
  std::string named(cluster.string_at("certificate-authority"));
  if (named.empty()) return std::string();
  size_t slash = kubeconfig.rfind('/');
  if (named[0] != '/' && slash != std::string::npos) named = kubeconfig.substr(0, slash + 1) + named;
  return file_text(named);
}

Result<ClientTarget> target_of(const std::string& path, const std::string& text) {
  Diagnostics diagnostics(path);
  std::vector<Document> documents = parse_yaml(text, diagnostics);
  if (diagnostics.has_errors()) {
    std::string all = diagnostics.render();
    while (!all.empty() && all.back() == '\n') all.pop_back();
    return error(ErrorCode::kInvalid, "this is no kubeconfig: " + all);
  }
  if (documents.empty() || !documents[0].root.is_map()) {
    return error(ErrorCode::kInvalid, path + " is no kubeconfig: it holds no map");
  }
  const Value& root = documents[0].root;
  std::string_view current = root.string_at("current-context");
  const Value* context = entry(root, "contexts", current, "context");
  if (context == nullptr && !current.empty()) {
    return error(ErrorCode::kInvalid, path + ": there is no context \"" + std::string(current) + "\"");
  }
  auto named = [&](std::string_view part) { return context ? context->string_at(part) : std::string_view(); };
  const Value* cluster = entry(root, "clusters", named("cluster"), "cluster");
  const Value* user = entry(root, "users", named("user"), "user");
  if (cluster == nullptr || cluster->string_at("server").empty()) {
    return error(ErrorCode::kInvalid, path + " names no cluster with a server");
  }
  if (user == nullptr || user->string_at("token").empty()) {
    return error(ErrorCode::kInvalid, path + " names no user with a token, the only credential that is known here");
  }
  ClientTarget target;
  target.file = path;
  target.server = cluster->string_at("server");
  while (target.server.ends_with('/')) target.server.pop_back();
  target.token = user->string_at("token");
  ASSIGN_OR_RETURN(target.ca_pem, authority_of(*cluster, path));
  return target;
}

}  // namespace

Result<ClientTarget> read_kubeconfig(const std::string& given) {
  std::vector<std::string> candidates;
  if (!given.empty()) {
    candidates.push_back(given);
  } else {
    candidates.push_back(kDefaultKubeconfig);
    const char* env = std::getenv("KUBECONFIG");
    if (env != nullptr && *env != '\0') candidates.push_back(env);
  }
  for (const std::string& path : candidates) {
    Result<std::string> text = file_text(path);
    if (text.ok()) return target_of(path, *text);
    if (!given.empty() || (text.error().code != ErrorCode::kNotFound && path == candidates.back())) {
      return text.error().in("kubeconfig");
    }
  }
  std::string places = candidates.front();
  if (candidates.size() > 1) places += " nor at " + candidates.back() + " ($KUBECONFIG)";
  return error(ErrorCode::kNotFound, "there is no kubeconfig at " + places + "; give --kubeconfig FILE");
}

Error Client::unreachable(int curl_code) const {
  auto code = static_cast<CURLcode>(curl_code);
  std::string text = "cannot reach " + target_.server + ": " + curl_easy_strerror(code);
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    text = target_.server + " is not the server of " + target_.file + ": its certificate is not of the authority there";
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    text = target_.server + " does not answer";
  } else {
    text += "; is `mainstay server` running?";
  }
  return error(ErrorCode::kUnavailable, text);
}

Result<Value> Client::value_of(const ClientAnswer& answer) const {
  if (answer.status == 401) {
    return error(ErrorCode::kDenied, "the server does not know the token in " + target_.file +
                                         "; `mainstay kubeconfig` on the server prints one that it knows");
  }
  if (answer.status < 200 || answer.status > 299) return failed(message_of(answer));
  if (answer.body.empty()) return Value::map();
  Result<Value> read = read_json(answer.body);
  return read.ok() ? read : failed(target_.server + " answers with no JSON; is it a Mainstay server?");
}

Result<ClientAnswer> Client::send(const std::string& method, const std::string& path, const std::string& body,
                                  const std::string& accept) const {
  std::unique_ptr<curl_slist, CurlClose> headers;
  headers.reset(curl_slist_append(nullptr, ("Accept: " + accept).c_str()));
  headers.reset(curl_slist_append(headers.release(), "Content-Type: application/json"));
  auto curl = prepare(target_, path, headers);
  ClientAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kLongestAnswer);
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (!body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  }
  CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return unreachable(code);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

Result<Value> Client::get(const std::string& path, const std::string& accept) const {
  ASSIGN_OR_RETURN(ClientAnswer answer, send("GET", path, "", accept));
  return value_of(answer);
}

Result<Value> Client::post(const std::string& path, const Value& body) const {
  ASSIGN_OR_RETURN(ClientAnswer answer, send("POST", path, to_json(body)));
  return value_of(answer);
}

Result<Value> Client::remove(const std::string& path) const {
  ASSIGN_OR_RETURN(ClientAnswer answer, send("DELETE", path));
  return value_of(answer);
}

Status Client::stream(const std::string& path) const {
  std::unique_ptr<curl_slist, CurlClose> headers;
  auto curl = prepare(target_, path, headers);
  ClientAnswer answer;
  PrintOrKeep sink{curl.get(), &answer.body};
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, print_or_keep);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &sink);
  CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  if (code != CURLE_OK && status == 0) return unreachable(code);
  if (status != 200) {
    Result<Value> refused = value_of(answer);
    return refused.ok() ? failed("the server answered " + std::to_string(status)) : refused.error();
  }
  if (code != CURLE_OK) return error(ErrorCode::kUnavailable, std::string("the stream broke: ") + curl_easy_strerror(code));
  return {};
}

std::string path_part(std::string_view name) {
  std::string out;
  for (unsigned char c : name) {
    char escaped[4];
    std::snprintf(escaped, sizeof(escaped), "%%%02X", c);
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
                 c == '_';
    out += plain ? std::string(1, static_cast<char>(c)) : std::string(escaped);
  }
  return out;
}

Result<ResourceUrl> resource_url(const std::string& resource, const std::string& ns) {
  std::string name = resource.substr(0, resource.find('.'));
  for (const KindInfo& info : all_kinds()) {
    bool match = name == info.plural || name == info.singular || name == info.kind;
    for (std::string_view alias : info.short_names) match = match || alias == name;
    if (!match) continue;
    ResourceUrl out;
    out.plural = info.plural;
    out.prefix = std::string(info.singular) + (info.group.empty() ? "" : "." + std::string(info.group));
    out.namespaced = info.namespaced;
    out.collection = info.group.empty() ? "/api/v1" : "/apis/" + info.api_version();
    if (info.namespaced && !ns.empty()) out.collection += "/namespaces/" + ns;
    out.collection += "/" + out.plural;
    return out;
  }
  return error(ErrorCode::kNotFound, "the server doesn't have a resource type \"" + resource + "\"");
}

}  // namespace mainstay
