// SecretBox: encrypts Secret bodies for the database (AES-256-GCM, a fresh nonce each time). What is sealed
// opens only for the same cluster, table, key and uid, so that rows cannot be swapped. The keys stand in
// pki/secrets.key (0600), not in the database: a stolen database or backup tells nothing. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/kind.h"

namespace mainstay {

// What a sealed body is bound to.
struct SealContext {
  std::string_view cluster_id;
  std::string_view table;  // "object" or "desired"
  const Key& key;
  std::string_view uid;    // "" in "desired"
};

class SecretBox {
 public:
  // Reads the key file. If it is missing it is made (its folder, too, 0700) with one key, or, unless
  // `may_make`, kNotFound. A file that others may read is an error.
  static Result<SecretBox> open(const std::string& key_file, bool may_make = true);

  // The id of the key that seal() uses now: the newest.
  const std::string& key_id() const { return keys_.back().id; }
  size_t key_count() const { return keys_.size(); }

  // nonce | ciphertext | tag.
  std::string seal(const SealContext& context, std::string_view plain) const;
  // kNotFound if there is no such key, kCorrupt if the bytes are not what was sealed for this context.
  Result<std::string> unseal(const SealContext& context, std::string_view key_id, std::string_view sealed) const;
  // Names a body without telling anything about it: equal bodies in equal contexts have equal names.
  std::string name(const SealContext& context, std::string_view plain) const;

  // Adds a new key and writes the file; seal() uses it from now on.
  Status add_key();
  // Forgets all keys but the newest and writes the file.
  Status forget_old_keys();

 private:
  struct SealingKey {
    std::string id;     // 16 hex digits
    std::string bytes;  // 32
  };
  Status write_file() const;

  std::string file_;
  std::vector<SealingKey> keys_;
};

}  // namespace mainstay
