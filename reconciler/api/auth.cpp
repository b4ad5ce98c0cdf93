#include "reconciler/api/auth.h"

#include <strings.h>

#include <algorithm>

#include "reconciler/store/private_file.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

constexpr size_t kMaxJoinTokens = 1000;
constexpr size_t kMaxTokenLength = 4096;
constexpr long kMaxPending = 3;  // credentials of one node whose answers were lost
constexpr Duration kRemembered = std::chrono::hours(24 * 365);

std::string new_secret() { return base64url(random_bytes(32)); }

bool is_node_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return edge(name.front()) && edge(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return edge(c) || c == '-' || c == '.'; });
}

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.since_epoch).count();
}

WallTime time_at(const Value& from, std::string_view name) {
  const Value* value = from.find(name);
  return value && value->is_int() ? WallTime{std::chrono::seconds(value->as_int())} : WallTime{};
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> out;
  while (true) {
    size_t end = text.find_first_of(separators);
    if (std::string_view part = text.substr(0, end); !part.empty()) out.emplace_back(part);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

struct StaticLine {
  std::string token, user;
  std::vector<std::string> groups;
};

std::optional<StaticLine> parse_static_line(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() < 3) {
    size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) {
      line = {};
      break;
    }
    line.remove_prefix(comma + 1);
  }
  if (fields.size() < 2 || fields[0].empty() || fields[1].empty()) return std::nullopt;
  if (line.size() >= 2 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
  return StaticLine{std::string(fields[0]), std::string(fields[1]), split(line, ",|")};
}

}  // namespace

