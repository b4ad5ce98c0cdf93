// Images that mean ill: damaged, lying, absurd. They are refused within bounds, and the store stays as it was.
#include <sys/resource.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>

#include "nodeagent/disk.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/images/layer.h"
#include "nodeagent/images/manifest.h"
#include "nodeagent/process.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

// A tar header as POSIX has it; `size` may lie.
std::string tar_header(const std::string& name, char type, uint64_t size, const std::string& link = "") {
  std::string out(512, '\0');
  auto put = [&](size_t at, const std::string& text) { out.replace(at, text.size(), text); };
  auto octal = [](uint64_t value, int digits) {
    char text[32];
    snprintf(text, sizeof text, "%0*llo", digits, static_cast<unsigned long long>(value));
    return std::string(text);
  };
  put(0, name.substr(0, 99));
  put(100, "0000755");
  put(108, "0000000");
  put(116, "0000000");
  put(124, octal(size, 11));
  put(136, "00000000000");
  put(148, "        ");
  out[156] = type;
  put(157, link.substr(0, 99));
  put(257, std::string("ustar\0", 6) + "00");
  uint64_t sum = 0;
  for (char c : out) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  return out;
}

std::string tar_file(const std::string& name, const std::string& content) {
  std::string out = tar_header(name, '0', content.size()) + content;
  out.resize((out.size() + 511) / 512 * 512);
  return out;
}

const std::string kTarEnd(1024, '\0');

std::string digest_of(const std::string& bytes) { return "sha256:" + hex(sha256(bytes)); }

std::string gzipped(const std::string& bytes) {
  ProcessSpec spec;
  spec.argv = {find_program("gzip"), "-c"};
  spec.env = plain_environment();
  spec.stdin_bytes = bytes;
  auto ran = run_checked(spec);
  REQUIRE_OK(ran);
  return ran->out;
}

// An OCI layout of one image, written by hand so that every part of it can lie.
class Layout {
 public:
  explicit Layout(std::string dir) : dir_(std::move(dir)) {
    REQUIRE_OK(make_dirs(dir_ + "/blobs/sha256"));
    REQUIRE_OK(write_file(dir_ + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})", 0644));
  }
  std::string os = "linux";
  size_t lie = 0;  // so many bytes more than there are does the manifest claim of each layer
  // Returns its descriptor.
  std::string blob(const std::string& type, const std::string& bytes, size_t more = 0) {
    REQUIRE_OK(write_file(path(digest_of(bytes)), bytes, 0644));
    return R"({"mediaType":")" + type + R"(","digest":")" + digest_of(bytes) + R"(","size":)" +
           std::to_string(bytes.size() + more) + "}";
  }
  std::string path(const std::string& digest) const { return dir_ + "/blobs/sha256/" + digest.substr(7); }
  // `layers`: the tar archives; `diff_ids` as the configuration tells them.
  void finish(const std::vector<std::string>& layers, const std::vector<std::string>& diff_ids) {
    std::string ids, descriptors;
    for (const std::string& id : diff_ids) ids += (ids.empty() ? "\"" : ",\"") + id + "\"";
    for (const std::string& layer : layers) {
      // skopeo writes down anew what it compresses itself.
      const std::string type = "application/vnd.oci.image.layer.v1.tar";
      descriptors += (descriptors.empty() ? "" : ",") +
                     (lie > 0 ? blob(type + "+gzip", gzipped(layer), lie) : blob(type, layer));
    }
    std::string config = blob("application/vnd.oci.image.config.v1+json",
                              R"({"architecture":"amd64","os":")" + os + R"(","config":{"Cmd":["/x"]},"rootfs":{"type":"layers",)"
                              R"("diff_ids":[)" + ids + "]}}");
    std::string manifest =
        blob("application/vnd.oci.image.manifest.v1+json",
             R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" + config +
                 R"(,"layers":[)" + descriptors + "]}");
    REQUIRE_OK(write_file(dir_ + "/index.json", R"({"schemaVersion":2,"manifests":[)" + manifest + "]}", 0644));
  }

