// The data directory: one process owns it at a time (a lock the kernel drops when that process dies), private
// files inside are written whole or not at all, and a ballast file keeps room for the moment the disk is
// full. Edge; any thread, one caller at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/base/result.h"

namespace mainstay {

// Holds the lock while it lives.
class DataDir {
 public:
  // Makes the directory (0700) if it is missing, and pki/ and repos/ in it. kBusy if another process has it.
  static Result<DataDir> open(const std::string& path);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;
  ~DataDir();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Makes the ballast file if it is missing and the disk has room to spare. True if it is there.
  bool make_ballast() const;
  // True if there was one to drop.
  bool drop_ballast() const;

 private:
  DataDir() = default;
  std::string path_;
  int lock_ = -1;
};

inline constexpr uint64_t kBallastBytes = 16 << 20;

}  // namespace mainstay