std::string_view bearer_token(const Request& request) {
  std::string_view value = request.header("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (value.size() < kScheme.size() || strncasecmp(value.data(), kScheme.data(), kScheme.size()) != 0) return {};
  value.remove_prefix(kScheme.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return value;
}

std::string join_token_id(std::string_view token) {
  size_t from = token.find('-') + 1, to = token.find('.');
  return std::string(token.substr(from, to == std::string_view::npos ? 0 : to - from));
}

std::string_view node_of(const Identity& identity) {
  std::string_view user = identity.user;
  if (!identity.in_group(kNodesGroup) || !user.starts_with(kNodeUserPrefix)) return {};
  return user.substr(kNodeUserPrefix.size());
}

bool TokenStore::Entry::is_good(WallTime now) const {
  return ended == WallTime{} && (expires == WallTime{} || now < expires);
}

Result<std::unique_ptr<TokenStore>> TokenStore::open(const std::string& data_dir, Duration credential_life) {
  std::unique_ptr<TokenStore> store(new TokenStore(data_dir, credential_life));
  RETURN_IF_ERROR(store->load());
  RETURN_IF_ERROR(store->load_admin());
  ASSIGN_OR_RETURN(std::unique_ptr<TokenKeys> keys, TokenKeys::open(data_dir));
  store->accounts_ = std::make_unique<AccountTokens>(std::move(keys));
  return store;
}

Status TokenStore::load_admin() {
  std::string path = data_dir_ + "/admin.token";
  Result<std::string> text = read_whole_file(path, kMaxTokenLength);
  if (!text.ok() && text.error().code != ErrorCode::kNotFound) return text.error();
  if (text.ok()) admin_token_ = text->substr(0, text->find_first_of(" \r\n"));
  if (admin_token_.size() < 16) {
    if (!admin_token_.empty()) return error(ErrorCode::kCorrupt, path + " is too short to be a secret; remove it");
    admin_token_ = new_secret();
    RETURN_IF_ERROR(write_private_file(path, admin_token_ + "\n"));
  }
  entries_[sha256(admin_token_)] = {Kind::kAdmin, "admin", {std::string(kMastersGroup)}, "", {}, {}};
  return {};
}

Status TokenStore::load() {
  std::string path = data_dir_ + "/tokens.json";
  Result<std::string> text = read_whole_file(path, 16 << 20);
  if (!text.ok()) return text.error().code == ErrorCode::kNotFound ? Status() : text.error();
  Result<Value> parsed = read_json(*text);
  if (!parsed.ok()) return error(ErrorCode::kCorrupt, path + ": " + parsed.error().message);
  const Value* tokens = parsed->find("tokens");
  if (!tokens || !tokens->is_list()) return error(ErrorCode::kCorrupt, path + " has no list of tokens");
  for (std::string_view list : {"tokens", "ended"}) {
    const Value* rows = parsed->find(list);
    if (!rows || !rows->is_list()) continue;
    for (const Value& row : rows->as_list()) {
      Status read = load_row(row);
      if (!read.ok()) return read.error().in(path);
    }
  }
  return {};
}

Status TokenStore::load_row(const Value& row) {
  std::optional<std::string> digest = unhex(row.string_at("sha256"));
  std::string_view kind = row.string_at("kind");
  if (!digest || digest->size() != 32 || (kind != "join" && kind != "node") || row.string_at("name").empty()) {
    return error(ErrorCode::kCorrupt, "a token is not understood");
  }
  auto is_set = [&](std::string_view name) {
    const Value* value = row.find(name);
    return value != nullptr && value->is_bool() && value->as_bool();
  };
  Entry entry{kind == "join" ? Kind::kJoin : Kind::kNode, std::string(row.string_at("name")), {},
              std::string(row.string_at("description")), time_at(row, "created"), time_at(row, "expires")};
  entry.groups.emplace_back(kind == "join" ? kBootstrapGroup : kNodesGroup);
  entry.join_token = row.string_at("joinToken");
  entry.pending = is_set("pending");
  entry.node_deleted = is_set("nodeDeleted");
  entry.ended = time_at(row, "ended");
  Digest key;
  std::copy(digest->begin(), digest->end(), key.begin());
  entries_[key] = std::move(entry);
  return {};
}

Status TokenStore::save(const Entries& entries) const {
  // Apart from the others, so that a version that knows nothing of ended ones does not take them for good.
  Value tokens = Value::list(), ended = Value::list();
  for (const auto& [digest, entry] : entries) {
    if (entry.kind != Kind::kJoin && entry.kind != Kind::kNode) continue;
    Value row = Value::map();
    row.set("kind", entry.kind == Kind::kJoin ? "join" : "node");
    row.set("name", entry.name);
    row.set("sha256", hex(digest));
    if (!entry.description.empty()) row.set("description", entry.description);
    row.set("created", seconds_of(entry.created));
    if (entry.expires != WallTime{}) row.set("expires", seconds_of(entry.expires));
    if (!entry.join_token.empty()) row.set("joinToken", entry.join_token);
    if (entry.pending) row.set("pending", true);
    if (entry.ended != WallTime{}) row.set("ended", seconds_of(entry.ended));
    if (entry.node_deleted) row.set("nodeDeleted", true);
    (entry.ended == WallTime{} ? tokens : ended).push(std::move(row));
  }
  Value root = Value::map();
  root.set("tokens", std::move(tokens));
  root.set("ended", std::move(ended));
  return write_private_file(data_dir_ + "/tokens.json", to_json(root) + "\n");
}

// With the mutex held: nothing changes in memory unless it is on disk.
Status TokenStore::replace(Entries entries) {
  RETURN_IF_ERROR(save(entries));
  entries_ = std::move(entries);
  return {};
}

Status TokenStore::load_static_tokens(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, read_whole_file(path));
  Entries added;
  size_t number = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    std::optional<StaticLine> parsed = parse_static_line(line);
    if (!parsed) {
      return error(ErrorCode::kInvalid,
                   path + ":" + std::to_string(number) + ": expected token,user,uid,\"group,group\"");
    }
    added[sha256(parsed->token)] = {Kind::kStatic, parsed->user, parsed->groups, "", {}, {}};
  }
  std::lock_guard lock(mutex_);
  for (auto& [digest, entry] : added) entries_.try_emplace(digest, std::move(entry));
  return {};
}

std::optional<Identity> TokenStore::authenticate(std::string_view token, WallTime now) const {
  if (token.empty() || token.size() > kMaxTokenLength) return std::nullopt;
  Digest digest = sha256(token);
  std::lock_guard lock(mutex_);
  auto it = entries_.find(digest);
  if (it == entries_.end()) return std::nullopt;
  const Entry& entry = it->second;
  if (!entry.is_good(now)) return std::nullopt;
  Identity identity{entry.name, entry.groups};
  if (entry.kind == Kind::kNode) identity.user = std::string(kNodeUserPrefix) + entry.name;
  if (entry.kind == Kind::kJoin) identity.user = std::string(kJoinUserPrefix) + entry.name;
  if (!identity.in_group(kAuthenticatedGroup)) identity.groups.emplace_back(kAuthenticatedGroup);
  return identity;
}

