// Unpacking an image layer: a compressed tar from a stranger becomes a directory overlayfs can use as a lower
// one.
//
// The stranger may be hostile. Every path is resolved inside the directory with openat2(RESOLVE_IN_ROOT), so
// links cannot lead out; absolute paths begin there, ".." is refused; device nodes are left out (a container gets its
// own /dev); of the extended attributes only security.capability and user.* are kept, as trusted.overlay.*
// would steer overlayfs; sizes and counts are bounded. Owners and modes are kept, set-uid bits too: they act
// inside containers only (allowPrivilegeEscalation: false disarms them), and the layers' directory is closed
// to the node's users. OCI whiteouts become overlayfs' own (0/0 character device, trusted.overlay.opaque).
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

struct LayerLimits {
  uint64_t bytes = 32ull << 30;    // unpacked
  uint64_t entries = 2'000'000;
  // More than this many times the compressed size is a bomb, once `ratio_from` bytes are out.
  uint64_t ratio = 300;
  uint64_t ratio_from = 512 << 20;
};

struct LayerReport {
  std::string diff_id;       // "sha256:..." of the uncompressed archive
  uint64_t bytes = 0;        // of the archive, uncompressed
  uint64_t entries = 0;
  uint64_t skipped_devices = 0;
};

// Unpacks `blob` (plain, gzip, zstd, xz or bzip2 tar) into the existing, empty directory. Nothing is synced.
// `below` are the directories of the layers it lies on, highest first: one that the layer only puts something into is
// what it is there. kInvalid: damaged or hostile; kFull: no room. What was unpacked by then is the caller's to delete.
Result<LayerReport> unpack_layer(const std::string& blob, const std::string& directory, const LayerLimits& limits,
                                 const std::vector<std::string>& below = {});

// The bytes of one file of a tar archive (compressed or not), for looking into image archives. kNotFound: no
// such entry among the first `max_entries`.
Result<std::string> read_archive_file(const std::string& archive, const std::string& name, size_t max_bytes);

}  // namespace mainstay
