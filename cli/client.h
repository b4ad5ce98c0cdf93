// The client half of the command line: speaks to a running control plane by its kubeconfig.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay {

struct ClientTarget {
  std::string file;    // the kubeconfig it stands in
  std::string server;  // "https://127.0.0.1:6443"
  std::string ca_pem;
  std::string token;
};

// The current context of the kubeconfig given, else of the data directory's, else of $KUBECONFIG's. An error says
// what is wrong with which file.
Result<ClientTarget> read_kubeconfig(const std::string& given);

struct ClientAnswer {
  int status = 0;
  std::string body;
};

class Client {
 public:
  explicit Client(ClientTarget target) : target_(std::move(target)) {}

  // kUnavailable if nobody answers. Any status is an answer.
  Result<ClientAnswer> send(const std::string& method, const std::string& path, const std::string& body = "",
                            const std::string& accept = "application/json") const;
  // 2xx as a Value; else the Status' message as error.
  Result<Value> get(const std::string& path, const std::string& accept = "application/json") const;
  Result<Value> post(const std::string& path, const Value& body) const;
  Result<Value> remove(const std::string& path) const;
  // Streams the body to standard output until it ends.
  Status stream(const std::string& path) const;

 private:
  Error unreachable(int curl_code) const;
  Result<Value> value_of(const ClientAnswer& answer) const;

  ClientTarget target_;
};

// A name as one part of a URL's path, or as a value in its query.
std::string path_part(std::string_view name);

// Resource names as kubectl takes them ("deploy", "pods", "deployment.apps") to a URL path; ns "" is all.
struct ResourceUrl {
  std::string collection;  // "/apis/apps/v1/namespaces/shop/deployments"
  std::string plural;
  std::string prefix;  // of names as `-o name` prints them: "deployment.apps"
  bool namespaced = false;
};
Result<ResourceUrl> resource_url(const std::string& resource, const std::string& ns);

}  // namespace mainstay
