#include "reconciler/store/secret_box.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include <memory>
#include <sstream>

#include "reconciler/store/private_file.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kIdBytes = 8;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// Each part behind its length, so that no two contexts read the same.
std::string associated_data(const SealContext& context) {
  std::string out;
  for (std::string_view part : {std::string_view("mainstay-secret-1"), context.cluster_id, context.table,
                                kind_info(context.key.kind).kind, std::string_view(context.key.ns),
                                std::string_view(context.key.name), context.uid}) {
    out += std::to_string(part.size());
    out += ':';
    out += part;
  }
  return out;
}

CipherContext start(int encrypt, std::string_view key, std::string_view nonce, std::string_view associated) {
  CipherContext cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int length = 0;
  int size = static_cast<int>(associated.size());
  ENSURE(cipher != nullptr, "memory for a cipher is always there");
  bool ok = EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key), raw(nonce), encrypt) == 1 &&
            EVP_CipherUpdate(cipher.get(), nullptr, &length, raw(associated), size) == 1;
  ENSURE(ok, "AES-256-GCM is always there");
  return cipher;
}

}  // namespace

Result<SecretBox> SecretBox::open(const std::string& key_file, bool may_make) {
  SecretBox box;
  box.file_ = key_file;
  auto text = read_private_file(key_file);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) {
    if (!may_make) {
      return error(ErrorCode::kNotFound, key_file + " is missing, and the database holds Secrets encrypted with it; "
                                                    "restore the key file that belongs to this database");
    }
    RETURN_IF_ERROR(box.add_key());
    return box;
  }
  if (!text.ok()) return text.error();
  std::istringstream lines(text.value());
  for (std::string id, digits; lines >> id >> digits;) {
    auto bytes = unhex(digits);
    if (!bytes || bytes->size() != kKeyBytes || id.size() != kIdBytes * 2) {
      return error(ErrorCode::kCorrupt, key_file + ": a line is no key id and key; restore the file");
    }
    box.keys_.push_back({id, *bytes});
  }
  if (box.keys_.empty()) return error(ErrorCode::kCorrupt, key_file + " holds no key; restore the file");
  return box;
}

std::string SecretBox::seal(const SealContext& context, std::string_view plain) const {
  std::string out = random_bytes(kNonceBytes);
  CipherContext cipher = start(1, keys_.back().bytes, out, associated_data(context));
  out.resize(kNonceBytes + plain.size() + kTagBytes);
  int length = 0, rest = 0;
  bool ok = EVP_CipherUpdate(cipher.get(), raw(out) + kNonceBytes, &length, raw(plain),
                             static_cast<int>(plain.size())) == 1 &&
            EVP_CipherFinal_ex(cipher.get(), raw(out) + kNonceBytes + length, &rest) == 1 &&
            EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                raw(out) + kNonceBytes + plain.size()) == 1;
  ENSURE(ok, "AES-256-GCM encrypts any bytes");
  return out;
}

Result<std::string> SecretBox::unseal(const SealContext& context, std::string_view key_id,
                                      std::string_view sealed) const {
  const SealingKey* key = nullptr;
  for (const SealingKey& candidate : keys_) {
    if (candidate.id == key_id) key = &candidate;
  }
  std::string what = context.key.text();
  if (key == nullptr) {
    return error(ErrorCode::kNotFound, what + " is encrypted with key " + std::string(key_id) + ", which " + file_ +
                                           " does not have; restore the key file that belongs to this database");
  }
  if (sealed.size() < kNonceBytes + kTagBytes) {
    return error(ErrorCode::kCorrupt, what + ": the encrypted body is too short");
  }
  size_t size = sealed.size() - kNonceBytes - kTagBytes;
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  CipherContext cipher = start(0, key->bytes, sealed.substr(0, kNonceBytes), associated_data(context));
  std::string plain(size, '\0');
  int length = 0, rest = 0;
  std::string end(kTagBytes, '\0');
  const unsigned char* body = raw(sealed) + kNonceBytes;
  bool ok = EVP_CipherUpdate(cipher.get(), raw(plain), &length, body, static_cast<int>(size)) == 1 &&
            EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, raw(tag)) == 1 &&
            EVP_CipherFinal_ex(cipher.get(), raw(end), &rest) == 1;
  if (!ok) return error(ErrorCode::kCorrupt, what + ": the encrypted body is not the one that was written for it");
  return plain;
}

std::string SecretBox::name(const SealContext& context, std::string_view plain) const {
  std::string bytes = associated_data(context);
  bytes += plain;
  Digest digest = hmac_sha256(keys_.back().bytes, bytes);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Status SecretBox::add_key() {
  keys_.push_back({hex(random_bytes(kIdBytes)), random_bytes(kKeyBytes)});
  Status written = write_file();
  if (!written.ok()) keys_.pop_back();
  return written;
}

Status SecretBox::forget_old_keys() {
  std::vector<SealingKey> all = keys_;
  keys_.erase(keys_.begin(), keys_.end() - 1);
  Status written = write_file();
  if (!written.ok()) keys_ = std::move(all);
  return written;
}

Status SecretBox::write_file() const {
  std::string text;
  for (const SealingKey& key : keys_) text += key.id + " " + hex(key.bytes) + "\n";
  return write_private_file(file_, text);
}

}  // namespace mainstay
