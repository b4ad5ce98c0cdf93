#include "gitsync/manifests.h"

#include <algorithm>
#include <array>
#include <optional>

#include "schema/consequences.h"
#include "schema/defaults.h"
#include "schema/json.h"
#include "schema/kind.h"
#include "schema/not_yet.h"
#include "schema/validate.h"
#include "schema/yaml.h"

namespace mainstay {
namespace {

// What the server assigns or another part owns; a manifest that was copied out of a cluster has them.
constexpr std::array<std::string_view, 8> kServerFields = {
    "uid",          "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "managedFields",   "selfLink"};

// Stands in a hint for the quoted path to exclude, which a remembered file does not know.
constexpr std::string_view kPathMark = "\x01";
const std::string kExcludeHint = "if it is not meant for the cluster, add " + std::string(kPathMark) +
                                 " to the application's directory.exclude";

struct Reader {
  const ManifestRules& rules;
  Diagnostics diagnostics{};
  std::vector<DesiredObject> objects{};
  std::vector<std::string> unread{};
};

// The line (from 1) of the first line that begins with `start`; 0 if none does.
uint32_t find_line(std::string_view bytes, std::string_view start) {
  uint32_t line = 1;
  while (true) {
    if (bytes.starts_with(start)) return line;
    size_t end = bytes.find('\n');
    if (end == bytes.npos) return 0;
    bytes.remove_prefix(end + 1);
    ++line;
  }
}

// True if the bytes are worth parsing; else says why not.
bool is_readable(Reader& reader, std::string_view name, std::string_view bytes) {
  auto refuse = [&](uint32_t line, std::string message, std::string hint) {
    reader.diagnostics.error({line, 1}, "", std::move(message), std::move(hint));
    return false;
  };
  if (name == "kustomization.yaml" || name == "kustomization.yml") {
    return refuse(1, "kustomizations are not rendered yet", kExcludeHint);
  }
  if (name == "Chart.yaml") return refuse(1, "Helm charts are not rendered", kExcludeHint);
  if (bytes.starts_with("version https://git-lfs.github.com/spec/")) {
    return refuse(1, "is a Git LFS pointer, not the file itself",
                  "commit manifests without LFS, or: " + kExcludeHint);
  }
  if (bytes.find('\0') != bytes.npos) {
    return refuse(1, "is not text: it holds a NUL byte (UTF-16, encrypted or binary)", kExcludeHint);
  }
  uint32_t ours = find_line(bytes, "<<<<<<< ");
  if (ours != 0 && find_line(bytes, ">>>>>>> ") != 0) {
    return refuse(ours, "holds the markers of a merge conflict", "resolve the conflict and commit again");
  }
  return true;
}

std::vector<Document> parse_documents(Reader& reader, std::string_view name, std::string_view bytes) {
  if (!name.ends_with(".json")) return parse_yaml(bytes, reader.diagnostics);
  if (bytes.find_first_not_of(" \t\r\n") == bytes.npos) return {};
  std::vector<Document> documents;
  if (std::optional<Value> value = parse_json(bytes, reader.diagnostics)) {
    Mark mark = value->mark();
    if (!value->is_null()) documents.push_back({std::move(*value), mark});
  }
  return documents;
}

// True if the document claims to be an object; else says what is missing.
bool is_object(Reader& reader, const Document& document) {
  const Value& root = document.root;
  if (!root.is_map()) {
    reader.diagnostics.error(document.mark, "",
                             "is no Kubernetes object but a " + std::string(value_kind_name(root.kind())),
                             kExcludeHint);
    return false;
  }
  if (root.find("apiVersion") == nullptr && root.find("kind") == nullptr) {
    reader.diagnostics.error(document.mark, "", "is no Kubernetes object: it has no apiVersion and no kind",
                             kExcludeHint);
    return false;
  }
  const Value* sops = root.find("sops");
  if (sops != nullptr && sops->is_map() && sops->find("mac") != nullptr) {
    reader.diagnostics.error(sops->mark(), "sops", "is encrypted with SOPS, which is not decrypted yet",
                             kExcludeHint);
    return false;
  }
  return true;
}

bool is_envelope(std::string_view name) { return name == "apiVersion" || name == "kind" || name == "metadata"; }
bool is_status_or_envelope(std::string_view name) { return name == "status" || is_envelope(name); }

// The declared fields in canonical form, so that equal content gives equal bytes. The decoding that found
// the mistakes is done; what this one says again is dropped.
Value declared_fields(const Value& document, const Object& object) {
  const KindInfo& info = object.info();
  Diagnostics said_before;
  const DecodeOptions quiet{UnknownFields::kIgnore};
  Value out = Value::map();
  out.set("apiVersion", info.api_version());
  out.set("kind", info.kind);
  Value metadata = Value::map();
  if (const Value* given = document.find("metadata")) {
    metadata = canonical_value(*given, ObjectMeta::kType, quiet, Path(), said_before);
  }
  for (std::string_view field : kServerFields) metadata.erase(field);
  if (!object.meta.ns.empty()) metadata.set("namespace", object.meta.ns);
  out.set("metadata", std::move(metadata));
  Value body = canonical_members(document, *info.type, info.has_status ? &is_status_or_envelope : &is_envelope,
                                 quiet, Path(), said_before);
  for (Member& member : body.as_map()) out.as_map().push_back(std::move(member));
  return out;
}

void drop_server_fields(ObjectMeta& meta) {
  meta.uid.clear();
  meta.resource_version.clear();
  meta.generation = 0;
  meta.creation_timestamp = {};
  meta.deletion_timestamp = {};
  meta.deletion_grace_period_seconds.reset();
}

// Warns of what is in a manifest but not taken from it.
void report_ignored(Reader& reader, const Value& document, const KindInfo& info) {
  const Value* status = document.find("status");
  if (status != nullptr && info.has_status && status->is_map() && !status->as_map().empty()) {
    reader.diagnostics.warning(status->mark(), "status", "the status is not taken from a manifest",
                               "remove it");
  }
}

// What is wrong with an object beside what `undecoded` says, which is not said again in another way.
Diagnostics check_object(Object& object, const Value& document, const Diagnostics& undecoded) {
  Diagnostics found;
  check_not_yet(object, {}, &document, found);
  apply_defaults(object);
  validate(object, &document, found);
  return undecoded.has_errors() ? without_consequences(found, undecoded) : found;
}

// Kinds that objects of other kinds need to be declared.
constexpr std::array kNeededByOthers = {Kind::kNamespace, Kind::kPriorityClass};

// Its name will do, whatever kind it was meant to be.
void note_unread(Reader& reader, const Value& document) {
  const Value* metadata = document.find("metadata");
  reader.unread.emplace_back(metadata != nullptr && metadata->is_map() ? metadata->string_at("name") : "");
}

// Of bytes that are no documents nobody knows what they declare, but these words would stand in them.
void note_unread_bytes(Reader& reader, std::string_view bytes) {
  for (Kind kind : kNeededByOthers) {
    if (bytes.find(kind_info(kind).kind) != bytes.npos) reader.unread.emplace_back();
  }
}

void read_document(Reader& reader, const Document& document) {
  if (!is_object(reader, document)) return;
  const size_t errors_before = reader.diagnostics.error_count();
  Diagnostics undecoded;
  std::optional<Object> object =
      decode_object(document.root, DecodeOptions{reader.rules.unknown_fields}, undecoded);
  reader.diagnostics.append(undecoded);
  if (!object) return note_unread(reader, document.root);
  const KindInfo& info = object->info();
  if (info.namespaced && object->meta.ns.empty()) object->meta.ns = reader.rules.default_namespace;
  if (object->meta.name.empty() && !object->meta.generate_name.empty()) {
    reader.diagnostics.error(locate(document.root, "metadata.generateName"), "metadata.generateName",
                             "an object in Git needs a fixed name", "use metadata.name");
  }
  drop_server_fields(object->meta);
  report_ignored(reader, document.root, info);
  reader.diagnostics.append(check_object(*object, document.root, undecoded));
  if (reader.diagnostics.error_count() != errors_before) {
    bool needed = std::find(kNeededByOthers.begin(), kNeededByOthers.end(), info.id) != kNeededByOthers.end();
    if (needed) note_unread(reader, document.root);
    return;
  }
  DesiredObject desired;
  desired.key = object->key();
  auto declared = std::make_shared<const Value>(declared_fields(document.root, *object));
  desired.hash = sha256(to_json(*declared));
  desired.declared = std::move(declared);
  desired.object = std::make_shared<const Object>(std::move(*object));
  desired.origin.line = document.mark.line;
  reader.objects.push_back(std::move(desired));
}

}  // namespace

FileObjectsPtr read_manifest(std::string_view base_name, std::string_view bytes, const ManifestRules& rules) {
  Reader reader{.rules = rules};
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);  // the byte order mark some editors write
  if (is_readable(reader, base_name, bytes)) {
    std::vector<Document> documents = parse_documents(reader, base_name, bytes);
    if (reader.diagnostics.has_errors()) note_unread_bytes(reader, bytes);
    for (Document& document : documents) {
      for (const Document& each : flatten_list(std::move(document))) read_document(reader, each);
    }
  } else {
    note_unread_bytes(reader, bytes);
  }
  auto out = std::make_shared<FileObjects>();
  out->objects = std::move(reader.objects);
  out->diagnostics = std::move(reader.diagnostics);
  out->unread = std::move(reader.unread);
  return out;
}

FileObjectsPtr unreadable_manifest(const std::string& why) {
  auto out = std::make_shared<FileObjects>();
  out->diagnostics.error({}, "", why, kExcludeHint);
  out->unread.emplace_back();
  return out;
}

Diagnostic placed(Diagnostic diagnostic, std::string_view path, std::string_view below) {
  diagnostic.file = path;
  if (size_t at = diagnostic.hint.find(kPathMark); at != std::string::npos)
    diagnostic.hint.replace(at, 1, quoted(below));
  return diagnostic;
}

Diagnostic entry_problem(const TreeFile& entry, std::string_view below) {
  Diagnostic diagnostic;
  diagnostic.file = entry.path;
  diagnostic.hint = "add " + quoted(below) + " to the application's directory.exclude";
  switch (entry.kind) {
    case TreeFile::Kind::kFile: diagnostic.message = "cannot be read"; break;
    case TreeFile::Kind::kSymlink:
      diagnostic.message = "is a symbolic link, which is never followed";
      diagnostic.hint = "commit the file itself, or " + diagnostic.hint;
      break;
    case TreeFile::Kind::kDirectorySymlink:
      diagnostic.message = "is a symbolic link to a directory, which is never followed";
      break;
    case TreeFile::Kind::kSubmodule: diagnostic.message = "is a submodule, which is not read"; break;
    case TreeFile::Kind::kBadName: diagnostic.message = "has a name that Git would not check out"; break;
  }
  return diagnostic;
}

}  // namespace mainstay