 private:
  std::string dir_;
};

struct HostileImages {
  TempDir temp;
  std::unique_ptr<Images> store = open_store(temp.path() + "/node");
  int number = 0;

  std::string fresh() { return temp.path() + "/layout-" + std::to_string(number++); }
  // What import says of the layout; nothing of it may stay.
  std::string refused(const std::string& dir) {
    MonoTime begin = read_clock().mono;
    auto imported = store->import_archive(dir, "localhost/evil:v1");
    CHECK(read_clock().mono - begin < 30s);
    CHECK_FALSE(store->present("localhost/evil:v1").value().has_value());
    REQUIRE_OK(store->collect({}));
    std::string home = temp.path() + "/node/data/images";
    for (const char* part : {"/layers", "/names", "/tmp", "/blobs/sha256"}) CHECK(list_dir(home + part).value().empty());
    return imported.ok() ? "" : imported.error().message;
  }
};

}  // namespace

TEST_CASE("images whose parts lie or are missing are refused, and nothing of them stays", "[edge][hostile][images]") {
  NEEDS_IMAGES();
  HostileImages all;
  std::string layer = tar_file("x", "content") + kTarEnd;

  std::string lying = all.fresh();
  Layout(lying).finish({layer}, {"sha256:" + std::string(64, '0')});
  CHECK(all.refused(lying).find("unpacks to " + digest_of(layer)) != std::string::npos);

  std::string fewer = all.fresh();
  Layout(fewer).finish({layer, layer}, {digest_of(layer)});
  CHECK(all.refused(fewer).find("differ in the number of layers") != std::string::npos);

  std::string missing = all.fresh();
  Layout lacks(missing);
  lacks.finish({layer}, {digest_of(layer)});
  REQUIRE(unlink(lacks.path(digest_of(layer)).c_str()) == 0);
  CHECK_FALSE(all.refused(missing).empty());

  std::string changed = all.fresh();
  Layout other(changed);
  other.finish({layer}, {digest_of(layer)});
  REQUIRE_OK(write_file(other.path(digest_of(layer)), tar_file("x", "CONTENT") + kTarEnd, 0644));
  CHECK_FALSE(all.refused(changed).empty());

  std::string larger = all.fresh();
  Layout claims(larger);
  claims.lie = 1 << 20;
  claims.finish({layer}, {digest_of(layer)});
  CHECK(all.refused(larger).find("bytes, the manifest says") != std::string::npos);

  std::string foreign = all.fresh();
  Layout windows(foreign);
  windows.os = "windows";
  windows.finish({layer}, {digest_of(layer)});
  CHECK(all.refused(foreign).find("no match for platform: the image is for windows/amd64") != std::string::npos);

  // Honest, so that what is refused above is refused for what is wrong with it.
  std::string honest = all.fresh();
  Layout(honest).finish({layer}, {digest_of(layer)});
  REQUIRE_OK(all.store->import_archive(honest, "localhost/evil:v1"));
  REQUIRE_OK(all.store->remove("localhost/evil:v1"));
  CHECK(all.refused(lying).find("unpacks to") != std::string::npos);
}

TEST_CASE("images of thousands of layers are refused; some hundreds say what is too many for overlayfs",
          "[edge][hostile][images]") {
  NEEDS_CONTAINERS();
  std::string descriptor = R"({"digest":")" + digest_of("x") + R"(","size":1})", many = descriptor;
  for (int i = 1; i < 3000; ++i) many += "," + descriptor;
  auto thousands = parse_manifest(R"({"config":)" + descriptor + R"(,"layers":[)" + many + "]}");
  REQUIRE_FALSE(thousands.ok());
  CHECK(thousands.error().message.find("more than 500 layers") != std::string::npos);

  EdgeNode node;
  std::string uid = node.make_pod();
  ContainerSpec spec = node.container(uid, "true");
  for (int i = 0; i < 165; ++i) {
    std::string name = digest_of(std::to_string(i)).substr(7, 24);
    REQUIRE_OK(make_dirs(node.paths().layers() + "/" + name));
    spec.image.layers.push_back(name);
  }
  auto started = node.runtime().start(spec);
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().code == ErrorCode::kUnavailable);
  CHECK(started.error().message.find("more than overlayfs takes") != std::string::npos);
}

