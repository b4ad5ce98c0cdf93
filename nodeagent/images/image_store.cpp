#include "nodeagent/images/image_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>

#include "nodeagent/disk.h"
#include "nodeagent/images/archive_names.h"
#include "nodeagent/images/manifest.h"
#include "nodeagent/images/pull_logins.h"
#include "nodeagent/images/reference.h"
#include "nodeagent/images/skopeo.h"
#include "nodeagent/process.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

// Go's word for this machine, as image configurations use it.
std::string architecture() {
  utsname info{};
  uname(&info);
  std::string machine = info.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

// overlayfs takes one page of options for all layers, so their names are short. 96 bits do not collide by
// accident, and a collision on purpose is noticed, as the whole digest stands in the .diffid file.
std::string layer_name(const std::string& diff_id) { return diff_id.substr(7, 24); }

// A private directory below images/tmp that is gone at the end of its scope.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() {
    if (!path_.empty()) (void)remove_tree(path_);  // else the next sweep has it
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Writes the file where nobody else does and moves it to its place: several may bring the same image at once.
Status place_file(const std::string& path, const std::string& bytes, const std::string& work) {
  std::string fresh = work + path.substr(path.rfind('/'));
  RETURN_IF_ERROR(write_file(fresh, bytes, 0600, true));
  if (rename(fresh.c_str(), path.c_str()) != 0) return errno_error("renaming to " + path, errno);
  Fd parent(::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.open() || fsync(parent.get()) != 0) return errno_error("syncing the directory of " + path, errno);
  return {};
}

class ImageStore : public Images {
 public:
  explicit ImageStore(ImageStoreOptions options)
      : options_(std::move(options)), root_(options_.paths.images()) {}

  Status open();
  Result<std::optional<Image>> present(const std::string& ref) override;
  Result<Image> pull(const PullRequest& request) override;
  Result<std::vector<Image>> import_archive(const std::string& path, const std::string& name) override;
  Result<std::vector<Image>> list() override;
  Status remove(const std::string& ref) override;
  Result<uint64_t> collect(const std::vector<std::string>& layers_in_use) override;

 private:
  std::string record_path(const std::string& name) const {
    return root_ + "/names/" + hex(sha256(name)).substr(0, 40) + ".json";
  }
  std::string blob_path(const std::string& digest) const {
    return root_ + "/blobs/sha256/" + digest.substr(7);
  }
  Result<Fd> lock(int how) const;
  Result<Scratch> scratch() const;
  Result<std::string> read_blob(const BlobRef& blob) const;
  Result<std::vector<std::string>> logins_for(const PullRequest& request, const ImageReference& source) const;
  Result<std::string> fetch(const PullRequest& request, const ImageReference& source, const std::string& work) const;
  Result<Image> ingest(const std::string& layout, const std::string& scratch);
  Status ensure_layer(const std::string& diff_id, const BlobRef& blob, const std::vector<std::string>& below,
                      const std::string& scratch);
  Status publish_layer(const std::string& diff_id, const LayerReport& report, const std::string& directory,
                       const std::string& work);
  Result<Image> save(Image image, const std::string& name, const std::string& work);
  Status remove_layer(const std::string& name);
  Status drop_half_records();
  Result<uint64_t> drop_blobs(const std::set<std::string>& wanted);
  Result<uint64_t> drop_layers(const std::set<std::string>& wanted);

  const ImageStoreOptions options_;
  const std::string root_;
};

Status ImageStore::open() {
  RETURN_IF_ERROR(make_dirs(root_, 0700));
  for (const char* dir : {"/names", "/blobs/sha256", "/layers", "/tmp"})
    RETURN_IF_ERROR(make_dirs(root_ + dir, 0700));
  auto alone = lock(LOCK_EX | LOCK_NB);
  // A process that was killed a moment ago may not have let go yet; one that works will be busy for long.
  for (int attempt = 0; attempt < 20 && !alone.ok() && alone.error().code == ErrorCode::kBusy; ++attempt) {
    usleep(10'000);
    alone = lock(LOCK_EX | LOCK_NB);
  }
  if (!alone.ok()) return alone.error().code == ErrorCode::kBusy ? Status{} : Status(alone.error());
  ASSIGN_OR_RETURN(auto left, list_dir(root_ + "/tmp"));
  for (const std::string& name : left) RETURN_IF_ERROR(remove_tree(root_ + "/tmp/" + name));
  return {};
}

// Shared while something is added, exclusive while something is swept.
Result<Fd> ImageStore::lock(int how) const {
  std::string path = root_ + "/lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.open()) return errno_error("opening " + path, errno);
  while (flock(fd.get(), how) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return error(ErrorCode::kBusy, "another process is changing the image store");
    return errno_error("locking " + path, errno);
  }
  return fd;
}

Result<Scratch> ImageStore::scratch() const {
  std::string path = root_ + "/tmp/XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return errno_error("making a directory in " + root_ + "/tmp", errno);
  return Scratch(std::move(path));
}

Result<std::optional<Image>> ImageStore::present(const std::string& ref) {
  ASSIGN_OR_RETURN(ImageReference reference, parse_reference(ref));
  auto text = read_file(record_path(reference.name()));
  if (!text.ok()) {
    if (text.error().code == ErrorCode::kNotFound) return std::optional<Image>();
    return text.error();
  }
  auto image = decode_image(*text);
  if (!image.ok() || image->name != reference.name()) return std::optional<Image>();  // damaged: fetch again
  for (const std::string& layer : image->layers) {
    if (!path_exists(root_ + "/layers/" + layer)) return std::optional<Image>();
  }
  return std::optional<Image>(std::move(*image));
}

// The logins to try at a registry, the pull secrets' before the node's own; an empty one if there are none.
Result<std::vector<std::string>> ImageStore::logins_for(const PullRequest& request,
                                                        const ImageReference& source) const {
  ASSIGN_OR_RETURN(std::vector<PullLogin> logins, pull_logins(request.auth_configs, source));
  if (!options_.auth_file.empty()) {
    Result<std::string> own = read_file(options_.auth_file);
    if (!own.ok()) return own.error().in("the node's registry credentials");
    auto more = pull_logins({*own}, source);
    if (!more.ok()) return more.error().in("the node's registry credentials");
    logins.insert(logins.end(), more->begin(), more->end());
  }
  std::vector<std::string> out;
  for (const PullLogin& login : logins) out.push_back(login_file(login, source));
  if (out.empty()) out.emplace_back();
  return out;
}

// From one registry, with one login after another. The layout with the image.
Result<std::string> ImageStore::fetch(const PullRequest& request, const ImageReference& source,
                                      const std::string& work) const {
  SkopeoCopy copy;
  copy.program = options_.skopeo;
  copy.source = "docker://" + source.pull_name();
  copy.shared_blobs = root_ + "/blobs";
  copy.scratch = work;
  copy.verify_tls = !source.on_loopback();
  copy.timeout = request.timeout;
  copy.layout = work + "/layout";
  ASSIGN_OR_RETURN(std::vector<std::string> logins, logins_for(request, source));
  Status copied;
  for (std::string& login : logins) {
    RETURN_IF_ERROR(remove_tree(copy.layout));
    copy.login = std::move(login);
    copied = copy_image(copy);
    if (copied.ok()) return copy.layout;
    if (copied.error().code == ErrorCode::kFull) break;  // another login makes no room
  }
  return copied.error();
}

Result<Image> ImageStore::pull(const PullRequest& request) {
  ASSIGN_OR_RETURN(ImageReference reference, parse_reference(request.ref));
  if (options_.skopeo.empty())
    return error(ErrorCode::kUnavailable, "skopeo is not installed, so nothing can be pulled");
  ASSIGN_OR_RETURN(Fd held, lock(LOCK_SH));
  ASSIGN_OR_RETURN(Scratch work, scratch());
  // The first that has it; if none has, the registry's own word counts.
  std::vector<ImageReference> sources;
  if (auto mirrors = options_.mirrors.find(reference.registry); mirrors != options_.mirrors.end()) {
    for (const std::string& mirror : mirrors->second) sources.emplace_back(reference).registry = mirror;
  }
  sources.push_back(reference);
  Result<std::string> layout = failed("nothing was asked");
  for (const ImageReference& source : sources) {
    layout = fetch(request, source, work.path());
    if (layout.ok()) break;
  }
  if (!layout.ok()) return layout.error().in("pulling " + reference.name());
  auto image = ingest(*layout, work.path());
  if (!image.ok()) return image.error().in("image " + reference.name());
  return save(std::move(*image), reference.name(), work.path());
}

Result<std::vector<Image>> ImageStore::import_archive(const std::string& path, const std::string& name) {
  if (options_.skopeo.empty())
    return error(ErrorCode::kUnavailable, "skopeo is not installed, so nothing can be imported");
  if (!path.starts_with("/"))
    return error(ErrorCode::kInvalid, "archive path '" + path + "' is not absolute");
  ASSIGN_OR_RETURN(auto found, find_archive_images(path, name));
  ASSIGN_OR_RETURN(Fd held, lock(LOCK_SH));
  ASSIGN_OR_RETURN(Scratch work, scratch());
  // skopeo takes a ':' in a path for the end of it.
  std::string link = work.path() + "/archive";
  if (symlink(path.c_str(), link.c_str()) != 0) return errno_error("linking to " + path, errno);
  std::vector<Image> out;
  for (const ArchiveImage& item : found) {
    SkopeoCopy copy;
    copy.program = options_.skopeo;
    copy.source = item.transport + ":" + link + item.selector;
    copy.layout = work.path() + "/layout-" + std::to_string(out.size());
    copy.shared_blobs = root_ + "/blobs";
    copy.scratch = work.path();
    Status copied = copy_image(copy);
    if (!copied.ok()) return copied.error().in("importing " + path);
    auto image = ingest(copy.layout, work.path());
    if (!image.ok()) return image.error().in("importing " + path);
    for (const std::string& one : item.names) {
      ASSIGN_OR_RETURN(Image saved, save(*image, one, work.path()));
      out.push_back(std::move(saved));
    }
  }
  return out;
}

Result<std::string> ImageStore::read_blob(const BlobRef& blob) const {
  // skopeo writes a manifest over the one that is there, and another pull of the same image may be at it now.
  constexpr int kLooks = 100;
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) usleep(10'000);
    ASSIGN_OR_RETURN(std::string bytes, read_file(blob_path(blob.digest), 8 << 20));
    if ("sha256:" + hex(sha256(bytes)) == blob.digest) return bytes;
  }
  unlink(blob_path(blob.digest).c_str());  // fetched anew next time
  return error(ErrorCode::kCorrupt, "blob " + blob.digest + " does not match its digest");
}

// Reads the one image of a layout whose blobs are in the store, and unpacks what layers are new.
Result<Image> ImageStore::ingest(const std::string& layout, const std::string& work) {
  ASSIGN_OR_RETURN(std::string index_text, read_file(layout + "/index.json"));
  ASSIGN_OR_RETURN(auto entries, parse_index(index_text));
  if (entries.size() != 1)
    return failed("skopeo wrote " + std::to_string(entries.size()) + " images instead of one");
  ASSIGN_OR_RETURN(std::string manifest_text, read_blob(entries[0].manifest));
  ASSIGN_OR_RETURN(ImageManifest manifest, parse_manifest(manifest_text));
  ASSIGN_OR_RETURN(std::string config_text, read_blob(manifest.config));
  ASSIGN_OR_RETURN(ImageDescription description, parse_image_config(config_text));
  bool other_machine = !description.architecture.empty() && description.architecture != architecture();
  if (other_machine || (!description.os.empty() && description.os != "linux")) {
    return error(ErrorCode::kInvalid, "no match for platform: the image is for " + description.os + "/" +
                                          description.architecture + ", this node is linux/" + architecture());
  }
  if (description.diff_ids.size() != manifest.layers.size()) {
    return error(ErrorCode::kInvalid, "manifest and configuration differ in the number of layers");
  }
  Image out;
  out.id = manifest.config.digest;
  out.digest = entries[0].manifest.digest;
  out.config = description.config;
  std::vector<std::string> below;
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    RETURN_IF_ERROR(ensure_layer(description.diff_ids[i], manifest.layers[i], below, work));
    out.layers.push_back(layer_name(description.diff_ids[i]));
    below.insert(below.begin(), root_ + "/layers/" + out.layers.back());
    out.bytes += manifest.layers[i].size;
  }
  return out;
}

