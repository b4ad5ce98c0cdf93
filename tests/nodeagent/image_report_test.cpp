#include <catch2/catch.hpp>

#include "nodeagent/images/image_report.h"

namespace mainstay {
namespace {

Image image(const std::string& name, const std::string& id, uint64_t bytes) {
  Image out;
  out.name = name;
  out.id = id;
  out.digest = "sha256:" + std::string(64, id[0]);
  out.bytes = bytes;
  return out;
}

}  // namespace

TEST_CASE("a node's images: all names of one together, the largest first, fifty at most") {
  const std::string by_digest = "example.org/small@sha256:" + std::string(64, 'a');
  std::vector<Image> images = {image("docker.io/library/big:1", "b", 900), image("example.org/small:1", "a", 10),
                               image("example.org/small:2", "a", 10), image(by_digest, "a", 10)};
  std::vector<ContainerImage> out = reported_images(images);
  REQUIRE(out.size() == 2);
  CHECK(out[0].size_bytes == 900);
  CHECK(out[0].names ==
        std::vector<std::string>{"docker.io/library/big@sha256:" + std::string(64, 'b'), "docker.io/library/big:1"});
  CHECK(out[1].names == std::vector<std::string>{by_digest, "example.org/small:1", "example.org/small:2"});

  for (int i = 0; i < 60; ++i) {
    std::string number = std::to_string(i);
    images.push_back(image("example.org/many:" + number, "c" + number, 100 + static_cast<uint64_t>(i)));
    images.push_back(image("example.org/named:" + number, "b", 900));
  }
  out = reported_images(images);
  REQUIRE(out.size() == 50);
  CHECK(out[0].names.size() == 5);
  CHECK(out[1].size_bytes == 159);
  CHECK(out[49].size_bytes == 111);
  CHECK(reported_images({}).empty());
}

}  // namespace mainstay
