// Which images go before a disk is full: those used longest ago, never one in use nor one that has just come. Pure;
// any thread. Defaults and rules: the kubelet's image garbage collection.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/housekeeping/eviction_thresholds.h"

namespace mainstay {

struct ImageGcPolicy {
  int high_percent = 85;  // of the disk used: collection begins; 100 switches it off
  int low_percent = 80;   // and ends
  Duration minimum_age{std::chrono::minutes{2}};
};

// kInvalid: not between 0 and 100, or the low one not below the high one; names the flag.
Status check_image_gc(const ImageGcPolicy& policy);

struct ImageUse {
  std::optional<MonoTime> seen;  // nothing: it was there when the agent began
  std::optional<MonoTime> used;  // last; nothing: not since the agent began
};
struct ImageHistory {
  bool begun = false;
  std::map<std::string, ImageUse> images;  // by name
};

// `in_use` holds names and ids of images.
ImageHistory note_images(const ImageHistory& before, const std::vector<Image>& present,
                         const std::set<std::string>& in_use, MonoTime now);

// How much is to be freed to come down to the low threshold; nothing below the high one.
std::optional<uint64_t> bytes_to_free(const Supply& disk, const ImageGcPolicy& policy);

// Names of images that may go, the first one first.
std::vector<std::string> collectable_images(const ImageHistory& history, const std::vector<Image>& present,
                                            const std::set<std::string>& in_use, MonoTime now, Duration minimum_age);

// The kubelet's word when the images that may go were not enough.
std::string free_space_failure(uint64_t wanted, uint64_t freed);

}  // namespace mainstay