TEST_CASE("an image with one layer twice, and one that makes its root anew, show what they should",
          "[edge][images][runtime]") {
  NEEDS_CONTAINERS();
  EdgeNode node;
  std::string uid = node.make_pod();
  auto add = [&](const char* name) {
    std::string layer = digest_of(name).substr(7, 24), dir = node.paths().layers() + "/" + layer;
    REQUIRE_OK(make_dirs(dir));
    REQUIRE_OK(write_file(dir + "/" + name, name, 0644));
    return layer;
  };
  ContainerSpec spec = node.container(uid, "ls -d /alpha /beta");
  std::vector<std::string> tools = spec.image.layers;
  std::string alpha = add("alpha"), beta = add("beta");
  spec.image.layers = tools;
  for (const std::string& layer : {alpha, beta, alpha}) spec.image.layers.push_back(layer);
  REQUIRE_OK(node.runtime().start(spec));
  wait_until_exited(node.runtime(), spec.key);
  CHECK(log_text(node.runtime(), spec.key) == "/alpha\n/beta\n");

  REQUIRE(setxattr((node.paths().layers() + "/" + beta).c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
  spec.key.attempt = 1;
  spec.image.layers = {alpha, beta};
  spec.image.layers.insert(spec.image.layers.end(), tools.begin(), tools.end());
  REQUIRE_OK(node.runtime().start(spec));
  wait_until_exited(node.runtime(), spec.key);
  CHECK(log_text(node.runtime(), spec.key).find("/alpha\n") == std::string::npos);
  CHECK(log_text(node.runtime(), spec.key).find("/beta\n") != std::string::npos);
}

TEST_CASE("layers with absurd headers are refused without the memory they ask for", "[edge][hostile][layers]") {
  NEEDS_IMAGES();
  TempDir temp;
  std::string blob = temp.path() + "/layer.tar", root = temp.path() + "/root";
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  auto refused = [&](const char* what, const std::string& tar) {
    INFO(what);
    REQUIRE_OK(write_file(blob, tar, 0600));
    REQUIRE_OK(remove_tree(root));
    REQUIRE_OK(make_dirs(root));
    MonoTime begin = read_clock().mono;
    auto report = unpack_layer(blob, root, LayerLimits{});
    CHECK(read_clock().mono - begin < 10s);
    CHECK_FALSE(report.ok());
  };
  const uint64_t kHuge = uint64_t{7} << 30;
  refused("a long name of gigabytes", tar_header("././@LongLink", 'L', kHuge) + std::string(4096, 'n'));
  refused("extended headers of gigabytes", tar_header("pax", 'x', kHuge) + std::string(4096, '1'));
  refused("a file that ends before its size", tar_header("f", '0', kHuge) + std::string(4096, 'x'));
  std::string endless;
  for (int i = 0; i < 5000; ++i) endless += tar_header("pax", 'x', 512) + std::string("20 comment=aaaaaaaaa\n", 20) +
                                            std::string(492, '\0');
  refused("extended headers without end", endless + tar_header("f", '0', kHuge));
  std::string long_name(5000, 'n');
  refused("a name longer than a path may be",
          tar_header("././@LongLink", 'L', long_name.size() + 1) + long_name + std::string(5120 - 5000, '\0') +
              tar_header("n", '0', 0) + kTarEnd);
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < (256 << 10));  // KiB
}
