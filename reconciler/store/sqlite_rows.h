// Batches to rows: the writing half of the database. Used inside a transaction that the journal opens and
// commits. Journal thread.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "reconciler/store/journal.h"
#include "reconciler/store/secret_box.h"
#include "reconciler/store/sqlite_db.h"

namespace mainstay {

// How a stored body becomes bytes again: what it is bound to, and with what it was encrypted.
bool is_encrypted_kind(Kind kind);

// Kinds that come and go by the thousand. Their past is kept for a shorter time, and their bodies are named by version:
// no two are equal, and an index of digests costs every group of writes another part of itself, the more the larger it
// is.
inline constexpr std::array kShortLivedKinds = {Kind::kPod, Kind::kEvent, Kind::kLease, Kind::kEndpointSlice};

// What a body is found by. kDigest: of its text, so that equal ones are kept once. kKeyed: a digest that only the
// cluster's key makes, for what is encrypted. kVersion: that of the change that wrote it.
enum class BodyName { kDigest, kKeyed, kVersion };
BodyName name_of_object(Kind kind);
BodyName name_of_desired(Kind kind);

// "add", "update", "remove": change.operation.
std::string_view operation_name(ChangeOp op);

class SqliteRows {
 public:
  // `db` and `secrets` must outlive this.
  static Result<SqliteRows> open(SqliteDb& db, const SecretBox& secrets, std::string cluster_id);
  SqliteRows(SqliteRows&&) noexcept;
  SqliteRows& operator=(SqliteRows&&) noexcept;
  ~SqliteRows();

  // Writes batches that follow each other. An object that several of them change is written once.
  Status write(std::span<const Batch> batches);

  // Encrypts every Secret body that was not encrypted with the newest key once more. How many there were.
  Result<size_t> reseal_secrets();

 private:
  struct State;
  explicit SqliteRows(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
