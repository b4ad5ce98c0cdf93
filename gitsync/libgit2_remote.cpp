#include "gitsync/libgit2_remote.h"

#include <git2.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>

#include "gitsync/known_hosts.h"
#include "gitsync/secret_file.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

constexpr size_t kMaxKnownHosts = 4 << 20;
constexpr size_t kMaxObjectBytes = size_t{1} << 30;  // of one object in a pack, inflated
constexpr ssize_t kCacheBytes = 16 << 20;

struct FreeRemote {
  void operator()(git_remote* remote) const { git_remote_free(remote); }
};
using RemotePtr = std::unique_ptr<git_remote, FreeRemote>;

// What libgit2's callbacks are handed.
struct Conversation {
  const RemoteServer& server;
  NetworkGuard& guard;
  int secrets_given = 0;
  std::optional<Error> refusal = std::nullopt;  // our own reason to have ended it

  int refuse(Error why, int rc) {
    if (!refusal) refusal = std::move(why);
    return rc;
  }
  std::string user() const {
    if (!server.credentials.username.empty()) return server.credentials.username;
    return server.url.user.empty() ? "git" : server.url.user;
  }
};

int give_ssh_key(git_credential** out, Conversation& talk) {
  const std::string& key = talk.server.credentials.ssh_key_file;
  if (key.empty())
    return talk.refuse(error(ErrorCode::kDenied, "ssh needs a key: set the ssh key file"), GIT_EAUTH);
  if (auto readable = read_small_file(key, 64 * 1024, "ssh key"); !readable.ok()) {
    return talk.refuse(readable.error(), GIT_EAUTH);
  }
  return git_credential_ssh_key_new(out, talk.user().c_str(), nullptr, key.c_str(), nullptr);
}

int give_token(git_credential** out, Conversation& talk) {
  const std::string& file = talk.server.credentials.token_file;
  if (file.empty()) {
    return talk.refuse(error(ErrorCode::kDenied, "the server asks for a login: set the token file"),
                       GIT_EAUTH);
  }
  Result<std::string> token = read_secret_file(file, "token file");
  if (!token.ok()) return talk.refuse(token.error(), GIT_EAUTH);
  return git_credential_userpass_plaintext_new(out, talk.user().c_str(), token->c_str());
}

// libgit2 asks again after every refusal; we answer once.
int give_credential(git_credential** out, const char*, const char*, unsigned allowed, void* payload) {
  Conversation& talk = *static_cast<Conversation*>(payload);
  const bool ssh = talk.server.url.scheme == UrlScheme::kSsh;
  if (ssh && allowed & GIT_CREDENTIAL_USERNAME) return git_credential_username_new(out, talk.user().c_str());
  if (talk.secrets_given++ > 0) {
    std::string hint = ssh ? "the server refused the ssh key of user " + talk.user() +
                                 " (RSA keys cannot be used here: use an ed25519 key)"
                           : "the server refused the token of user " + talk.user();
    return talk.refuse(error(ErrorCode::kDenied, std::move(hint)), GIT_EAUTH);
  }
  if (ssh && allowed & GIT_CREDENTIAL_SSH_KEY) return give_ssh_key(out, talk);
  if (talk.server.url.is_http() && allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) return give_token(out, talk);
  return talk.refuse(error(ErrorCode::kDenied, "the server wants a kind of login we do not have"), GIT_EAUTH);
}

int check_ssh_host(const git_cert_hostkey& cert, Conversation& talk) {
  const RemoteServer& server = talk.server;
  auto refuse = [&](std::string why) {
    return talk.refuse(error(ErrorCode::kDenied, std::move(why)), GIT_ECERTIFICATE);
  };
  if (server.credentials.known_hosts_file.empty()) {
    return refuse("ssh needs the server's host key: set the known_hosts file");
  }
  if (!(cert.type & GIT_CERT_SSH_RAW)) return refuse("the server's host key could not be read");
  Result<std::string> known =
      read_small_file(server.credentials.known_hosts_file, kMaxKnownHosts, "known_hosts file");
  if (!known.ok()) return talk.refuse(known.error(), GIT_ECERTIFICATE);
  const std::string_view key(cert.hostkey, cert.hostkey_len);
  const std::string shown = host_key_type(key) + " key " + host_key_fingerprint(key);
  const std::string keyscan = "ssh-keyscan -p " + std::to_string(server.url.port) + " " + server.url.host;
  switch (check_host_key(*known, server.url.host, server.url.port, key)) {
    case HostKeyVerdict::kKnown: return 0;
    case HostKeyVerdict::kUnknownHost:
      return refuse("the known_hosts file does not name " + server.url.host + "; it shows " + shown +
                    ". Compare that with what the server's owner says, then add the output of: " + keyscan);
    case HostKeyVerdict::kOtherType:
      return refuse("the known_hosts file has " + server.url.host +
                    " only with keys of other types; it shows " + shown +
                    ". Add all its keys, after comparing them: " + keyscan);
    case HostKeyVerdict::kChanged:
      return refuse("the host key of " + server.url.host +
                    " is NOT the one in the known_hosts file: someone may be" +
                    " in between, or it was replaced. It shows " + shown);
    case HostKeyVerdict::kRevoked:
      return refuse("the host key of " + server.url.host + " is marked @revoked");
  }
  return refuse("host key not understood");
}

