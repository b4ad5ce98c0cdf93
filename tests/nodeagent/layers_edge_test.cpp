// Layers built here, honest and hostile, unpacked for real.
#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "nodeagent/disk.h"
#include "nodeagent/images/layer.h"
#include "schema/base/crypto.h"
#include "tests/nodeagent/edge_images.h"
#include "tests/nodeagent/edge_node.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

class LayerBuilder {
 public:
  LayerBuilder(std::string path, bool gzip) : path_(std::move(path)), archive_(archive_write_new()) {
    if (gzip) archive_write_add_filter_gzip(archive_);
    archive_write_set_format_pax_restricted(archive_);
    REQUIRE(archive_write_open_filename(archive_, path_.c_str()) == ARCHIVE_OK);
  }
  ~LayerBuilder() { close(); }
  void close() {
    if (archive_) archive_write_free(archive_);
    archive_ = nullptr;
  }
  LayerBuilder& add(const std::string& path, mode_t type, mode_t mode, const std::string& content = "",
                    const std::function<void(archive_entry*)>& more = {}) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode);
    archive_entry_set_uid(entry, 1234);
    archive_entry_set_gid(entry, 2345);
    archive_entry_set_mtime(entry, 1'000'000'000, 0);
    if (type == AE_IFREG) archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    if (more) more(entry);
    archive_write_header(archive_, entry);
    if (type == AE_IFREG) archive_write_data(archive_, content.data(), content.size());
    archive_entry_free(entry);
    return *this;
  }
  LayerBuilder& file(const std::string& path, const std::string& content = "x", mode_t mode = 0644) {
    return add(path, AE_IFREG, mode, content);
  }
  LayerBuilder& directory(const std::string& path, mode_t mode = 0755) { return add(path, AE_IFDIR, mode); }
  LayerBuilder& symlink(const std::string& path, const std::string& target) {
    return add(path, AE_IFLNK, 0777, "",
               [&](archive_entry* entry) { archive_entry_set_symlink(entry, target.c_str()); });
  }
  LayerBuilder& hardlink(const std::string& path, const std::string& target) {
    return add(path, AE_IFREG, 0644, "", [&](archive_entry* entry) {
      archive_entry_set_size(entry, 0);
      archive_entry_set_hardlink(entry, target.c_str());
    });
  }

 private:
  std::string path_;
  archive* archive_;
};

struct LayerTest {
  TempDir temp;
  std::string blob = temp.path() + "/layer.tar.gz";
  std::string root = temp.path() + "/root";
  LayerLimits limits;
  std::vector<std::string> below;

