#include "cli/memory.h"

#include <sys/types.h>

#include <cstddef>

// jemalloc's, where the program is linked with it: mallctl(3).
extern "C" int mallctl(const char* name, void* old, size_t* old_size, void* fresh, size_t fresh_size)
    __attribute__((weak));

namespace mainstay {
namespace {

constexpr ssize_t kDirtyMilliseconds = 200;

}  // namespace

void keep_little_memory() {
  if (mallctl == nullptr) return;
  // Of arenas to come, and of the one there is. A name this version does not know changes nothing.
  for (const char* name : {"arenas.dirty_decay_ms", "arena.0.dirty_decay_ms"}) {
    ssize_t dirty = kDirtyMilliseconds;
    mallctl(name, nullptr, nullptr, &dirty, sizeof dirty);
  }
}

}  // namespace mainstay
