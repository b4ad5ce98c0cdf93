#include "nodeagent/housekeeping/image_gc.h"

#include <algorithm>
#include <tuple>

namespace mainstay {
namespace {

bool is_used(const Image& image, const std::set<std::string>& in_use) {
  return in_use.count(image.name) != 0 || in_use.count(image.id) != 0;
}

bool is_percent(int number) { return number >= 0 && number <= 100; }

}  // namespace

Status check_image_gc(const ImageGcPolicy& policy) {
  if (!is_percent(policy.high_percent))
    return error(ErrorCode::kInvalid, "--image-gc-high-threshold must be between 0 and 100");
  if (!is_percent(policy.low_percent))
    return error(ErrorCode::kInvalid, "--image-gc-low-threshold must be between 0 and 100");
  if (policy.low_percent >= policy.high_percent)
    return error(ErrorCode::kInvalid, "--image-gc-low-threshold must be below --image-gc-high-threshold");
  return {};
}

ImageHistory note_images(const ImageHistory& before, const std::vector<Image>& present,
                         const std::set<std::string>& in_use, MonoTime now) {
  ImageHistory out;
  out.begun = true;
  for (const Image& image : present) {
    auto known = before.images.find(image.name);
    ImageUse& use = out.images[image.name];
    if (known != before.images.end()) {
      use = known->second;
    } else if (before.begun) {
      use.seen = now;
    }
    if (is_used(image, in_use)) use.used = now;
  }
  return out;
}

std::optional<uint64_t> bytes_to_free(const Supply& disk, const ImageGcPolicy& policy) {
  if (disk.capacity <= 0 || policy.high_percent >= 100) return std::nullopt;
  int64_t used_percent = 100 - static_cast<int64_t>(100.0 * static_cast<double>(disk.available) /
                                                    static_cast<double>(disk.capacity));
  if (used_percent < policy.high_percent) return std::nullopt;
  int64_t wanted = disk.capacity / 100 * (100 - policy.low_percent) - disk.available;
  return static_cast<uint64_t>(std::max<int64_t>(wanted, 0));
}

std::vector<std::string> collectable_images(const ImageHistory& history, const std::vector<Image>& present,
                                            const std::set<std::string>& in_use, MonoTime now, Duration minimum_age) {
  // What was never used, or never seen to come, counts as the oldest.
  using Age = std::tuple<std::optional<MonoTime>, std::optional<MonoTime>, std::string>;
  std::vector<Age> found;
  for (const Image& image : present) {
    auto use = history.images.find(image.name);
    if (use == history.images.end() || is_used(image, in_use)) continue;
    if (use->second.seen && now - *use->second.seen < minimum_age) continue;
    found.emplace_back(use->second.used, use->second.seen, image.name);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> out;
  for (Age& age : found) out.push_back(std::move(std::get<std::string>(age)));
  return out;
}

std::string free_space_failure(uint64_t wanted, uint64_t freed) {
  return "Failed to garbage collect required amount of images. Attempted to free " + std::to_string(wanted) +
         " bytes, but only found " + std::to_string(freed) + " bytes eligible to free.";
}

}  // namespace mainstay