  Result<LayerReport> unpack(const std::function<void(LayerBuilder&)>& build, bool gzip = true) {
    {
      LayerBuilder builder(blob, gzip);
      build(builder);
    }
    REQUIRE_OK(remove_tree(root));
    REQUIRE_OK(make_dirs(root, 0755));
    return unpack_layer(blob, root, limits, below);
  }
  struct stat info(const std::string& path) {
    struct stat out {};
    INFO(path);
    REQUIRE(lstat((root + "/" + path).c_str(), &out) == 0);
    return out;
  }
  bool opaque(const std::string& path) {
    char value = 0;
    return getxattr((root + "/" + path).c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
  }
};

// The bytes as a compression makes them.
std::string filtered(const std::string& bytes, int (*add_filter)(archive*)) {
  std::string out(2 * bytes.size() + 4096, '\0');
  size_t used = 0;
  archive* writer = archive_write_new();
  add_filter(writer);
  archive_write_set_format_raw(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  REQUIRE(archive_write_open_memory(writer, out.data(), out.size(), &used) == ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(writer, entry);
  archive_write_data(writer, bytes.data(), bytes.size());
  archive_entry_free(entry);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

bool is_whiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

#define NEEDS_ROOT()                                \
  do {                                              \
    if (geteuid() != 0) {                           \
      WARN("SKIPPED: unpacking layers needs root"); \
      return;                                       \
    }                                               \
  } while (false)

}  // namespace

TEST_CASE("a layer keeps names, modes, owners, times, links and capabilities", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  auto report = test.unpack([](LayerBuilder& layer) {
    layer.directory("./").directory("./bin", 0750).file("bin/tool", "content", 04755);
    layer.symlink("bin/link", "/absolute/is/fine").hardlink("bin/hard", "bin/tool");
    layer.file("made/for/me/file").file("n\xc3\xa4me", "utf-8");
    layer.add("bin/capable", AE_IFREG, 0755, "y", [](archive_entry* entry) {
      static const unsigned char value[] = {1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      archive_entry_xattr_add_entry(entry, "security.capability", value, sizeof value);
      archive_entry_xattr_add_entry(entry, "trusted.overlay.redirect", "/etc", 4);
    });
    layer.add("pipe", AE_IFIFO, 0600);
  });
  REQUIRE_OK(report);
  CHECK(read_file(test.root + "/bin/tool").value() == "content");
  CHECK((test.info("bin/tool").st_mode & 07777) == 04755);
  CHECK(test.info("bin/tool").st_uid == 1234);
  CHECK(test.info("bin/tool").st_mtime == 1'000'000'000);
  CHECK((test.info("bin").st_mode & 07777) == 0750);
  CHECK(test.info("bin").st_mtime == 1'000'000'000);
  CHECK(test.info("bin/hard").st_ino == test.info("bin/tool").st_ino);
  CHECK(S_ISLNK(test.info("bin/link").st_mode));
  CHECK(S_ISFIFO(test.info("pipe").st_mode));
  CHECK(path_exists(test.root + "/made/for/me/file"));
  CHECK(read_file(test.root + "/n\xc3\xa4me").value() == "utf-8");
  std::string capable = test.root + "/bin/capable";
  CHECK(getxattr(capable.c_str(), "security.capability", nullptr, 0) > 0);
  CHECK(getxattr(capable.c_str(), "trusted.overlay.redirect", nullptr, 0) < 0);
}

TEST_CASE("the diff id is the digest of the uncompressed archive", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  auto build = [](LayerBuilder& layer) { layer.file("a", "content"); };
  auto plain = test.unpack(build, false);
  REQUIRE_OK(plain);
  CHECK(plain->diff_id == "sha256:" + hex(sha256(read_file(test.blob).value())));
  CHECK(test.unpack(build, true)->diff_id == plain->diff_id);
}

TEST_CASE("whiteouts become overlayfs' own", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  REQUIRE_OK(test.unpack([](LayerBuilder& layer) {
    layer.directory("etc")
        .file("etc/.wh.gone")
        .file("etc/.wh..wh.aufs")
        .directory("var")
        .file("var/.wh..wh..opq")
        .file("var/kept");
    layer.file(".wh.again").file("again", "new");          // deleted below, written here
    layer.file("first", "mine").file(".wh.first");          // the other order
    layer.file(".wh.dir").directory("dir").file("dir/new");  // a directory replaced as a whole
    layer.file(".wh.bare").file("bare/deep/new");            // the same without an entry of its own
  }));
  CHECK(is_whiteout(test.info("etc/gone")));
  CHECK(list_dir(test.root + "/etc").value() == std::vector<std::string>{"gone"});
  CHECK(test.opaque("var"));
  CHECK(path_exists(test.root + "/var/kept"));
  CHECK(read_file(test.root + "/again").value() == "new");
  CHECK(read_file(test.root + "/first").value() == "mine");
  CHECK(test.opaque("dir"));
  CHECK(test.opaque("bare"));
  CHECK_FALSE(test.opaque("bare/deep"));
  CHECK(path_exists(test.root + "/bare/deep/new"));
}

TEST_CASE("an entry that takes the place of a link is what later paths lead through", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  REQUIRE_OK(test.unpack([](LayerBuilder& layer) {
    layer.directory("b").symlink("a", "b").file("a/one").directory("a").file("a/two");
    layer.add("c", AE_IFDIR, 0755, "", [](archive_entry* entry) { archive_entry_set_mtime(entry, 77, 0); });
    layer.symlink("c", "b");
  }));
  CHECK(list_dir(test.root + "/b").value() == std::vector<std::string>{"one"});
  CHECK(list_dir(test.root + "/a").value() == std::vector<std::string>{"two"});
  CHECK(test.info("b").st_mtime == 1'000'000'000);
}

TEST_CASE("absolute paths and hard links begin at the layer's root", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  REQUIRE_OK(test.unpack([](LayerBuilder& layer) {
    layer.directory("/", 0711).directory("/bin").file("/bin/tool").hardlink("bin/same", "/bin/tool");
    layer.symlink("sbin", "/bin").hardlink("/bin/third", "/sbin/tool");
  }));
  CHECK((test.info("").st_mode & 07777) == 0711);
  CHECK(test.info("bin/same").st_ino == test.info("bin/tool").st_ino);
  CHECK(test.info("bin/third").st_ino == test.info("bin/tool").st_ino);
}

TEST_CASE("layers may be plain, gzip, zstd, xz or bzip2, in several parts too, and nothing else", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  auto build = [](LayerBuilder& layer) { layer.directory("a").file("a/b", std::string(100'000, 'c')); };
  std::string diff_id = test.unpack(build, false).value().diff_id;
  std::string tar = read_file(test.blob).value();
  auto unpack_as = [&](const std::string& bytes) {
    REQUIRE_OK(write_file(test.blob, bytes, 0600));
    REQUIRE_OK(remove_tree(test.root));
    REQUIRE_OK(make_dirs(test.root));
    return unpack_layer(test.blob, test.root, test.limits);
  };
  for (auto filter : {archive_write_add_filter_gzip, archive_write_add_filter_zstd, archive_write_add_filter_xz,
                      archive_write_add_filter_bzip2}) {
    auto packed = unpack_as(filtered(tar, filter));
    REQUIRE_OK(packed);
    CHECK(packed->diff_id == diff_id);
    // As parallel and lazily read layers are: one part after another.
    auto parts = unpack_as(filtered(tar.substr(0, 5000), filter) + filtered(tar.substr(5000), filter));
    REQUIRE_OK(parts);
    CHECK(parts->diff_id == diff_id);
  }
  // What ends the layers that are fetched in pieces: a frame that a decompressor passes over.
  std::string skipped("\x50\x2a\x4d\x18\x04\0\0\0more", 12);
  auto chunked = unpack_as(filtered(tar, archive_write_add_filter_zstd) + skipped);
  REQUIRE_OK(chunked);
  CHECK(chunked->diff_id == diff_id);
  CHECK_FALSE(unpack_as(filtered(tar, archive_write_add_filter_uuencode)).ok());
  auto none = unpack_as("");
  REQUIRE_OK(none);
  CHECK(none->diff_id == "sha256:" + hex(sha256("")));
}

TEST_CASE("a directory without an entry of its own is what it is in the layers below", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest base, upper;
  REQUIRE_OK(base.unpack([](LayerBuilder& layer) {
    layer.directory("tmp", 01777).directory("home", 0711).directory("home/web", 0700).directory("hidden", 0700);
    layer.directory("again", 0700).file("file").directory("higher", 0700);
    layer.directory("covered", 0700).directory("covered/deep", 0700);
  }));
  std::string between = base.temp.path() + "/between";
  REQUIRE_OK(make_dirs(between));
  REQUIRE_OK(make_dirs(between + "/higher", 0750));
  REQUIRE_OK(write_file(between + "/covered", "", 0644));
  upper.below = {between, base.root};
  REQUIRE_OK(upper.unpack([](LayerBuilder& layer) {
    layer.file("tmp/x").file("home/web/new/x").file(".wh.hidden").file("hidden/x");
    layer.file("again/x").directory("again", 0755);
    layer.file("file/x").file("higher/x").file("covered/deep/x");
  }));
  auto mode = [&](const char* path) { return upper.info(path).st_mode & 07777; };
  CHECK(mode("tmp") == 01777);
  CHECK(upper.info("tmp").st_uid == 1234);
  CHECK(upper.info("tmp").st_mtime == 1'000'000'000);
  CHECK(mode("home") == 0711);
  CHECK(mode("home/web") == 0700);
  CHECK(mode("home/web/new") == 0755);
  CHECK(upper.info("home/web/new").st_uid == 0);
  CHECK(mode("hidden") == 0755);
  CHECK(mode("again") == 0755);
  CHECK(mode("file") == 0755);
  CHECK(mode("higher") == 0750);
  CHECK(mode("covered") == 0755);
  CHECK(mode("covered/deep") == 0755);
}

TEST_CASE("hostile layers stay inside their directory or are refused", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  std::string outside = test.temp.path() + "/outside";
  REQUIRE_OK(make_dirs(outside));
  REQUIRE_OK(write_file(outside + "/victim", "untouched", 0600));
  auto refused = [&](const char* what, const std::function<void(LayerBuilder&)>& build) {
    INFO(what);
    auto report = test.unpack(build);
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().code == ErrorCode::kInvalid);
  };
  refused("dots", [](LayerBuilder& layer) { layer.file("a/../../outside/new"); });
  refused("dots in a hard link", [](LayerBuilder& layer) { layer.hardlink("a", "../outside/victim"); });
  refused("absolute hard link", [&](LayerBuilder& layer) { layer.hardlink("a", outside + "/victim"); });
  refused("hard link through a link",
          [&](LayerBuilder& layer) { layer.symlink("s", outside).hardlink("a", "s/victim"); });
  refused("hard link to a whiteout", [](LayerBuilder& layer) { layer.file(".wh.b").hardlink("a", "b"); });
  refused("hard link to nothing", [](LayerBuilder& layer) { layer.hardlink("a", "b"); });
  refused("whiteout of the parent", [](LayerBuilder& layer) { layer.directory("a").file("a/.wh..."); });
  refused("whiteout as directory", [](LayerBuilder& layer) { layer.file(".wh.x/y"); });
  refused("file as directory", [](LayerBuilder& layer) { layer.file("a").file("a/b"); });
  refused("root as file", [](LayerBuilder& layer) { layer.file("."); });
  refused("deep path", [](LayerBuilder& layer) {
    std::string deep;
    for (int i = 0; i < 600; ++i) deep += "d/";
    layer.file(deep + "f");
  });

  // Links that point out are kept as links, and what goes through them lands inside.
  auto through = [&](const std::string& target) {
    auto report = test.unpack([&](LayerBuilder& layer) {
      layer.symlink("s", target).file("s/victim", "evil").file("s/new", "evil");
    });
    INFO(target);
    CHECK(read_file(outside + "/victim").value() == "untouched");
    CHECK_FALSE(path_exists(outside + "/new"));
    CHECK_FALSE(path_exists(test.temp.path() + "/new"));
    (void)report;  // refused, or written below the root: both are safe
  };
  through(outside);
  through("../outside");
  through("..");
  through("/proc/self/root" + outside);
  // A file written over a link replaces the link.
  REQUIRE_OK(
      test.unpack([&](LayerBuilder& layer) { layer.symlink("v", outside + "/victim").file("v", "evil"); }));
  CHECK(read_file(outside + "/victim").value() == "untouched");
  CHECK(read_file(test.root + "/v").value() == "evil");

  auto devices = test.unpack([](LayerBuilder& layer) {
    layer.add("disk", AE_IFBLK, 0666, "", [](archive_entry* entry) { archive_entry_set_rdev(entry, 0x801); });
    layer.add("hide", AE_IFCHR, 0666, "", [](archive_entry* entry) { archive_entry_set_rdev(entry, 0); });
    layer.file("after");
  });
  REQUIRE_OK(devices);
  CHECK(devices->skipped_devices == 2);
  CHECK(list_dir(test.root).value() == std::vector<std::string>{"after"});
}

TEST_CASE("layers have limits", "[edge][layers]") {
  NEEDS_ROOT();
  LayerTest test;
  test.limits.bytes = 1 << 20;
  test.limits.entries = 10;
  test.limits.ratio_from = 100'000;
  test.limits.ratio = 20;
  auto code = [&](const std::function<void(LayerBuilder&)>& build) {
    auto report = test.unpack(build);
    return report.ok() ? ErrorCode::kFailed : report.error().code;
  };
  std::string noise = random_bytes(2 << 20);
  CHECK(code([&](LayerBuilder& layer) { layer.file("big", noise); }) == ErrorCode::kInvalid);
  CHECK(code([&](LayerBuilder& layer) { layer.file("bomb", std::string(900'000, '\0')); }) ==
        ErrorCode::kInvalid);
  CHECK(code([&](LayerBuilder& layer) {
          for (int i = 0; i < 20; ++i) layer.file("f" + std::to_string(i));
        }) == ErrorCode::kInvalid);
  CHECK(test.unpack([&](LayerBuilder& layer) { layer.file("fine", noise.substr(0, 500'000)); }).ok());

  // Cut off in the middle, and not an archive at all.
  REQUIRE(truncate(test.blob.c_str(), 250'000) == 0);
  CHECK_FALSE(unpack_layer(test.blob, test.root, test.limits).ok());
  REQUIRE_OK(write_file(test.blob, "no archive", 0600));
  CHECK_FALSE(unpack_layer(test.blob, test.root, test.limits).ok());
  CHECK(unpack_layer(test.temp.path() + "/absent", test.root, test.limits).error().code ==
        ErrorCode::kNotFound);
}
