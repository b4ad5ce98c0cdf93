#include "nodeagent/images/manifest.h"

#include <algorithm>

#include "schema/json.h"
#include "schema/message_json.h"

namespace mainstay {
namespace {

constexpr size_t kMaxLayers = 500;

bool is_sha256(std::string_view digest) {
  if (!digest.starts_with("sha256:") || digest.size() != 71) return false;
  return digest.substr(7).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Error wrong(const std::string& what) { return error(ErrorCode::kInvalid, what); }

Result<Value> read_object(std::string_view text, const char* what) {
  auto value = read_json(text);
  if (!value.ok()) return wrong(std::string(what) + " is not JSON: " + value.error().message);
  if (!value->is_map()) return wrong(std::string(what) + " is not a JSON object");
  return value;
}

Result<BlobRef> blob_ref(const Value* value, const char* what) {
  if (!value || !value->is_map()) return wrong(std::string(what) + " is missing");
  BlobRef out;
  out.digest = value->string_at("digest");
  out.media_type = value->string_at("mediaType");
  if (!is_sha256(out.digest)) return wrong(std::string(what) + " has no sha256 digest");
  const Value* size = value->find("size");
  if (!size || !size->is_int() || size->as_int() < 0) return wrong(std::string(what) + " has no size");
  out.size = static_cast<uint64_t>(size->as_int());
  return out;
}

Value strings(const std::vector<std::string>& items) {
  Value list = Value::list();
  for (const std::string& item : items) list.push(item);
  return list;
}

}  // namespace

Result<std::vector<IndexEntry>> parse_index(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_object(text, "the image index"));
  const Value* manifests = value.find("manifests");
  if (!manifests || !manifests->is_list()) return wrong("the image index lists no manifests");
  std::vector<IndexEntry> out;
  for (const Value& item : manifests->as_list()) {
    IndexEntry entry;
    ASSIGN_OR_RETURN(entry.manifest, blob_ref(&item, "an entry of the image index"));
    if (const Value* annotations = item.find("annotations")) {
      entry.ref_name = annotations->string_at("org.opencontainers.image.ref.name");
      entry.full_name = annotations->string_at("io.containerd.image.name");
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Result<ImageManifest> parse_manifest(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_object(text, "the image manifest"));
  ImageManifest out;
  ASSIGN_OR_RETURN(out.config, blob_ref(value.find("config"), "the manifest's config"));
  const Value* layers = value.find("layers");
  if (!layers || !layers->is_list()) return wrong("the image manifest has no layers");
  if (layers->as_list().size() > kMaxLayers) return wrong("the image has more than 500 layers");
  for (const Value& item : layers->as_list()) {
    ASSIGN_OR_RETURN(BlobRef layer, blob_ref(&item, "a layer of the manifest"));
    out.layers.push_back(std::move(layer));
  }
  return out;
}

Result<ImageDescription> parse_image_config(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_object(text, "the image configuration"));
  ImageDescription out;
  out.architecture = value.string_at("architecture");
  out.os = value.string_at("os");
  if (const Value* config = value.find("config"); config && config->is_map()) {
    out.config.entrypoint = strings_at(*config, "Entrypoint");
    out.config.cmd = strings_at(*config, "Cmd");
    out.config.env = strings_at(*config, "Env");
    out.config.workdir = config->string_at("WorkingDir");
    out.config.user = config->string_at("User");
    out.config.stop_signal = config->string_at("StopSignal");
  }
  const Value* rootfs = value.find("rootfs");
  if (!rootfs || !rootfs->is_map()) return wrong("the image configuration has no rootfs");
  out.diff_ids = strings_at(*rootfs, "diff_ids");
  for (const std::string& id : out.diff_ids) {
    if (!is_sha256(id)) return wrong("the image configuration has a layer without sha256 digest");
  }
  return out;
}

std::string encode_image(const Image& image) {
  Value config = Value::map();
  config.set("entrypoint", strings(image.config.entrypoint));
  config.set("cmd", strings(image.config.cmd));
  config.set("env", strings(image.config.env));
  config.set("workdir", image.config.workdir);
  config.set("user", image.config.user);
  config.set("stopSignal", image.config.stop_signal);
  Value out = Value::map();
  out.set("name", image.name);
  out.set("id", image.id);
  out.set("digest", image.digest);
  out.set("config", config);
  out.set("layers", strings(image.layers));
  out.set("bytes", static_cast<int64_t>(image.bytes));
  return to_json(out);
}

Result<Image> decode_image(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, read_object(text, "the record of an image"));
  Image out;
  out.name = value.string_at("name");
  out.id = value.string_at("id");
  out.digest = value.string_at("digest");
  out.layers = strings_at(value, "layers");
  if (const Value* bytes = value.find("bytes"); bytes && bytes->is_int()) {
    out.bytes = static_cast<uint64_t>(std::max<int64_t>(0, bytes->as_int()));
  }
  const Value* config = value.find("config");
  if (!config || out.name.empty() || !is_sha256(out.id)) {
    return error(ErrorCode::kCorrupt, "the record of an image is incomplete");
  }
  out.config.entrypoint = strings_at(*config, "entrypoint");
  out.config.cmd = strings_at(*config, "cmd");
  out.config.env = strings_at(*config, "env");
  out.config.workdir = config->string_at("workdir");
  out.config.user = config->string_at("user");
  out.config.stop_signal = config->string_at("stopSignal");
  return out;
}

}  // namespace mainstay
