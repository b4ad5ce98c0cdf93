#include "nodeagent/images/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "nodeagent/disk.h"
#include "nodeagent/images/layer_writer.h"
#include "schema/base/crypto.h"

namespace mainstay {
namespace {

struct ArchiveCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, ArchiveCloser>;

struct DigestCloser {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Of all that libarchive knows, what layers are compressed with: it would run programs of the machine for others, and
// take a tar for something encoded by how its first name begins.
void support_compressions(archive* a) {
  archive_read_support_filter_gzip(a);
  archive_read_support_filter_zstd(a);
  archive_read_support_filter_xz(a);
  archive_read_support_filter_bzip2(a);
}

Error archive_error(archive* a, const std::string& doing) {
  const char* said = archive_error_string(a);
  int number = archive_errno(a);
  if (number == ENOSPC) return errno_error(doing, ENOSPC);
  return error(ErrorCode::kInvalid, doing + ": " + (said ? said : "damaged archive"));
}

// libarchive converts path names between character sets as the thread's locale says; in UTF-8 it leaves them
// alone.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_) before_ = uselocale(locale_);
  }
  ~Utf8Locale() {
    if (!locale_) return;
    uselocale(before_);
    freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

// The uncompressed bytes of a blob, digested and counted on their way to the tar reader.
class LayerStream {
 public:
  LayerStream(const LayerLimits& limits) : limits_(limits), digest_(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
  }

  Status open(const std::string& blob) {
    struct stat info;
    if (stat(blob.c_str(), &info) != 0) return errno_error("opening " + blob, errno);
    compressed_ = static_cast<uint64_t>(info.st_size);
    raw_.reset(archive_read_new());
    support_compressions(raw_.get());
    archive_read_support_format_raw(raw_.get());
    archive_read_support_format_empty(raw_.get());
    if (archive_read_open_filename(raw_.get(), blob.c_str(), 64 << 10) != ARCHIVE_OK) {
      return archive_error(raw_.get(), "opening the layer");
    }
    archive_entry* entry = nullptr;
    int got = archive_read_next_header(raw_.get(), &entry);
    ended_ = got == ARCHIVE_EOF;
    if (got != ARCHIVE_OK && !ended_) return archive_error(raw_.get(), "reading the layer");
    return {};
  }

  // The next block; empty at the end or after a problem (see problem()).
  std::string_view next() {
    if (ended_ || problem_) return {};
    ssize_t got = archive_read_data(raw_.get(), buffer_, sizeof buffer_);
    if (got < 0) {
      problem_ = archive_error(raw_.get(), "uncompressing the layer");
      return {};
    }
    ended_ = got == 0;
    size_ += static_cast<uint64_t>(got);
    EVP_DigestUpdate(digest_.get(), buffer_, static_cast<size_t>(got));
    bool bomb = size_ > limits_.ratio_from && size_ / std::max<uint64_t>(1, compressed_) > limits_.ratio;
    if (size_ > limits_.bytes || bomb) {
      problem_ =
          error(ErrorCode::kInvalid, "the layer unpacks to more than " + std::to_string(size_ >> 20) +
                                         " MiB from " + std::to_string(compressed_ >> 10) + " KiB: refused");
      return {};
    }
    return {buffer_, static_cast<size_t>(got)};
  }

  // Reads on to the end: the digest covers what stands behind the archive's last entry too.
  Result<std::string> finish() {
    while (!next().empty()) {}
    if (problem_) return *problem_;
    Digest digest{};
    unsigned length = 0;
    EVP_DigestFinal_ex(digest_.get(), digest.data(), &length);
    return "sha256:" + hex(digest);
  }

  const std::optional<Error>& problem() const { return problem_; }
  uint64_t size() const { return size_; }

 private:
  LayerLimits limits_;
  Archive raw_;
  std::unique_ptr<EVP_MD_CTX, DigestCloser> digest_;
  char buffer_[64 << 10];
  uint64_t compressed_ = 0;
  uint64_t size_ = 0;
  bool ended_ = false;
  std::optional<Error> problem_;
};

la_ssize_t read_block(archive* a, void* data, const void** block) {
  auto* stream = static_cast<LayerStream*>(data);
  std::string_view bytes = stream->next();
  if (stream->problem()) {
    archive_set_error(a, EINVAL, "%s", stream->problem()->message.c_str());
    return -1;
  }
  *block = bytes.data();
  return static_cast<la_ssize_t>(bytes.size());
}

std::string text_of(const char* text, const char* utf8) { return text ? text : utf8 ? utf8 : ""; }

LayerEntry describe(archive_entry* entry, LayerEntry::Type type) {
  LayerEntry out;
  out.type = type;
  out.path = text_of(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
  if (type == LayerEntry::Type::kHardLink) {
    out.target = text_of(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
  } else if (type == LayerEntry::Type::kSymlink) {
    out.target = text_of(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry));
  }
  out.mode = archive_entry_mode(entry) & 07777;
  out.uid = static_cast<uid_t>(archive_entry_uid(entry));
  out.gid = static_cast<gid_t>(archive_entry_gid(entry));
  out.modified.tv_sec = archive_entry_mtime(entry);
  out.modified.tv_nsec = archive_entry_mtime_nsec(entry);
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    out.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return out;
}

// What to do with an entry; nothing for a device node or socket, which is left out.
std::optional<LayerEntry::Type> type_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) || archive_entry_hardlink_utf8(entry)) return LayerEntry::Type::kHardLink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return LayerEntry::Type::kFile;
    case AE_IFDIR: return LayerEntry::Type::kDirectory;
    case AE_IFLNK: return LayerEntry::Type::kSymlink;
    case AE_IFIFO: return LayerEntry::Type::kFifo;
    default: return std::nullopt;
  }
}

