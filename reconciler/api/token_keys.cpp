#include "reconciler/api/token_keys.h"

#include <charconv>

#include "reconciler/store/private_file.h"

namespace mainstay::api {
namespace {

constexpr size_t kMostKeys = 16;
constexpr Duration kAhead = std::chrono::hours(24);
constexpr std::string_view kBegin = "-----BEGIN", kEndMark = "tokens-end: ";

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.since_epoch).count();
}

// The line "tokens-end: SECONDS" in what stands before a key.
std::optional<WallTime> end_in(std::string_view text) {
  size_t at = text.find(kEndMark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kEndMark.size());
  int64_t seconds = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code != std::errc{}) return std::nullopt;
  return WallTime{std::chrono::seconds(seconds)};
}

}  // namespace

Result<std::unique_ptr<TokenKeys>> TokenKeys::open(const std::string& data_dir) {
  RETURN_IF_ERROR(make_private_directory(data_dir + "/pki"));
  std::unique_ptr<TokenKeys> keys(new TokenKeys(data_dir + "/pki/service-accounts.key"));
  Result<std::string> text = read_whole_file(keys->file_);
  if (text.ok()) {
    RETURN_IF_ERROR(keys->read(*text));
    return keys;
  }
  if (text.error().code != ErrorCode::kNotFound) return text.error();
  ASSIGN_OR_RETURN(std::unique_ptr<TokenKey> made, TokenKey::make());
  RETURN_IF_ERROR(keys->replace({{std::move(made), WallTime{}}}));
  return keys;
}

Status TokenKeys::read(std::string_view text) {
  for (size_t at = text.find(kBegin); at != std::string_view::npos;) {
    size_t next = text.find(kBegin, at + 1);
    std::string_view block = text.substr(at, next == std::string_view::npos ? next : next - at);
    Result<std::unique_ptr<TokenKey>> key = TokenKey::parse(block);
    if (!key.ok()) break;
    size_t before = text.substr(0, at).rfind("-----\n");
    before = before == std::string_view::npos ? 0 : before;
    keys_.push_back({std::move(*key), end_in(text.substr(before, at - before))});
    at = next;
    if (at == std::string_view::npos) return {};
  }
  return error(ErrorCode::kCorrupt, file_ + " holds no P-256 key; every token would be lost with it");
}

// With the mutex held: nothing changes in memory unless it is on disk.
Status TokenKeys::replace(std::vector<Held> keys) {
  std::string text;
  for (const Held& held : keys) {
    if (held.tokens_end) text += std::string(kEndMark) + std::to_string(seconds_of(*held.tokens_end)) + "\n";
    text += held.key->pem();
  }
  RETURN_IF_ERROR(write_private_file(file_, text));
  keys_ = std::move(keys);
  return {};
}

std::vector<TokenKeys::Held> TokenKeys::in_use(WallTime now) const {
  std::lock_guard lock(mutex_);
  std::vector<Held> out;
  for (const Held& held : keys_) {
    if (out.empty() || !is_spent(held, now)) out.push_back(held);
  }
  return out;
}

Result<std::string> TokenKeys::sign(const Value& claims, WallTime end) {
  std::shared_ptr<const TokenKey> key;
  {
    std::lock_guard lock(mutex_);
    if (keys_.front().tokens_end && *keys_.front().tokens_end < end) {
      std::vector<Held> next = keys_;
      next.front().tokens_end = end + kAhead;
      RETURN_IF_ERROR(replace(std::move(next)));
    }
    key = keys_.front().key;
  }
  return key->sign(claims);
}

std::optional<Value> TokenKeys::verify(std::string_view token, WallTime now) const {
  for (const Held& held : in_use(now)) {
    if (std::optional<Value> claims = held.key->verify(token)) return claims;
  }
  return std::nullopt;
}

Result<std::string> TokenKeys::rotate(bool forget, WallTime now) {
  ASSIGN_OR_RETURN(std::unique_ptr<TokenKey> made, TokenKey::make());
  std::string id = made->id();
  std::vector<Held> next;
  next.push_back({std::move(made), WallTime{}});
  std::lock_guard lock(mutex_);
  for (const Held& held : keys_) {
    if (!forget && !is_spent(held, now)) next.push_back(held);
  }
  if (next.size() > kMostKeys) {
    return error(ErrorCode::kFull, "there are " + std::to_string(kMostKeys) +
                                       " keys already whose tokens have not ended; forget the old ones");
  }
  RETURN_IF_ERROR(replace(std::move(next)));
  return id;
}

Status TokenKeys::sweep(WallTime now) {
  std::lock_guard lock(mutex_);
  std::vector<Held> next;
  for (const Held& held : keys_) {
    if (next.empty() || !is_spent(held, now)) next.push_back(held);
  }
  return next.size() == keys_.size() ? Status() : replace(std::move(next));
}

std::vector<TokenKeyFacts> TokenKeys::list(WallTime now) const {
  std::vector<TokenKeyFacts> out;
  for (const Held& held : in_use(now)) out.push_back({held.key->id(), out.empty(), held.tokens_end});
  return out;
}

Value TokenKeys::public_keys(WallTime now) const {
  Value out = Value::list();
  for (const Held& held : in_use(now)) out.push(held.key->public_key());
  return out;
}

}  // namespace mainstay::api
