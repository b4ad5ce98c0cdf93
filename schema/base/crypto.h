// Digests, keyed digests, encodings and secret random bytes, over OpenSSL. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

using Digest = std::array<uint8_t, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view bytes);
std::string hex(std::string_view bytes);
std::string hex(const Digest& digest);
std::optional<std::string> unhex(std::string_view text);

// Standard alphabet with padding. Decoding refuses anything else.
std::string base64(std::string_view bytes);
std::optional<std::string> unbase64(std::string_view text);
// URL-safe alphabet without padding, for tokens.
std::string base64url(std::string_view bytes);

// Compares in a time that depends only on the lengths.
bool equal_constant_time(std::string_view a, std::string_view b);

// From the operating system's generator; for keys, nonces and tokens. Edges only.
std::string random_bytes(size_t count);

// FNV-1a, 32 bits: the hash Kubernetes uses for pod-template-hash.
uint32_t fnv32a(std::string_view bytes);

}  // namespace mainstay
