#include "tests/store/crash_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "schema/base/ensure.h"
#include "schema/base/rng.h"

namespace mainstay {
namespace {

constexpr size_t kSector = 512;

// A write (bytes at an offset), or a cut to `offset` bytes.
struct Pending {
  bool cut = false;
  size_t offset = 0;
  std::string bytes;
};

void put_bytes(std::string& file, const Pending& change) {
  if (change.cut) {
    file.resize(change.offset);
    return;
  }
  if (file.size() < change.offset + change.bytes.size()) file.resize(change.offset + change.bytes.size(), '\0');
  std::memcpy(file.data() + change.offset, change.bytes.data(), change.bytes.size());
}

struct Handle;

struct File {
  std::string now;      // as everyone sees it while the power is on
  std::string durable;  // as of the last sync
  std::vector<Pending> pending;
  bool named_durably = false;  // its directory entry is on the disk
  bool deleted = false;        // for everyone, but not yet on the disk
  std::map<const Handle*, int> locks;
  std::vector<std::unique_ptr<char[]>> shared_memory;
  std::array<std::map<const Handle*, int>, SQLITE_SHM_NLOCK> shared_locks;
};

// What SQLite holds; made in the room it provides.
struct Handle {
  sqlite3_file base;
  CrashDisk::State* disk;
  std::shared_ptr<File> file;
};

Handle* handle_of(sqlite3_file* file) { return reinterpret_cast<Handle*>(file); }

}  // namespace

struct CrashDisk::State {
  explicit State(uint64_t seed) : rng(seed) {}

  mutable std::mutex mutex;
  std::string name;
  sqlite3_vfs vfs = {};
  sqlite3_vfs* system = nullptr;
  Rng rng;
  std::map<std::string, std::shared_ptr<File>> files;
  uint64_t operations = 0;
  uint64_t crash_at = 0;  // of `operations`; 0: never
  bool crashed = false;
  uint64_t capacity = 0;
  std::atomic<uint64_t> barriers = 0;

  // Counts an operation that changes the disk; false once the power has failed.
  bool powered() {
    if (crashed) return false;
    ++operations;
    if (crash_at != 0 && operations >= crash_at) crashed = true;
    return !crashed;
  }
  uint64_t used() const {
    uint64_t total = 0;
    for (const auto& [path, file] : files) total += file->deleted ? 0 : file->now.size();
    return total;
  }
  // Entries made and deleted so far are on the disk. SQLite does this with the first sync of each new log or
  // journal.
  void sync_directory() {
    for (auto it = files.begin(); it != files.end();) {
      it->second->named_durably = true;
      it = it->second->deleted ? files.erase(it) : std::next(it);
    }
  }
  void lose_power();
  std::string survivor(const File& file);
};

// Each sector independently stops at some point of its own history.
std::string CrashDisk::State::survivor(const File& file) {
  size_t count = file.pending.size();
  unsigned mood = static_cast<unsigned>(rng.below(3));  // all lost, all kept, or each sector for itself
  std::map<size_t, size_t> stops;
  auto stop_of = [&](size_t sector) {
    auto [entry, fresh] = stops.emplace(sector, 0);
    if (fresh) entry->second = mood == 0 ? 0 : mood == 1 ? count : rng.below(count + 1);
    return entry->second;
  };
  size_t size_stop = mood == 0 ? 0 : mood == 1 ? count : rng.below(count + 1);
  std::string bytes = file.durable;
  size_t size = bytes.size();
  for (size_t i = 0; i < count; ++i) {
    const Pending& change = file.pending[i];
    size_t end = change.cut ? change.offset : std::max(size, change.offset + change.bytes.size());
    if (i < size_stop) size = end;
    if (change.cut) {
      // Only the size tells: what stood behind it may still be on the medium.
      continue;
    }
    for (size_t at = 0; at < change.bytes.size();) {
      size_t position = change.offset + at;
      size_t length = std::min(kSector - position % kSector, change.bytes.size() - at);
      if (i < stop_of(position / kSector)) put_bytes(bytes, {false, position, change.bytes.substr(at, length)});
      at += length;
    }
  }
  bytes.resize(size, '\0');
  return bytes;
}

void CrashDisk::State::lose_power() {
  for (auto it = files.begin(); it != files.end();) {
    File& file = *it->second;
    bool vanished = (file.deleted && rng.chance(50)) || (!file.named_durably && rng.chance(50));
    if (vanished) {
      it = files.erase(it);
      continue;
    }
    file.now = file.durable = survivor(file);
    file.pending.clear();
    file.deleted = false;
    file.named_durably = true;
    file.locks.clear();
    file.shared_memory.clear();
    for (auto& slot : file.shared_locks) slot.clear();
    ++it;
  }
}

namespace {

using Guard = std::lock_guard<std::mutex>;

int file_close(sqlite3_file* raw) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  handle->file->locks.erase(handle);
  for (auto& slot : handle->file->shared_locks) slot.erase(handle);
  handle->file.reset();
  handle->~Handle();
  return SQLITE_OK;
}

int file_read(sqlite3_file* raw, void* out, int count, sqlite3_int64 offset) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  if (handle->disk->crashed) return SQLITE_IOERR_READ;
  const std::string& bytes = handle->file->now;
  size_t start = std::min(static_cast<size_t>(offset), bytes.size());
  size_t length = std::min(static_cast<size_t>(count), bytes.size() - start);
  std::memcpy(out, bytes.data() + start, length);
  if (length == static_cast<size_t>(count)) return SQLITE_OK;
  std::memset(static_cast<char*>(out) + length, 0, static_cast<size_t>(count) - length);
  return SQLITE_IOERR_SHORT_READ;
}