// A layer is shared by all images that have it, wherever it lies in them: it is unpacked as the first of them needs it.
Status ImageStore::ensure_layer(const std::string& diff_id, const BlobRef& blob, const std::vector<std::string>& below,
                                const std::string& work) {
  struct stat info;
  if (stat(blob_path(blob.digest).c_str(), &info) != 0) return errno_error("opening blob " + blob.digest, errno);
  if (static_cast<uint64_t>(info.st_size) != blob.size) {
    unlink(blob_path(blob.digest).c_str());  // cut short, if it is not the manifest that lies
    return error(ErrorCode::kInvalid, "layer " + blob.digest + " has " + std::to_string(info.st_size) +
                                          " bytes, the manifest says " + std::to_string(blob.size));
  }
  std::string final = root_ + "/layers/" + layer_name(diff_id);
  if (path_exists(final)) {
    auto known = read_file(final + ".diffid", 256);
    if (known.ok() && known->starts_with(diff_id + " ")) return {};
    if (known.ok() && known->ends_with("\n")) {
      return error(ErrorCode::kCorrupt, final + " exists and is another layer than " + diff_id);
    }
    // Nobody knows any more what it is. Containers that run on it keep it.
    RETURN_IF_ERROR(remove_layer(layer_name(diff_id)));
  }
  std::string directory = work + "/layer-" + layer_name(diff_id);
  RETURN_IF_ERROR(remove_tree(directory));
  RETURN_IF_ERROR(make_dirs(directory, 0755));
  auto report = unpack_layer(blob_path(blob.digest), directory, options_.limits, below);
  Status wrong = report.ok() ? Status{} : Status(report.error());
  if (report.ok() && report->diff_id != diff_id) {
    wrong = error(ErrorCode::kInvalid,
                  "layer " + blob.digest + " unpacks to " + report->diff_id + ", not to " + diff_id);
  }
  if (!wrong.ok()) {
    // A damaged blob must not be reused by the next pull; a full disk is not the blob's fault.
    if (wrong.error().code == ErrorCode::kInvalid) unlink(blob_path(blob.digest).c_str());
    return wrong;
  }
  return publish_layer(diff_id, *report, directory, work);
}