int check_certificate(git_cert* cert, int valid, const char*, void* payload) {
  Conversation& talk = *static_cast<Conversation*>(payload);
  if (cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2) {
    return check_ssh_host(*reinterpret_cast<git_cert_hostkey*>(cert), talk);
  }
  if (valid) return 0;
  return talk.refuse(
      error(ErrorCode::kDenied, "the certificate of " + talk.server.url.host +
                                    " is not trusted for that name by this machine's CA store"),
      GIT_ECERTIFICATE);
}

int on_progress(const git_indexer_progress* stats, void* payload) {
  Conversation& talk = *static_cast<Conversation*>(payload);
  const SourceLimits& limits = talk.server.limits;
  if (talk.guard.stopped()) return -1;
  if (stats->received_bytes > limits.max_pack_bytes) {
    return talk.refuse(error(ErrorCode::kFull, "the fetch is larger than " +
                                                   std::to_string(limits.max_pack_bytes >> 20) + " MiB"),
                       -1);
  }
  if (stats->total_objects > limits.max_pack_objects) {
    return talk.refuse(error(ErrorCode::kFull, "the fetch has more than " +
                                                   std::to_string(limits.max_pack_objects) + " objects"),
                       -1);
  }
  return 0;
}

int on_server_words(const char*, int, void* payload) {
  return static_cast<Conversation*>(payload)->guard.stopped() ? -1 : 0;
}

git_remote_callbacks callbacks_of(Conversation& talk) {
  git_remote_callbacks callbacks = GIT_REMOTE_CALLBACKS_INIT;
  callbacks.credentials = give_credential;
  callbacks.certificate_check = check_certificate;
  callbacks.transfer_progress = on_progress;
  callbacks.sideband_progress = on_server_words;
  callbacks.payload = &talk;
  return callbacks;
}

git_proxy_options proxy_of(const RemoteServer& server) {
  git_proxy_options proxy = GIT_PROXY_OPTIONS_INIT;
  proxy.type = server.proxy.empty() || !server.url.is_http() ? GIT_PROXY_NONE : GIT_PROXY_SPECIFIED;
  proxy.url = server.proxy.empty() ? nullptr : server.proxy.c_str();
  return proxy;
}

// The user belongs into an ssh address; over http it goes with the token, when asked.
std::string dial_address(const RemoteServer& server, const Conversation& talk) {
  if (server.url.scheme != UrlScheme::kSsh) return server.url.address;
  return "ssh://" + talk.user() + "@" + server.url.address.substr(6);
}

// The reason we had, if it was us; else what libgit2 says.
Error conversation_error(const Conversation& talk, int rc) {
  std::optional<Error> stopped = talk.guard.stopped();
  Error why = talk.refusal ? *talk.refusal : stopped ? *stopped : last_git_error(rc);
  auto says = [&](std::string_view words) { return why.message.find(words) != std::string::npos; };
  if (talk.server.url.scheme == UrlScheme::kSsh && (says("early EOF") || says("does not appear to be"))) {
    why = error(ErrorCode::kNotFound, "the server has no such repository, or this key may not read it");
  }
  return why.in(talk.server.url.display());
}

}  // namespace

void start_libgit2() {
  static std::once_flag once;
  std::call_once(once, [] {
    ENSURE(git_libgit2_init() > 0, "libgit2 did not start");
    // Nobody's ~/.gitconfig or /etc/gitconfig may rewrite addresses or set proxies for the daemon.
    for (int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
                      GIT_CONFIG_LEVEL_PROGRAMDATA}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
    git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, kMaxObjectBytes);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, kCacheBytes);
    // A local repository was named by the operator, and nothing in it is executed: whose it is does not
    // matter.
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    git_libgit2_opts(GIT_OPT_SET_USER_AGENT, "mainstay");
    register_guarded_sockets();
  });
}

