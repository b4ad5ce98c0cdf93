#include "reconciler/api/page.h"

#include <algorithm>

#include "schema/base/crypto.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

constexpr size_t kMaxKept = 64;
constexpr Duration kKeepFor = 5min;

}  // namespace

std::string encode_token(const PageToken& token) {
  Value out = Value::map();
  out.set("v", "mainstay/1");
  out.set("rv", static_cast<int64_t>(token.version));
  out.set("ns", token.after.ns);
  out.set("name", token.after.name);
  return hex(to_json(out));
}

std::optional<PageToken> decode_token(std::string_view text) {
  if (text.size() > 4096) return std::nullopt;
  std::optional<std::string> bytes = unhex(text);
  if (!bytes) return std::nullopt;
  Result<Value> parsed = read_json(*bytes);
  if (!parsed.ok() || parsed->string_at("v") != "mainstay/1") return std::nullopt;
  const Value* version = parsed->find("rv");
  if (!version || !version->is_int() || version->as_int() < 0) return std::nullopt;
  return PageToken{static_cast<uint64_t>(version->as_int()),
                   {std::string(parsed->string_at("ns")), std::string(parsed->string_at("name"))}};
}

void PagedSnapshots::keep(const Snapshot& view, MonoTime now) {
  std::lock_guard lock(mutex_);
  auto same = std::find_if(kept_.begin(), kept_.end(),
                           [&](const Kept& k) { return k.view.version() == view.version(); });
  if (same != kept_.end()) kept_.erase(same);
  kept_.push_front({view, now + kKeepFor});
  if (kept_.size() > kMaxKept) kept_.pop_back();
}

std::optional<Snapshot> PagedSnapshots::find(uint64_t version, MonoTime now) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const Kept& k) { return now >= k.until; });
  for (const Kept& k : kept_) {
    if (k.view.version() == version) return k.view;
  }
  return std::nullopt;
}

}  // namespace mainstay::api