// Everything on disk before the name: a layer that can be seen is whole, also after a power failure.
Status ImageStore::publish_layer(const std::string& diff_id, const LayerReport& report,
                                 const std::string& directory, const std::string& work) {
  Fd unpacked(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!unpacked.open() || syncfs(unpacked.get()) != 0) return errno_error("syncing " + directory, errno);
  std::string final = root_ + "/layers/" + layer_name(diff_id);
  RETURN_IF_ERROR(place_file(final + ".diffid", diff_id + " " + std::to_string(report.bytes) + "\n", work));
  if (rename(directory.c_str(), final.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST) {
    return errno_error("renaming to " + final, errno);
  }  // else another process was faster, with the same bytes
  Fd parent(::open((root_ + "/layers").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.open() || fsync(parent.get()) != 0) return errno_error("syncing " + root_ + "/layers", errno);
  return {};
}

Result<Image> ImageStore::save(Image image, const std::string& name, const std::string& work) {
  image.name = name;
  RETURN_IF_ERROR(place_file(record_path(name), encode_image(image), work));
  return image;
}

Result<std::vector<Image>> ImageStore::list() {
  std::vector<Image> out;
  ASSIGN_OR_RETURN(auto files, list_dir(root_ + "/names"));
  for (const std::string& file : files) {
    if (!file.ends_with(".json")) continue;
    auto text = read_file(root_ + "/names/" + file);
    if (!text.ok()) continue;  // removed meanwhile
    auto image = decode_image(*text);
    if (image.ok()) out.push_back(std::move(*image));
  }
  std::sort(out.begin(), out.end(), [](const Image& a, const Image& b) { return a.name < b.name; });
  return out;
}

Status ImageStore::remove(const std::string& ref) {
  ASSIGN_OR_RETURN(ImageReference reference, parse_reference(ref));
  std::string path = record_path(reference.name());
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("deleting " + path, errno);
  return {};
}

Result<uint64_t> ImageStore::collect(const std::vector<std::string>& layers_in_use) {
  ASSIGN_OR_RETURN(Fd alone, lock(LOCK_EX | LOCK_NB));
  std::set<std::string> layers(layers_in_use.begin(), layers_in_use.end());
  std::set<std::string> blobs;
  RETURN_IF_ERROR(drop_half_records());
  ASSIGN_OR_RETURN(auto images, list());
  for (const Image& image : images) {
    layers.insert(image.layers.begin(), image.layers.end());
    blobs.insert(image.digest.substr(7));
    auto text = read_file(blob_path(image.digest), 8 << 20);
    if (!text.ok()) continue;
    auto manifest = parse_manifest(*text);
    if (!manifest.ok()) continue;
    blobs.insert(manifest->config.digest.substr(7));
    for (const BlobRef& layer : manifest->layers) blobs.insert(layer.digest.substr(7));
  }
  ASSIGN_OR_RETURN(uint64_t freed, drop_blobs(blobs));
  ASSIGN_OR_RETURN(uint64_t freed_layers, drop_layers(layers));
  return freed + freed_layers;
}

// Of writers that were killed.
Status ImageStore::drop_half_records() {
  ASSIGN_OR_RETURN(auto files, list_dir(root_ + "/names"));
  for (const std::string& file : files) {
    if (file.ends_with(".new")) RETURN_IF_ERROR(remove_tree(root_ + "/names/" + file));
  }
  return {};
}

Result<uint64_t> ImageStore::drop_blobs(const std::set<std::string>& wanted) {
  uint64_t freed = 0;
  ASSIGN_OR_RETURN(auto names, list_dir(root_ + "/blobs/sha256"));
  for (const std::string& name : names) {
    std::string path = root_ + "/blobs/sha256/" + name;
    struct stat info;
    if (wanted.contains(name) || stat(path.c_str(), &info) != 0) continue;
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("deleting " + path, errno);
    freed += static_cast<uint64_t>(info.st_size);
  }
  return freed;
}

Status ImageStore::remove_layer(const std::string& name) {
  // Out of sight first: a half-deleted layer must not look like a whole one.
  std::string doomed = root_ + "/tmp/doomed-" + name;
  RETURN_IF_ERROR(remove_tree(doomed));
  if (rename((root_ + "/layers/" + name).c_str(), doomed.c_str()) != 0) {
    return errno_error("moving layer " + name, errno);
  }
  unlink((root_ + "/layers/" + name + ".diffid").c_str());
  return remove_tree(doomed);
}

Result<uint64_t> ImageStore::drop_layers(const std::set<std::string>& wanted) {
  uint64_t freed = 0;
  ASSIGN_OR_RETURN(auto names, list_dir(root_ + "/layers"));
  for (const std::string& file : names) {
    std::string name = file.substr(0, file.find('.'));
    bool whole = name.size() == 24 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!whole || wanted.contains(name)) continue;
    if (file != name) {  // a note without its layer: somebody was killed between the two
      std::string path = root_ + "/layers/" + file;
      bool alone = !path_exists(root_ + "/layers/" + name);
      if (alone && unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("deleting " + path, errno);
      continue;
    }
    auto noted = read_file(root_ + "/layers/" + name + ".diffid", 256);
    RETURN_IF_ERROR(remove_layer(name));
    if (noted.ok() && noted->size() > 72) freed += std::strtoull(noted->c_str() + 72, nullptr, 10);
  }
  return freed;
}

}  // namespace

Result<std::pair<std::string, std::string>> parse_mirror(std::string_view text) {
  size_t equals = text.find('=');
  std::string name(text.substr(0, equals));
  std::string mirror(equals == std::string_view::npos ? "" : text.substr(equals + 1));
  // Both must do as the first part of an image's name.
  auto names_registry = [](const std::string& registry) {
    Result<ImageReference> read = parse_reference(registry + "/x/y:z");
    return !registry.empty() && read.ok() && read->registry == registry;
  };
  if (names_registry(name) && names_registry(mirror)) return std::pair{std::move(name), std::move(mirror)};
  return error(ErrorCode::kInvalid, "'" + std::string(text) +
                                        "' names no mirror: expected registry=mirror, such as "
                                        "docker.io=mirror.example.org:5000");
}

Result<std::unique_ptr<Images>> open_image_store(const ImageStoreOptions& options) {
  ImageStoreOptions complete = options;
  ASSIGN_OR_RETURN(complete.paths, make_roots(options.paths));
  if (complete.skopeo.empty()) complete.skopeo = find_program("skopeo");
  auto store = std::make_unique<ImageStore>(std::move(complete));
  RETURN_IF_ERROR(store->open());
  return std::unique_ptr<Images>(std::move(store));
}

}  // namespace mainstay