Error last_git_error(int rc) {
  const git_error* last = git_error_last();
  std::string message = last && last->message ? without_userinfo(last->message) : "unknown error of libgit2";
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  const int klass = last ? last->klass : 0;
  auto has = [&](std::string_view part) { return message.find(part) != std::string::npos; };
  auto code = [&] {
    if (rc == GIT_EAUTH || rc == GIT_ECERTIFICATE || has("status code: 401") || has("status code: 403") ||
        has("cannot redirect")) {
      return ErrorCode::kDenied;
    }
    if (has("status code: 404") || has("status code: 410") || has("not exported") || has("remote error") ||
        has("does not exist") || has("failed to resolve path") || has("could not find repository")) {
      return ErrorCode::kNotFound;
    }
    switch (klass) {
      case GIT_ERROR_NET:
      case GIT_ERROR_SSL:
      case GIT_ERROR_SSH:
      case GIT_ERROR_HTTP:
        return ErrorCode::kUnavailable;
      case GIT_ERROR_ODB:
      case GIT_ERROR_ZLIB:
      case GIT_ERROR_INDEXER:
      case GIT_ERROR_OBJECT:
      case GIT_ERROR_TREE:
      case GIT_ERROR_REFERENCE: case GIT_ERROR_REPOSITORY: case GIT_ERROR_CONFIG: return ErrorCode::kCorrupt;
      default: return ErrorCode::kFailed;
    }
  };
  return error(code(), message);
}

Status check_credentials(const SourceSpec& spec, const RemoteUrl& url) {
  const GitCredentials& given = spec.credentials;
  if (url.scheme == UrlScheme::kSsh && given.ssh_key_file.empty()) {
    return error(ErrorCode::kInvalid,
                 url.display() + ": ssh needs a key: set the ssh key file (an ed25519 key)");
  }
  if (url.scheme == UrlScheme::kSsh && given.known_hosts_file.empty()) {
    return error(ErrorCode::kInvalid,
                 url.display() + ": ssh needs the server's host key: set the known_hosts file");
  }
  if (!given.token_file.empty() && url.scheme == UrlScheme::kHttp) {
    log::warning("git", url.display() + ": the token travels unencrypted; use https");
  }
  if (!given.token_file.empty() && !url.is_http()) {
    return error(ErrorCode::kInvalid,
                 url.display() + ": a token file is for https; this address has no use for it");
  }
  if (!spec.proxy.empty()) {
    Result<RemoteUrl> proxy = parse_remote_url(spec.proxy + "/proxy");
    if (!proxy.ok() || proxy->scheme != UrlScheme::kHttp) {
      return error(ErrorCode::kInvalid, "the proxy must be given as http://host:port");
    }
  }
  return {};
}

NetworkGuard::Bounds network_bounds(const RemoteServer& server, Duration total, uint64_t max_read) {
  NetworkGuard::Bounds bounds{server.url.host, server.url.port, total, server.limits.idle_timeout, max_read};
  if (!server.proxy.empty() && server.url.is_http()) {
    if (auto proxy = parse_remote_url(server.proxy + "/proxy"); proxy.ok()) {
      bounds.host = proxy->host;
      bounds.port = proxy->port;
    }
  }
  return bounds;
}

Result<std::vector<AdvertisedRef>> advertised_refs(const RemoteServer& server, NetworkGuard& guard) {
  Conversation talk{server, guard};
  git_remote* raw = nullptr;
  int rc = git_remote_create_detached(&raw, dial_address(server, talk).c_str());
  if (rc < 0) return conversation_error(talk, rc);
  RemotePtr remote(raw);
  git_remote_connect_options options = GIT_REMOTE_CONNECT_OPTIONS_INIT;
  options.callbacks = callbacks_of(talk);
  options.proxy_opts = proxy_of(server);
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;  // on the same host they are still followed
  rc = git_remote_connect_ext(remote.get(), GIT_DIRECTION_FETCH, &options);
  if (rc < 0) return conversation_error(talk, rc);
  const git_remote_head** heads = nullptr;
  size_t count = 0;
  rc = git_remote_ls(&heads, &count, remote.get());
  if (rc < 0) return conversation_error(talk, rc);
  std::vector<AdvertisedRef> refs;
  refs.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    AdvertisedRef ref{heads[i]->name, {}};
    std::memcpy(ref.id.bytes.data(), heads[i]->oid.id, ref.id.bytes.size());
    refs.push_back(std::move(ref));
  }
  git_remote_disconnect(remote.get());
  return refs;
}

Status fetch_refs(git_repository* into, const RemoteServer& server, const std::vector<std::string>& refspecs,
                  NetworkGuard& guard) {
  Conversation talk{server, guard};
  git_remote* raw = nullptr;
  int rc = git_remote_create_anonymous(&raw, into, dial_address(server, talk).c_str());
  if (rc < 0) return conversation_error(talk, rc);
  RemotePtr remote(raw);
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks = callbacks_of(talk);
  options.proxy_opts = proxy_of(server);
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.update_fetchhead = 0;
  options.prune = GIT_FETCH_PRUNE;  // else a branch "a" gone stands in the way of a new "a/b"
  std::vector<char*> specs;
  for (const std::string& spec : refspecs) specs.push_back(const_cast<char*>(spec.c_str()));
  git_strarray array{specs.data(), specs.size()};
  rc = git_remote_fetch(remote.get(), &array, &options, nullptr);
  if (rc < 0) return conversation_error(talk, rc);
  return {};
}

}  // namespace mainstay