Result<std::string> TokenStore::create_join_token(std::string description, std::optional<Duration> lifetime,
                                                  WallTime now) {
  std::string id = hex(random_bytes(5)), token = "join-" + id + "." + new_secret();
  std::lock_guard lock(mutex_);
  Entries next = entries_;
  std::erase_if(next, [&](const auto& item) { return item.second.kind == Kind::kJoin && !item.second.is_good(now); });
  auto joins = std::count_if(next.begin(), next.end(), [](const auto& i) { return i.second.kind == Kind::kJoin; });
  if (static_cast<size_t>(joins) >= kMaxJoinTokens) {
    return error(ErrorCode::kFull, "there are 1,000 join tokens already; revoke some");
  }
  next[sha256(token)] = {Kind::kJoin, id, {std::string(kBootstrapGroup)}, description.substr(0, 256), now,
                         lifetime ? now + *lifetime : WallTime{}};
  RETURN_IF_ERROR(replace(std::move(next)));
  return token;
}

std::vector<JoinToken> TokenStore::join_tokens(WallTime now) const {
  std::vector<JoinToken> out;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [digest, entry] : entries_) {
      if (entry.kind != Kind::kJoin || !entry.is_good(now)) continue;
      out.push_back({entry.name, entry.description, entry.expires});
    }
  }
  std::sort(out.begin(), out.end(), [](const JoinToken& a, const JoinToken& b) { return a.id < b.id; });
  return out;
}

Status TokenStore::revoke_join_token(const std::string& id) {
  std::lock_guard lock(mutex_);
  Entries next = entries_;
  if (std::erase_if(next, [&](const auto& i) { return i.second.kind == Kind::kJoin && i.second.name == id; }) == 0) {
    return error(ErrorCode::kNotFound, "there is no join token " + id);
  }
  return replace(std::move(next));
}

IssuedCredential TokenStore::add_credential(Entries& to, Entry entry, WallTime now) const {
  IssuedCredential out{"node-" + new_secret(), credential_life_};
  entry.kind = Kind::kNode;
  entry.groups = {std::string(kNodesGroup)};
  entry.created = now;
  entry.expires = now + credential_life_;
  to[sha256(out.text)] = std::move(entry);
  return out;
}

Result<IssuedCredential> TokenStore::issue_node_credential(const std::string& node, const std::string& join_token,
                                                           WallTime now, bool lives) {
  if (!is_node_name(node)) {
    return error(ErrorCode::kInvalid, "'" + node.substr(0, 60) +
                 "' is no node name: lower-case letters, digits, '-' and '.', at most 253");
  }
  std::lock_guard lock(mutex_);
  Entries next = entries_;
  auto is_own = [&](const auto& i) { return i.second.is_node(node) && i.second.is_good(now); };
  bool other = std::any_of(next.begin(), next.end(),
                           [&](const auto& i) { return is_own(i) && i.second.join_token != join_token; });
  bool living = lives && std::any_of(next.begin(), next.end(), is_own);
  if ((other || living) && !join_token.empty()) {
    return error(ErrorCode::kExists,
                 "node " + node + (other ? " has joined before, with another token" : " exists and is Ready") +
                     "; another machine needs another name (--name), and if this one is to join anew, first " +
                     "`kubectl delete node " + node + "` or `mainstay token revoke node/" + node + "`");
  }
  std::erase_if(next, [&](const auto& i) { return i.second.is_node(node) && i.second.is_good(now); });
  Entry entry;
  entry.name = node;
  entry.join_token = join_token;
  IssuedCredential out = add_credential(next, std::move(entry), now);
  RETURN_IF_ERROR(replace(std::move(next)));
  return out;
}

Result<IssuedCredential> TokenStore::renew_node_credential(std::string_view credential, WallTime now) {
  std::lock_guard lock(mutex_);
  auto own = entries_.find(sha256(credential));
  if (own == entries_.end() || own->second.kind != Kind::kNode || !own->second.is_good(now)) {
    return error(ErrorCode::kDenied, "only a node renews its credential, with the one it has");
  }
  Entries next = entries_;
  auto is_pending = [&](const auto& i) { return i.second.is_node(own->second.name) && i.second.pending; };
  if (std::count_if(next.begin(), next.end(), is_pending) >= kMaxPending) {
    auto oldest = next.end();
    for (auto it = next.begin(); it != next.end(); ++it) {
      if (!is_pending(*it) || it->first == own->first) continue;
      if (oldest == next.end() || it->second.created < oldest->second.created) oldest = it;
    }
    if (oldest != next.end()) next.erase(oldest);
  }
  Entry entry;
  entry.name = own->second.name;
  entry.join_token = own->second.join_token;
  entry.pending = true;
  IssuedCredential out = add_credential(next, std::move(entry), now);
  RETURN_IF_ERROR(replace(std::move(next)));
  return out;
}