int file_write(sqlite3_file* raw, const void* data, int count, sqlite3_int64 offset) {
  Handle* handle = handle_of(raw);
  CrashDisk::State& disk = *handle->disk;
  Guard guard(disk.mutex);
  if (disk.crashed) return SQLITE_IOERR_WRITE;
  File& file = *handle->file;
  size_t end = static_cast<size_t>(offset) + static_cast<size_t>(count);
  if (disk.capacity != 0 && end > file.now.size() && disk.used() + end - file.now.size() > disk.capacity) {
    return SQLITE_FULL;
  }
  // The write during which the power fails may be on the disk in part.
  bool powered = disk.powered();
  file.pending.push_back({false, static_cast<size_t>(offset),
                          std::string(static_cast<const char*>(data), static_cast<size_t>(count))});
  put_bytes(file.now, file.pending.back());
  return powered ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int file_truncate(sqlite3_file* raw, sqlite3_int64 size) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  if (!handle->disk->powered()) return SQLITE_IOERR_TRUNCATE;
  handle->file->pending.push_back({true, static_cast<size_t>(size), ""});
  put_bytes(handle->file->now, handle->file->pending.back());
  return SQLITE_OK;
}

int file_sync(sqlite3_file* raw, int) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  if (!handle->disk->powered()) return SQLITE_IOERR_FSYNC;
  File& file = *handle->file;
  file.durable = file.now;
  file.pending.clear();
  if (!file.named_durably) handle->disk->sync_directory();
  file.named_durably = true;
  return SQLITE_OK;
}

int file_size(sqlite3_file* raw, sqlite3_int64* size) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  *size = static_cast<sqlite3_int64>(handle->file->now.size());
  return SQLITE_OK;
}

bool others_hold(const File& file, const Handle* self, int level) {
  return std::any_of(file.locks.begin(), file.locks.end(),
                     [&](const auto& lock) { return lock.first != self && lock.second >= level; });
}

int file_lock(sqlite3_file* raw, int level) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  File& file = *handle->file;
  int& mine = file.locks[handle];
  if (mine >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED && others_hold(file, handle, SQLITE_LOCK_PENDING)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED && others_hold(file, handle, SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE && others_hold(file, handle, SQLITE_LOCK_SHARED)) {
    if (!others_hold(file, handle, SQLITE_LOCK_PENDING)) mine = SQLITE_LOCK_PENDING;
    return SQLITE_BUSY;
  }
  mine = level;
  return SQLITE_OK;
}

int file_unlock(sqlite3_file* raw, int level) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  int& mine = handle->file->locks[handle];
  mine = std::min(mine, level);
  return SQLITE_OK;
}

int file_check_reserved(sqlite3_file* raw, int* reserved) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  *reserved = others_hold(*handle->file, nullptr, SQLITE_LOCK_RESERVED) ? 1 : 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int file_sector_size(sqlite3_file*) { return static_cast<int>(kSector); }
int file_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* raw, int region, int size, int extend, void volatile** out) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  auto& regions = handle->file->shared_memory;
  size_t wanted = static_cast<size_t>(region) + 1;
  if (regions.size() < wanted && extend == 0) {
    *out = nullptr;
    return SQLITE_OK;
  }
  while (regions.size() < wanted) regions.push_back(std::make_unique<char[]>(static_cast<size_t>(size)));
  *out = regions[static_cast<size_t>(region)].get();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* raw, int offset, int count, int flags) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  auto& slots = handle->file->shared_locks;
  bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_LOCK) != 0) {
    for (int i = offset; i < offset + count; ++i) {
      for (const auto& [owner, mode] : slots[static_cast<size_t>(i)]) {
        if (owner != handle && (exclusive || mode == SQLITE_SHM_EXCLUSIVE)) return SQLITE_BUSY;
      }
    }
  }
  for (int i = offset; i < offset + count; ++i) {
    auto& slot = slots[static_cast<size_t>(i)];
    if ((flags & SQLITE_SHM_LOCK) != 0) slot[handle] = exclusive ? SQLITE_SHM_EXCLUSIVE : SQLITE_SHM_SHARED;
    else slot.erase(handle);
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file* raw) {
  // A sequentially consistent change of one place orders what two connections write, for TSan's eyes too.
  handle_of(raw)->disk->barriers.fetch_add(1);
}

