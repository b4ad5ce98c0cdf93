// Lists in pages: what a continue token holds, and the snapshots that tokens still refer to, so that all
// pages of one list show one version. Any thread.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "reconciler/store/snapshot.h"
#include "schema/base/time.h"

namespace mainstay::api {

struct PageToken {
  uint64_t version = 0;  // of the snapshot the list began with
  ObjectName after;      // the last object of the page before
};

std::string encode_token(const PageToken& token);
std::optional<PageToken> decode_token(std::string_view text);

// The snapshots of lists that are being read page by page: the newest 64, each for five minutes.
class PagedSnapshots {
 public:
  void keep(const Snapshot& view, MonoTime now);
  std::optional<Snapshot> find(uint64_t version, MonoTime now);

 private:
  struct Kept {
    Snapshot view;
    MonoTime until;
  };
  std::mutex mutex_;
  std::list<Kept> kept_;  // newest first
};

}  // namespace mainstay::api