void TokenStore::note_use(std::string_view credential) {
  Digest digest = sha256(credential);
  std::lock_guard lock(mutex_);
  auto used = entries_.find(digest);
  if (used == entries_.end() || !used->second.pending) return;
  Entries next = entries_;
  next[digest].pending = false;
  std::erase_if(next, [&](const auto& i) {
    return i.second.is_node(used->second.name) && i.second.ended == WallTime{} && i.first != digest;
  });
  // A full disk: both stay good, and the next use tries again.
  replace(std::move(next)).ok();
}

// Marks what the node has as ended; true if it had anything.
bool TokenStore::end_credentials(Entries& of, const std::string& node, bool node_deleted, WallTime now) {
  bool any = false;
  for (auto& [digest, entry] : of) {
    if (!entry.is_node(node) || !entry.is_good(now)) continue;
    entry.ended = now;
    entry.pending = false;
    entry.node_deleted = node_deleted;
    any = true;
  }
  return any;
}

Status TokenStore::revoke_node_credential(const std::string& node, WallTime now) {
  std::lock_guard lock(mutex_);
  Entries next = entries_;
  if (!end_credentials(next, node, false, now)) {
    return error(ErrorCode::kNotFound, "node " + node + " has no credential");
  }
  return replace(std::move(next));
}

Status TokenStore::end_deleted_nodes(const std::vector<std::string>& nodes, WallTime now) {
  std::lock_guard lock(mutex_);
  Entries next = entries_;
  bool any = false;
  for (const std::string& node : nodes) any = end_credentials(next, node, true, now) || any;
  return any ? replace(std::move(next)) : Status();
}

std::vector<NodeCredential> TokenStore::node_credentials(WallTime now) const {
  std::map<std::string, NodeCredential> newest;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [digest, entry] : entries_) {
      if (entry.kind != Kind::kNode || !entry.is_good(now)) continue;
      NodeCredential& slot = newest[entry.name];
      if (slot.node.empty() || slot.created < entry.created) slot = {entry.name, entry.created, entry.expires};
    }
  }
  std::vector<NodeCredential> out;
  for (auto& [name, credential] : newest) out.push_back(std::move(credential));
  return out;
}

std::optional<NodeCredential> TokenStore::node_credential(std::string_view credential, WallTime now) const {
  Digest digest = sha256(credential);
  std::lock_guard lock(mutex_);
  auto it = entries_.find(digest);
  if (it == entries_.end() || it->second.kind != Kind::kNode || !it->second.is_good(now)) return std::nullopt;
  return NodeCredential{it->second.name, it->second.created, it->second.expires};
}

std::optional<EndedCredential> TokenStore::ended_credential(std::string_view credential, WallTime now) const {
  Digest digest = sha256(credential);
  std::lock_guard lock(mutex_);
  auto it = entries_.find(digest);
  if (it == entries_.end() || it->second.kind != Kind::kNode || it->second.is_good(now)) return std::nullopt;
  const Entry& entry = it->second;
  using Why = EndedCredential::Why;
  if (entry.ended == WallTime{}) return EndedCredential{Why::kExpired, entry.name, entry.expires};
  return EndedCredential{entry.node_deleted ? Why::kNodeDeleted : Why::kRevoked, entry.name, entry.ended};
}

Status TokenStore::sweep(WallTime now) {
  std::lock_guard lock(mutex_);
  Entries next = entries_;
  size_t swept = std::erase_if(next, [&](const auto& item) {
    const Entry& entry = item.second;
    if (entry.is_good(now)) return false;
    WallTime end = entry.ended == WallTime{} ? entry.expires : entry.ended;
    return entry.kind == Kind::kJoin || now - end > kRemembered;
  });
  return swept == 0 ? Status() : replace(std::move(next));
}

}  // namespace mainstay::api
