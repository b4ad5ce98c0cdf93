#include "reconciler/api/token_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "schema/base/crypto.h"
#include "schema/json.h"

namespace mainstay::api {
namespace {

constexpr int kHalf = 32;  // bytes of each number of a signature, and of each coordinate
constexpr size_t kLongestToken = 8192;

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
};
template <typename T>
using Held = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// The numbers r and s, 32 bytes each (RFC 7518, 3.4), from OpenSSL's DER.
std::optional<std::string> fixed_form(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  Held<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) return std::nullopt;
  std::string out(2 * kHalf, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  bool fits = BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), to, kHalf) == kHalf &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), to + kHalf, kHalf) == kHalf;
  if (!fits) return std::nullopt;
  return out;
}

std::optional<std::string> der_form(std::string_view fixed) {
  if (fixed.size() != 2 * kHalf) return std::nullopt;
  Held<ECDSA_SIG> signature(ECDSA_SIG_new());
  Held<BIGNUM> r(BN_bin2bn(bytes_of(fixed), kHalf, nullptr));
  Held<BIGNUM> s(BN_bin2bn(bytes_of(fixed) + kHalf, kHalf, nullptr));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return std::nullopt;
  r.release();  // the signature owns them now
  s.release();
  int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (size <= 0) return std::nullopt;
  std::string out(static_cast<size_t>(size), '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  i2d_ECDSA_SIG(signature.get(), &to);
  return out;
}

// The URL-safe alphabet without padding, strictly.
std::optional<std::string> unbase64url(std::string_view text) {
  std::string standard;
  for (char c : text) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    standard += c == '-' ? '+' : c == '_' ? '/' : c;
  }
  while (standard.size() % 4 != 0) standard += '=';
  return unbase64(standard);
}

std::string coordinate(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  Held<BIGNUM> number(raw);
  std::string out(kHalf, '\0');
  BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(out.data()), kHalf);
  return out;
}

Held<EVP_PKEY> parse_key(std::string_view pem) {
  Held<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Held<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  bool fits = key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC && EVP_PKEY_get_bits(key.get()) == 256;
  return fits ? std::move(key) : nullptr;
}

std::string pem_of(EVP_PKEY* key) {
  Held<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string public_der(const EVP_PKEY* key) {
  unsigned char* data = nullptr;
  int size = i2d_PUBKEY(key, &data);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(data), static_cast<size_t>(size));
  OPENSSL_free(data);
  return out;
}

std::string_view as_view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

struct TokenKey::Impl {
  Held<EVP_PKEY> key;
  std::string id;
};

TokenKey::TokenKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TokenKey::~TokenKey() = default;

Result<std::unique_ptr<TokenKey>> TokenKey::make() {
  auto impl = std::make_unique<Impl>();
  impl->key.reset(EVP_EC_gen("P-256"));
  if (!impl->key) return failed("making a key for ServiceAccount tokens");
  return named(std::move(impl));
}

Result<std::unique_ptr<TokenKey>> TokenKey::parse(std::string_view pem) {
  auto impl = std::make_unique<Impl>();
  impl->key = parse_key(pem);
  if (!impl->key) return error(ErrorCode::kCorrupt, "this is no P-256 key");
  return named(std::move(impl));
}

std::unique_ptr<TokenKey> TokenKey::named(std::unique_ptr<Impl> impl) {
  Digest digest = sha256(public_der(impl->key.get()));
  impl->id = base64url(as_view(digest));
  return std::unique_ptr<TokenKey>(new TokenKey(std::move(impl)));
}

std::string TokenKey::pem() const { return pem_of(impl_->key.get()); }

const std::string& TokenKey::id() const { return impl_->id; }

Value TokenKey::public_key() const {
  Value out = Value::map();
  out.set("use", "sig");
  out.set("kty", "EC");
  out.set("kid", impl_->id);
  out.set("crv", "P-256");
  out.set("alg", "ES256");
  out.set("x", base64url(coordinate(impl_->key.get(), OSSL_PKEY_PARAM_EC_PUB_X)));
  out.set("y", base64url(coordinate(impl_->key.get(), OSSL_PKEY_PARAM_EC_PUB_Y)));
  return out;
}

Result<std::string> TokenKey::sign(const Value& claims) const {
  Value head = Value::map();
  head.set("alg", "ES256");
  head.set("kid", impl_->id);
  head.set("typ", "JWT");
  std::string text = base64url(to_json(head)) + "." + base64url(to_json(claims));
  Held<EVP_MD_CTX> context(EVP_MD_CTX_new());
  size_t size = 0;
  bool ok = context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) == 1;
  std::string der(size, '\0');
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size, bytes_of(text),
                            text.size()) == 1;
  ERR_clear_error();
  if (!ok) return failed("signing a token");
  der.resize(size);
  std::optional<std::string> signature = fixed_form(der);
  if (!signature) return failed("signing a token");
  return text + "." + base64url(*signature);
}

std::optional<Value> TokenKey::verify(std::string_view token) const {
  if (!looks_signed(token)) return std::nullopt;
  size_t first = token.find('.'), last = token.rfind('.');
  std::optional<std::string> head = unbase64url(token.substr(0, first));
  std::optional<std::string> body = unbase64url(token.substr(first + 1, last - first - 1));
  std::optional<std::string> signature = unbase64url(token.substr(last + 1));
  if (!head || !body || !signature) return std::nullopt;
  Result<Value> said = read_json(*head);
  // The algorithm is ours to say; a head that says another one is a trick.
  if (!said.ok() || said->string_at("alg") != "ES256" || said->string_at("kid") != impl_->id) return std::nullopt;
  std::optional<std::string> der = der_form(*signature);
  if (!der) return std::nullopt;
  std::string_view text = token.substr(0, last);
  Held<EVP_MD_CTX> context(EVP_MD_CTX_new());
  bool good = context &&
              EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) == 1 &&
              EVP_DigestVerify(context.get(), bytes_of(*der), der->size(), bytes_of(text), text.size()) == 1;
  ERR_clear_error();
  if (!good) return std::nullopt;
  Result<Value> claims = read_json(*body);
  if (!claims.ok() || !claims->is_map()) return std::nullopt;
  return std::move(*claims);
}

bool looks_signed(std::string_view token) {
  size_t first = token.find('.'), last = token.rfind('.');
  if (token.size() > kLongestToken || first == std::string_view::npos || first == last) return false;
  return token.substr(first + 1, last - first - 1).find('.') == std::string_view::npos;
}

}  // namespace mainstay::api