int shm_unmap(sqlite3_file* raw, int remove) {
  Handle* handle = handle_of(raw);
  Guard guard(handle->disk->mutex);
  for (auto& slot : handle->file->shared_locks) slot.erase(handle);
  if (remove != 0) handle->file->shared_memory.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {
    2,           file_close,          file_read,    file_write,       file_truncate,        file_sync,
    file_size,   file_lock,           file_unlock,  file_check_reserved, file_control,      file_sector_size,
    file_characteristics, shm_map,    shm_lock,     shm_barrier,      shm_unmap,            nullptr,
    nullptr};

CrashDisk::State& disk_of(sqlite3_vfs* vfs) { return *static_cast<CrashDisk::State*>(vfs->pAppData); }

int vfs_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags, int* out_flags) {
  CrashDisk::State& disk = disk_of(vfs);
  Guard guard(disk.mutex);
  raw->pMethods = nullptr;
  std::shared_ptr<File> file;
  if (path != nullptr) {
    auto found = disk.files.find(path);
    if (found != disk.files.end() && !found->second->deleted) file = found->second;
  }
  if (!file) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    if (!disk.powered()) return SQLITE_IOERR;
    file = std::make_shared<File>();
    if (path != nullptr) disk.files[path] = file;
  }
  Handle* handle = new (raw) Handle{};
  handle->base.pMethods = &kMethods;
  handle->disk = &disk;
  handle->file = std::move(file);
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  CrashDisk::State& disk = disk_of(vfs);
  Guard guard(disk.mutex);
  auto found = disk.files.find(path);
  if (found == disk.files.end() || found->second->deleted) return SQLITE_IOERR_DELETE_NOENT;
  if (!disk.powered()) return SQLITE_IOERR_DELETE;
  found->second->deleted = true;
  if (sync_directory != 0) disk.sync_directory();
  return SQLITE_OK;
}

int vfs_access(sqlite3_vfs* vfs, const char* path, int, int* exists) {
  CrashDisk::State& disk = disk_of(vfs);
  Guard guard(disk.mutex);
  auto found = disk.files.find(path);
  *exists = found != disk.files.end() && !found->second->deleted ? 1 : 0;
  return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

int vfs_randomness(sqlite3_vfs* vfs, int count, char* out) {
  CrashDisk::State& disk = disk_of(vfs);
  Guard guard(disk.mutex);
  for (int i = 0; i < count; ++i) out[i] = static_cast<char>(disk.rng.next());
  return count;
}

int vfs_sleep(sqlite3_vfs* vfs, int micros) { return disk_of(vfs).system->xSleep(disk_of(vfs).system, micros); }
int vfs_time(sqlite3_vfs* vfs, double* now) { return disk_of(vfs).system->xCurrentTime(disk_of(vfs).system, now); }
int vfs_last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

CrashDisk::CrashDisk(const std::string& name, uint64_t seed) : state_(std::make_unique<State>(seed)) {
  state_->name = name;
  state_->system = sqlite3_vfs_find(nullptr);
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(Handle);
  vfs.mxPathname = 512;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = vfs_open;
  vfs.xDelete = vfs_delete;
  vfs.xAccess = vfs_access;
  vfs.xFullPathname = vfs_full_path;
  vfs.xRandomness = vfs_randomness;
  vfs.xSleep = vfs_sleep;
  vfs.xCurrentTime = vfs_time;
  vfs.xGetLastError = vfs_last_error;
  ENSURE(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK, "a VFS can be registered");
}

CrashDisk::~CrashDisk() { sqlite3_vfs_unregister(&state_->vfs); }

void CrashDisk::crash_at(uint64_t count) {
  Guard guard(state_->mutex);
  state_->crash_at = count == 0 ? 0 : state_->operations + count;
}

bool CrashDisk::crashed() const {
  Guard guard(state_->mutex);
  return state_->crashed;
}

void CrashDisk::recover() {
  Guard guard(state_->mutex);
  state_->lose_power();
  state_->crashed = false;
  state_->crash_at = 0;
}

uint64_t CrashDisk::operations() const {
  Guard guard(state_->mutex);
  return state_->operations;
}

void CrashDisk::set_capacity(uint64_t bytes) {
  Guard guard(state_->mutex);
  state_->capacity = bytes;
}

uint64_t CrashDisk::used() const {
  Guard guard(state_->mutex);
  return state_->used();
}

std::string CrashDisk::everything() const {
  Guard guard(state_->mutex);
  std::string all;
  for (const auto& [path, file] : state_->files) {
    all += file->now;
    all += file->durable;
    for (const Pending& change : file->pending) all += change.bytes;
  }
  return all;
}

}  // namespace mainstay
