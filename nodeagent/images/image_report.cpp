#include "nodeagent/images/image_report.h"

#include <algorithm>
#include <map>
#include <set>

#include "nodeagent/images/reference.h"

namespace mainstay {
namespace {

constexpr size_t kMostImages = 50;
constexpr size_t kMostNames = 5;

struct Names {
  std::set<std::string> by_digest, by_tag;
  int64_t bytes = 0;
};

}  // namespace

std::vector<ContainerImage> reported_images(const std::vector<Image>& images) {
  std::map<std::string, Names> known;  // by id
  for (const Image& image : images) {
    Result<ImageReference> reference = parse_reference(image.name);
    if (!reference.ok()) continue;
    Names& names = known[image.id];
    names.by_digest.insert(reference->repository_name() + "@" + image.digest);
    if (reference->digest.empty()) names.by_tag.insert(image.name);
    names.bytes = std::max(names.bytes, static_cast<int64_t>(image.bytes));
  }
  std::vector<ContainerImage> out;
  for (const auto& [id, names] : known) {
    ContainerImage& image = out.emplace_back();
    image.names.assign(names.by_digest.begin(), names.by_digest.end());
    image.names.insert(image.names.end(), names.by_tag.begin(), names.by_tag.end());
    image.names.resize(std::min(image.names.size(), kMostNames));
    image.size_bytes = names.bytes;
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const ContainerImage& a, const ContainerImage& b) { return a.size_bytes > b.size_bytes; });
  out.resize(std::min(out.size(), kMostImages));
  return out;
}

}  // namespace mainstay