Status copy_content(archive* tar, int fd, uint64_t max_bytes) {
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    int got = archive_read_data_block(tar, &block, &size, &offset);
    if (got == ARCHIVE_EOF) return {};
    if (got != ARCHIVE_OK) return archive_error(tar, "reading the layer");
    // A sparse entry may claim any size while its archive stays small.
    if (static_cast<uint64_t>(offset) + size > max_bytes) {
      return error(ErrorCode::kInvalid, "the layer holds a file larger than the limit");
    }
    const char* bytes = static_cast<const char*>(block);
    for (size_t done = 0; done < size;) {
      ssize_t put = pwrite(fd, bytes + done, size - done, offset + static_cast<off_t>(done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno_error("writing a file of the layer", errno);
      done += static_cast<size_t>(put);
    }
  }
}

Status unpack_entries(archive* tar, LayerWriter& writer, const LayerLimits& limits, LayerReport& report) {
  while (true) {
    archive_entry* raw = nullptr;
    int got = archive_read_next_header(tar, &raw);
    if (got == ARCHIVE_EOF) return {};
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return archive_error(tar, "reading the layer");
    if (++report.entries > limits.entries)
      return error(ErrorCode::kInvalid, "the layer has too many entries");
    auto type = type_of(raw);
    if (!type) {
      ++report.skipped_devices;
      continue;
    }
    LayerEntry entry = describe(raw, *type);
    if (entry.path.empty()) return error(ErrorCode::kInvalid, "the layer has an entry without a name");
    ASSIGN_OR_RETURN(Fd file, writer.add(entry));
    if (!file.open()) continue;
    RETURN_IF_ERROR(copy_content(tar, file.get(), limits.bytes));
    // A sparse file's end may be a hole.
    la_int64_t size = archive_entry_size(raw);
    if (size > 0 && static_cast<uint64_t>(size) > limits.bytes) {
      return error(ErrorCode::kInvalid, "the layer holds a file larger than the limit");
    }
    if (size > 0 && ftruncate(file.get(), size) != 0) return errno_error("writing " + entry.path, errno);
    RETURN_IF_ERROR(writer.finish_file(file.get(), entry));
  }
}

}  // namespace

Result<LayerReport> unpack_layer(const std::string& blob, const std::string& directory, const LayerLimits& limits,
                                 const std::vector<std::string>& below) {
  Utf8Locale utf8;
  Fd root(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.open()) return errno_error("opening " + directory, errno);
  auto stream = std::make_unique<LayerStream>(limits);
  RETURN_IF_ERROR(stream->open(blob));
  Archive tar(archive_read_new());
  archive_read_support_format_tar(tar.get());
  archive_read_support_format_empty(tar.get());
  if (archive_read_open(tar.get(), stream.get(), nullptr, read_block, nullptr) != ARCHIVE_OK) {
    return stream->problem() ? *stream->problem() : archive_error(tar.get(), "opening the layer");
  }
  LayerReport report;
  LayerWriter writer(root.get(), below);
  Status unpacked = unpack_entries(tar.get(), writer, limits, report);
  if (!unpacked.ok()) return stream->problem() ? *stream->problem() : unpacked.error();
  RETURN_IF_ERROR(writer.finish());
  ASSIGN_OR_RETURN(report.diff_id, stream->finish());
  report.bytes = stream->size();
  return report;
}

Result<std::string> read_archive_file(const std::string& path, const std::string& name, size_t max_bytes) {
  Archive tar(archive_read_new());
  support_compressions(tar.get());
  archive_read_support_format_tar(tar.get());
  if (archive_read_open_filename(tar.get(), path.c_str(), 64 << 10) != ARCHIVE_OK) {
    return archive_error(tar.get(), "opening " + path);
  }
  archive_entry* entry = nullptr;
  for (int seen = 0; seen < 100'000; ++seen) {
    int got = archive_read_next_header(tar.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return archive_error(tar.get(), "reading " + path);
    std::string found = text_of(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
    if (found.starts_with("./")) found.erase(0, 2);
    if (found != name || archive_entry_filetype(entry) != AE_IFREG) continue;
    if (static_cast<uint64_t>(archive_entry_size(entry)) > max_bytes) {
      return error(ErrorCode::kInvalid, name + " in " + path + " is too large");
    }
    std::string out(static_cast<size_t>(archive_entry_size(entry)), '\0');
    ssize_t size = archive_read_data(tar.get(), out.data(), out.size());
    if (size != static_cast<ssize_t>(out.size())) return archive_error(tar.get(), "reading " + path);
    return out;
  }
  return error(ErrorCode::kNotFound, path + " holds no " + name);
}

}  // namespace mainstay
