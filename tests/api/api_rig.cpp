#include "tests/api/api_rig.h"

#include "reconciler/api/pki.h"
#include "schema/base/clock.h"
#include "schema/json.h"

namespace mainstay::test {

Value Answered::json() const {
  Result<Value> parsed = read_json(body);
  return parsed.ok() ? *parsed : Value();
}

ApiRig::ApiRig(bool tls, api::ServiceSettings settings) {
  auto opened = api::TokenStore::open(dir.path());
  ENSURE(opened.ok(), opened.error().message);
  tokens = std::move(opened).value();
  service = std::make_unique<api::ApiService>(std::move(settings), core.door(), *tokens, read_clock);
  core.on_publication([this](std::shared_ptr<const Publication> next) { service->publish(next); });
  api::ServerOptions options;
  if (tls) {
    Result<api::Pki> pki = api::open_pki(dir.path(), {"127.0.0.1", "localhost"}, read_clock().wall);
    ENSURE(pki.ok(), pki.error().message);
    options.certificate_pem = pki->server.certificate_pem;
    options.private_key_pem = pki->server.key_pem;
    ca_pem = pki->ca_pem;
  }
  auto started = api::HttpServer::start(options, [this](api::Request request) {
    return service->handle(std::move(request));
  });
  ENSURE(started.ok(), started.error().message);
  server = std::move(started).value();
}

ApiRig::~ApiRig() {
  service->stop();
  server->stop(Duration{0});
}

std::string ApiRig::head(const std::string& method, const std::string& target, const std::string& headers) const {
  return method + " " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + tokens->admin_token() + "\r\n" +
         headers + "\r\n";
}

Answered ApiRig::ask_as(const std::string& token, const Ask& ask) const {
  Client client(server->port());
  std::string text = ask.method + " " + ask.target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + ask.headers;
  if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
  if (!ask.body.empty()) text += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  client.send(text + "\r\n" + ask.body);
  std::string all = client.read_all();
  Answered out;
  size_t end = all.find("\r\n\r\n");
  if (end == std::string::npos || all.size() < 12) return out;
  out.status = std::atoi(all.c_str() + 9);
  out.head = all.substr(0, end + 2);
  out.body = all.substr(end + 4);
  return out;
}

std::string ApiRig::kubeconfig() const {
  std::string scheme = ca_pem.empty() ? "http" : "https";
  return api::kubeconfig_text("test", scheme + "://127.0.0.1:" + std::to_string(server->port()), ca_pem,
                              tokens->admin_token());
}

}  // namespace mainstay::test
