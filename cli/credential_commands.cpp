#include "cli/credential_commands.h"

#include <cstdio>

#include "cli/client.h"
#include "cli/output.h"
#include "schema/base/time.h"

namespace mainstay {
namespace {

constexpr const char* kTokens = "/agent/v1/tokens";
constexpr const char* kKeys = "/mainstay/v1/keys";
constexpr std::string_view kNodePrefix = "node/";

std::string or_never(const std::string& time) { return time.empty() ? "never" : time; }

}  // namespace

int token_create_command(const ClientOptions& options, const std::string& description, const std::string& lifetime) {
  std::optional<Duration> span = parse_duration(lifetime);
  if (!span || *span < Duration{0}) {
    return complain(failed("--ttl: \"" + lifetime + "\" is no duration such as 30m or 24h (0s: for ever)"));
  }
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Value body = Value::map();
  body.set("description", description);
  body.set("ttlSeconds", static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(*span).count()));
  Result<Value> made = client->post(kTokens, body);
  if (!made.ok()) return complain(made.error());
  if (!print_structured(*made, options.output)) std::printf("%s\n", text_at(*made, {"token"}).c_str());
  return 0;
}

int token_list_command(const ClientOptions& options) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Value> found = client->get(kTokens);
  if (!found.ok()) return complain(found.error());
  if (print_structured(*found, options.output)) return 0;
  std::vector<std::vector<std::string>> rows = {{"ID", "KIND", "ENDS", "DESCRIPTION"}};
  for (const Value& token : list_at(*found, {"items"})) {
    rows.push_back({text_at(token, {"id"}), "join token", or_never(text_at(token, {"expires"})),
                    text_at(token, {"description"})});
  }
  for (const Value& node : list_at(*found, {"nodes"})) {
    rows.push_back({std::string(kNodePrefix) + text_at(node, {"node"}), "credential",
                    or_never(text_at(node, {"expires"})), "since " + text_at(node, {"created"})});
  }
  print_columns(rows);
  return 0;
}

int token_revoke_command(const ClientOptions& options, const std::string& id) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  bool node = id.starts_with(kNodePrefix);
  std::string path = node ? "/agent/v1/nodes/" + path_part(id.substr(kNodePrefix.size())) + "/credential"
                          : std::string(kTokens) + "/" + path_part(id);
  Result<Value> done = client->remove(path);
  if (!done.ok()) return complain(done.error());
  Value out = Value::map();
  out.set("id", id);
  out.set("revoked", true);
  if (!print_structured(out, options.output)) std::printf("%s is revoked\n", id.c_str());
  return 0;
}

int key_list_command(const ClientOptions& options) {
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Result<Value> found = client->get(kKeys);
  if (!found.ok()) return complain(found.error());
  if (print_structured(*found, options.output)) return 0;
  std::vector<std::vector<std::string>> rows = {{"KEY", "OF", "USE", "TOKENS END BY"}};
  for (const Value& key : list_at(*found, {"serviceAccounts"})) {
    const Value* signs = key.find("signs");
    bool newest = signs != nullptr && signs->is_bool() && signs->as_bool();
    std::string end = text_at(key, {"tokensEnd"});
    rows.push_back({text_at(key, {"id"}), "service-accounts", newest ? "signs" : "checks",
                    end.empty() ? (newest ? "-" : "not known") : end});
  }
  print_columns(rows);
  return 0;
}

int key_rotate_command(const ClientOptions& options, const std::string& what, bool forget_old) {
  if (forget_old && what == "secrets") {
    return complain(failed("--forget-old is for service-accounts: old keys of Secrets are forgotten in any case"));
  }
  Result<Client> client = connect(options);
  if (!client.ok()) return complain(client.error());
  Value body = Value::map();
  if (forget_old) body.set("forget", true);
  Result<Value> done = client->post(std::string(kKeys) + "/" + what + "/rotate", body);
  if (!done.ok()) return complain(done.error());
  if (print_structured(*done, options.output)) return 0;
  if (what == "secrets") {
    std::printf("%s Secret bodies are encrypted with a new key; keep the new pki/secrets.key with the backups from now "
                "on, and the old one with those from before\n", text_at(*done, {"bodies"}).c_str());
  } else {
    std::printf("key %s signs from now on; %s\n", text_at(*done, {"id"}).c_str(),
                forget_old ? "no token signed before is good any more"
                           : "tokens signed before are good until they end");
  }
  return 0;
}

}  // namespace mainstay
