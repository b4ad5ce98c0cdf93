#include "schema/base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "schema/base/ensure.h"

namespace mainstay {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

Digest sha256(std::string_view bytes) {
  // Fetched once: looking the algorithm up costs more than hashing a short text.
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest out{};
  unsigned int length = 0;
  int ok = EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, kAlgorithm, nullptr);
  ENSURE(ok == 1 && length == out.size(), "SHA-256 is always there");
  return out;
}

Digest hmac_sha256(std::string_view key, std::string_view bytes) {
  Digest out{};
  unsigned int length = 0;
  auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(bytes), bytes.size(), out.data(),
                    &length);
  ENSURE(done != nullptr && length == out.size(), "HMAC-SHA-256 is always there");
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += kHex[c >> 4];
    out += kHex[c & 15];
  }
  return out;
}

std::string hex(const Digest& digest) {
  return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::optional<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = raw(bytes)[i] << 16;
    if (i + 1 < bytes.size()) word |= raw(bytes)[i + 1] << 8;
    if (i + 2 < bytes.size()) word |= raw(bytes)[i + 2];
    out += kBase64[word >> 18 & 63];
    out += kBase64[word >> 12 & 63];
    out += i + 1 < bytes.size() ? kBase64[word >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kBase64[word & 63] : '=';
  }
  return out;
}

std::optional<std::string> unbase64(std::string_view text) {
  std::string out;
  uint32_t word = 0;
  int bits = 0, padding = 0;
  size_t length = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    ++length;
    if (c == '=') {
      ++padding;
      continue;
    }
    int digit = base64_digit(c);
    if (digit < 0 || padding > 0) return std::nullopt;
    word = word << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(word >> bits & 255);
    }
  }
  if (length % 4 != 0 || padding > 2) return std::nullopt;
  return out;
}

std::string base64url(std::string_view bytes) {
  std::string out = base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(size_t count) {
  std::string out(count, '\0');
  int ok = RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count));
  ENSURE(ok == 1, "the operating system gives random bytes");
  return out;
}

uint32_t fnv32a(std::string_view bytes) {
  uint32_t hash = 2166136261U;
  for (unsigned char c : bytes) {
    hash ^= c;
    hash *= 16777619U;
  }
  return hash;
}

}  // namespace mainstay
