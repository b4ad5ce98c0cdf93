// CrashDisk: a disk in memory, for SQLite, that loses power. Writes that were not synced may be lost, kept or
// torn, sector by sector, as a seed decides; files that were never synced may vanish and deleted ones come
// back. It can also be full. Registered as an SQLite VFS while it lives. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace mainstay {

class CrashDisk {
 public:
  // `name` is the VFS's.
  CrashDisk(const std::string& name, uint64_t seed);
  ~CrashDisk();
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;

  // The power fails at the `count`-th operation from now that changes the disk: it and all later ones end in
  // an I/O error.
  void crash_at(uint64_t count);
  bool crashed() const;
  // The power comes back. Every connection must be closed by now.
  void recover();
  // Operations that changed the disk so far.
  uint64_t operations() const;

  // Writes that would make all files together larger than this fail with "full". 0: no limit.
  void set_capacity(uint64_t bytes);
  uint64_t used() const;
  // All bytes of all files, for those who look for traces.
  std::string everything() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mainstay
