// A whole API server on loopback over a FakeCore, and a way to ask it without curl.
#pragma once

#include <memory>
#include <string>

#include "reconciler/api/server.h"
#include "reconciler/api/service.h"
#include "schema/value.h"
#include "tests/api/fake_core.h"
#include "tests/api/loopback.h"

namespace mainstay::test {

struct Answered {
  int status = 0;
  std::string head;
  std::string body;
  Value json() const;  // null if it is none
};

struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body = "";
  std::string headers = "";  // each with "\r\n"
};

class ApiRig {
 public:
  // Plain HTTP, unless `tls`.
  explicit ApiRig(bool tls = false, api::ServiceSettings settings = {});
  ~ApiRig();

  // As the administrator.
  Answered ask(const Ask& ask) const { return ask_as(tokens->admin_token(), ask); }
  Answered ask_as(const std::string& token, const Ask& ask) const;
  Answered get(const std::string& target, const std::string& headers = "") const {
    return ask({"GET", target, "", headers});
  }
  Answered post(const std::string& target, const std::string& body) const {
    return ask({"POST", target, body, "Content-Type: application/json\r\n"});
  }
  // The request's head, for connections of one's own.
  std::string head(const std::string& method, const std::string& target, const std::string& headers = "") const;
  std::string kubeconfig() const;

  TemporaryDirectory dir;
  FakeCore core;
  std::unique_ptr<api::TokenStore> tokens;
  std::unique_ptr<api::ApiService> service;
  std::unique_ptr<api::HttpServer> server;
  std::string ca_pem;
};

}  // namespace mainstay::test
