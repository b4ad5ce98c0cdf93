// One key that ServiceAccount tokens are signed with, and signed tokens in their compact form (RFC 7515, RFC 7519):
// ECDSA over P-256 with SHA-256 ("ES256"). Immutable; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay::api {

class TokenKey {
 public:
  static Result<std::unique_ptr<TokenKey>> make();
  // From pem(). kCorrupt when the text is no P-256 key.
  static Result<std::unique_ptr<TokenKey>> parse(std::string_view pem);
  ~TokenKey();

  // Names the key in a token's head: derived from the public half.
  const std::string& id() const;
  // The public half (RFC 7517).
  Value public_key() const;
  // Both halves, for a file that nobody else may read.
  std::string pem() const;

  Result<std::string> sign(const Value& claims) const;
  // The claims of a token that this key has signed; nothing for any other text. What they say is not looked at.
  std::optional<Value> verify(std::string_view token) const;

 private:
  struct Impl;
  explicit TokenKey(std::unique_ptr<Impl> impl);
  static std::unique_ptr<TokenKey> named(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// True for what has the shape of a signed token: three parts with points between them.
bool looks_signed(std::string_view token);

}  // namespace mainstay::api
