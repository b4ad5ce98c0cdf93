#include "cli/server_app.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "cli/source_link.h"
#include "gitsync/secret_file.h"
#include "gitsync/webhook.h"
#include "nodeagent/node_facts.h"
#include "reconciler/api/pki.h"
#include "reconciler/store/private_file.h"
#include "reconciler/api/server.h"
#include "reconciler/api/service.h"
#include "reconciler/control/address_ranges.h"
#include "reconciler/control/service_addresses.h"
#include "reconciler/core/core.h"
#include "reconciler/store/sqlite_history.h"
#include "reconciler/store/sqlite_journal.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/base/log.h"
#include "schema/ipv4.h"

namespace mainstay {
namespace {

constexpr Duration kStopGrace = std::chrono::seconds{3};
constexpr Duration kUpkeepEvery = std::chrono::hours{1};

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

// An address clients can use: a wildcard is reached by loopback.
std::string client_host(const std::string& listen_host) {
  if (listen_host.empty() || listen_host == "0.0.0.0" || listen_host == "::" || listen_host == "*")
    return "127.0.0.1";
  return listen_host;
}

// Where pods find the API server; "" if it listens on loopback only, which no pod can reach.
std::string advertised_address(const ServerConfig& config, const std::string& listen_host) {
  if (!config.advertise_address.empty()) return config.advertise_address;
  std::optional<uint32_t> host = parse_ipv4(listen_host);
  bool wildcard = listen_host.empty() || listen_host == "*" || listen_host == "::" || (host && *host == 0);
  std::string address = wildcard ? read_node_facts({}).address : listen_host;
  std::optional<uint32_t> number = parse_ipv4(address);
  return number && *number >> 24 != 127 ? address : std::string();
}

std::vector<std::string> certificate_names(const ServerConfig& config, const std::string& host) {
  std::vector<std::string> names = {"localhost",
                                    "127.0.0.1",
                                    "kubernetes",
                                    "kubernetes.default",
                                    "kubernetes.default.svc",
                                    "kubernetes.default.svc.cluster.local"};
  names.push_back(host);
  std::string own = host_name();
  if (!own.empty()) names.push_back(own);
  names.insert(names.end(), config.tls_names.begin(), config.tls_names.end());
  ControlSettings control;
  control.service_cidr = config.service_cidr;
  ListenAddress listen = parse_listen(config.listen).value_or(ListenAddress());
  for (std::string address : {api_service_address(control), advertised_address(config, listen.host)}) {
    if (!address.empty()) names.push_back(std::move(address));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

CoreSettings core_settings(const ServerConfig& config, const std::string& ca_pem) {
  CoreSettings out;
  ListenAddress listen = parse_listen(config.listen).value_or(ListenAddress());
  out.control.api_service = true;
  out.control.api_address = advertised_address(config, listen.host);
  out.control.api_port = listen.port;
  out.control.load_balancer_pool = config.load_balancer_pool;
  out.control.announce_load_balancers = config.announce_load_balancers;
  out.control.node_grace = config.node_grace;
  out.control.event_ttl = config.event_ttl;
  out.control.cluster_cidr = config.pod_cidr;
  out.control.node_cidr_bits = config.node_cidr_bits;
  out.control.service_cidr = config.service_cidr;
  out.control.root_ca = ca_pem;
  if (config.repo_url.empty()) return out;
  ApplicationSettings app;
  app.name = config.application;
  app.repo_url = config.repo_url;
  app.target_revision = !config.branch.empty() ? config.branch
                        : !config.tag.empty()  ? config.tag
                                               : config.revision;
  app.path = config.path;
  app.destination_ns = config.destination_namespace;
  app.automated = config.automated;
  app.prune = config.prune;
  app.self_heal = config.self_heal;
  app.warn_only = config.warn_only;
  app.progress_deadline = config.progress_deadline;
  out.applications.push_back(std::move(app));
  return out;
}

uint64_t seed() {
  uint64_t out = 0;
  for (unsigned char c : random_bytes(8)) out = out << 8 | c;
  return out;
}

std::string applied_commit(const Loaded& loaded, const std::string& application) {
  for (const LoadedApplication& one : loaded.applications) {
    if (one.application == application && one.cursor) return one.cursor->target;
  }
  return "";
}

}  // namespace

struct ServerApp::State {
  ServerConfig config;
  std::string url;
  api::Pki pki;  // with the mutex once the upkeep runs
  std::vector<std::string> names;
  std::unique_ptr<SqliteJournal> journal;
  std::unique_ptr<api::TokenStore> tokens;
  std::unique_ptr<CoreLoop> loop;
  std::unique_ptr<api::ApiService> service;
  std::unique_ptr<api::HttpServer> server;
  std::unique_ptr<api::HttpServer> webhooks;
  std::vector<std::string> webhook_secrets;
  std::unique_ptr<StatusPoster> poster;
  std::unique_ptr<SourceWorker> source;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread upkeep;

  Status open_store();
  Status open_core();
  Status open_api();
  Status open_source(const std::string& last_commit);
  Status open_webhooks();
  Status write_kubeconfig();
  void end_deleted_nodes(const std::vector<Change>& changes);
  void upkeep_loop();
  void renew_certificates();
  std::vector<api::Metrics::Sample> certificate_samples();
  api::Reply take_webhook(const api::Request& request);
  std::string last_commit;
};

Status ServerApp::State::open_store() {
  SqliteJournalOptions options;
  options.data_dir = config.data_dir;
  options.history.age = config.history_age;
  ASSIGN_OR_RETURN(journal, SqliteJournal::open(std::move(options)));
  ASSIGN_OR_RETURN(tokens, api::TokenStore::open(config.data_dir, config.credential_life));
  if (!config.static_token_file.empty())
    RETURN_IF_ERROR(tokens->load_static_tokens(config.static_token_file));
  names = certificate_names(config, client_host(parse_listen(config.listen)->host));
  ASSIGN_OR_RETURN(pki, api::open_pki(config.data_dir, names, read_clock().wall));
  return {};
}

Status ServerApp::State::open_core() {
  Result<Loaded> loaded = journal->load();
  if (!loaded.ok()) return loaded.error().in("reading the store");
  last_commit = applied_commit(*loaded, config.application);
  auto core =
      std::make_unique<Core>(core_settings(config, pki.ca_pem), std::move(*loaded), read_clock(), seed());
  CoreLoop::Listeners listeners;
  listeners.published = [this](std::shared_ptr<const Publication> publication) {
    end_deleted_nodes(publication->changes);
    if (service) service->publish(publication);
  };
  listeners.post = [this](const StatusPost& post) {
    if (poster) poster->add(post);
  };
  listeners.read = [this](const SourceRequest& request) {
    std::optional<CommitId> commit = CommitId::parse(request.commit);
    std::lock_guard lock(mutex);
    if (source && commit) source->request(*commit);
  };
  loop = std::make_unique<CoreLoop>(std::move(core), *journal, std::move(listeners));
  return {};
}

Status ServerApp::State::open_api() {
  api::ServiceSettings settings;
  settings.commits = [folder = config.data_dir](const std::string& application,
                                                size_t limit) -> Result<std::vector<CommitRow>> {
    ASSIGN_OR_RETURN(SqliteHistory history, SqliteHistory::open(folder));
    return history.of_application(application, limit);
  };
  settings.ca_pem = [this] {
    std::lock_guard lock(mutex);
    return pki.ca_pem;
  };
  settings.rotate_secrets = [this] { return journal->rotate_secret_key(); };
  service = std::make_unique<api::ApiService>(std::move(settings), api::door_to(*loop), *tokens, read_clock);
  loop->start();
  ListenAddress listen = *parse_listen(config.listen);
  api::ServerOptions options;
  options.address = listen.host;
  options.port = listen.port;
  options.certificate_pem = pki.server.certificate_pem;
  options.private_key_pem = pki.server.key_pem;
  ASSIGN_OR_RETURN(server, api::HttpServer::start(std::move(options), [this](api::Request request) {
                     return service->handle(std::move(request));
                   }));
  std::string host = client_host(listen.host);
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  url = "https://" + host + ":" + std::to_string(server->port());
  service->metrics().add_source([this] { return certificate_samples(); });
  // Without room for it the server still serves; who has none yet finds why in the log.
  if (Status written = write_kubeconfig(); !written.ok()) log::error("server", written.error().message);
  return {};
}

Status ServerApp::State::write_kubeconfig() {
  std::string text = api::kubeconfig_text("mainstay", url, pki.ca_pem, tokens->admin_token());
  const std::string file = config.data_dir + "/kubeconfig";
  if (Result<std::string> known = read_whole_file(file, 2 * text.size()); known.ok() && *known == text) return {};
  return write_private_file(file, text);
}

// Before the deletion is told to anyone, so that the node cannot come back by a report. A crash in between leaves the
// credential good: the node then comes back, and can be deleted again.
void ServerApp::State::end_deleted_nodes(const std::vector<Change>& changes) {
  std::vector<std::string> nodes;
  for (const Change& change : changes) {
    if (change.key.kind == Kind::kNode && !change.after) nodes.push_back(change.key.name);
  }
  if (nodes.empty()) return;
  Status ended = tokens->end_deleted_nodes(nodes, read_clock().wall);
  if (!ended.ok()) log::error("tokens", "credentials of deleted nodes stay good: " + ended.error().message);
}

Status ServerApp::State::open_source(const std::string& commit) {
  if (config.repo_url.empty()) return {};
  if (!config.forge_token_file.empty()) {
    Result<std::unique_ptr<StatusPoster>> made = StatusPoster::start(config);
    if (!made.ok()) return made.error();
    poster = std::move(*made);
  }
  Result<std::unique_ptr<SourceWorker>> made = start_source(config, commit, *loop);
  if (!made.ok()) return made.error();
  std::lock_guard lock(mutex);
  source = std::move(*made);
  return {};
}

api::Reply ServerApp::State::take_webhook(const api::Request& request) {
  if (request.method != "POST") return api::text_response(405, "webhooks are POST requests\n");
  WebhookVerdict verdict = verify_webhook(request.headers, request.body, webhook_secrets, read_clock().wall);
  if (!verdict.accepted) {
    log::warning("webhook", "refused, from " + request.peer + ": " + verdict.reason);
    return api::text_response(verdict.status, verdict.reason + "\n");
  }
  std::lock_guard lock(mutex);
  if (source && !verdict.is_ping) source->poke();
  return api::text_response(202, "accepted\n");
}

Status ServerApp::State::open_webhooks() {
  if (config.webhook_listen.empty()) return {};
  std::optional<ListenAddress> listen = parse_listen(config.webhook_listen);
  if (config.webhook_secret_file.empty()) {
    return error(ErrorCode::kInvalid,
                 "webhook.secretFile is missing: webhooks without a secret are not taken");
  }
  ASSIGN_OR_RETURN(std::string secret, read_secret_file(config.webhook_secret_file, "webhook secret"));
  if (secret.size() < kMinWebhookSecret) {
    return error(ErrorCode::kInvalid, "the webhook secret in " + config.webhook_secret_file +
                                          " is shorter than " + std::to_string(kMinWebhookSecret) +
                                          " characters");
  }
  webhook_secrets = {secret};
  api::ServerOptions options;
  options.address = listen->host;
  options.port = listen->port;
  options.max_body = kMaxWebhookBody;
  options.max_connections = 256;
  options.worker_threads = 1;
  if (!config.webhook_certificate_file.empty()) {
    ASSIGN_OR_RETURN(options.certificate_pem,
                     read_small_file(config.webhook_certificate_file, 1 << 20, "webhook certificate"));
    ASSIGN_OR_RETURN(options.private_key_pem,
                     read_small_file(config.webhook_key_file, 1 << 20, "webhook key"));
  }
  ASSIGN_OR_RETURN(webhooks, api::HttpServer::start(std::move(options), [this](api::Request request) {
                     return take_webhook(request);
                   }));
  log::info("webhook", "listening on port " + std::to_string(webhooks->port()));
  return {};
}

void ServerApp::State::renew_certificates() {
  Result<api::Pki> next = api::open_pki(config.data_dir, names, read_clock().wall);
  if (!next.ok()) return log::error("pki", next.error().message);
  bool authority = next->ca_renewed, leaf = next->server_renewed;
  {
    std::lock_guard lock(mutex);
    pki = std::move(*next);
  }
  if (authority) {
    Status written = write_kubeconfig();
    if (!written.ok()) log::error("pki", written.error().message);
    log::warning("pki", "the cluster's certificate is renewed; nodes get it with their next credential, pods when the "
                        "server starts again, other holders of pki/ca.crt should fetch it before the old one ends");
  }
  if (!authority && !leaf) return;
  Status used = server->replace_certificate(pki.server.certificate_pem, pki.server.key_pem);
  if (used.ok()) log::info("pki", "the server has a new certificate, good until " + format_rfc3339(pki.server_end));
  else log::error("pki", "the server's new certificate is not used: " + used.error().message);
}

std::vector<api::Metrics::Sample> ServerApp::State::certificate_samples() {
  std::lock_guard lock(mutex);
  auto sample = [](const char* name, WallTime end) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(end.since_epoch).count();
    return api::Metrics::Sample{"mainstay_certificate_end_seconds", "When a certificate ends, in Unix time.", false,
                                {{"certificate", name}}, static_cast<double>(seconds)};
  };
  return {sample("authority", pki.ca_end), sample("server", pki.server_end)};
}

// Certificates are renewed, what has ended is forgotten.
void ServerApp::State::upkeep_loop() {
  for (;;) {
    WallTime now = read_clock().wall;
    for (const Status& swept : {tokens->sweep(now), tokens->accounts().keys().sweep(now)}) {
      if (!swept.ok()) log::error("tokens", swept.error().message);
    }
    std::unique_lock lock(mutex);
    if (wake.wait_for(lock, kUpkeepEvery, [this] { return stopping; })) return;
    lock.unlock();
    renew_certificates();
  }
}

ServerApp::ServerApp(std::unique_ptr<State> state) : state_(std::move(state)) {}

namespace {

// What is wrong in itself is said before anything is written.
Status check_addresses(const ServerConfig& config) {
  if (!parse_listen(config.listen)) {
    return error(ErrorCode::kInvalid, "--listen: \"" + config.listen + "\" is no address:port");
  }
  if (!config.webhook_listen.empty() && !parse_listen(config.webhook_listen)) {
    return error(ErrorCode::kInvalid, "--webhook-listen: \"" + config.webhook_listen + "\" is no address:port");
  }
  return check_address_ranges(core_settings(config, "").control);
}

}  // namespace

Result<std::unique_ptr<ServerApp>> ServerApp::start(const ServerConfig& config) {
  RETURN_IF_ERROR(check_addresses(config));
  auto app = std::unique_ptr<ServerApp>(new ServerApp(std::make_unique<State>()));
  State& s = *app->state_;
  s.config = config;
  RETURN_IF_ERROR(s.open_store());
  RETURN_IF_ERROR(s.open_core());
  RETURN_IF_ERROR(s.open_api());
  RETURN_IF_ERROR(s.open_source(s.last_commit));
  RETURN_IF_ERROR(s.open_webhooks());
  s.upkeep = std::thread([&s] { s.upkeep_loop(); });
  log::info("server", "serving " + s.url + ", kubeconfig " + app->kubeconfig_path());
  return app;
}

ServerApp::~ServerApp() {
  State& s = *state_;
  {
    std::lock_guard lock(s.mutex);
    s.stopping = true;
    s.wake.notify_all();
  }
  if (s.upkeep.joinable()) s.upkeep.join();
  if (s.webhooks) s.webhooks->stop(Duration{0});
  std::unique_ptr<SourceWorker> source;
  {
    std::lock_guard lock(s.mutex);
    source = std::move(s.source);
  }
  source.reset();
  if (s.service) s.service->stop();
  if (s.server) s.server->stop(kStopGrace);
  if (s.loop) s.loop->stop();
  s.poster.reset();
}

const std::string& ServerApp::url() const { return state_->url; }
std::string ServerApp::ca_pem() const {
  std::lock_guard lock(state_->mutex);
  return state_->pki.ca_pem;
}
std::string ServerApp::kubeconfig_path() const { return state_->config.data_dir + "/kubeconfig"; }
uint16_t ServerApp::webhook_port() const { return state_->webhooks ? state_->webhooks->port() : 0; }
Result<std::string> ServerApp::node_credential(const std::string& node) {
  ASSIGN_OR_RETURN(api::IssuedCredential issued, state_->tokens->issue_node_credential(node, "", read_clock().wall));
  return std::move(issued.text);
}
bool ServerApp::is_node_credential(const std::string& credential) const {
  return state_->tokens->node_credential(credential, read_clock().wall).has_value();
}

}  // namespace mainstay
