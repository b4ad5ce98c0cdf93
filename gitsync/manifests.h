// From one file of a repository to the objects it declares, or everything that is wrong with it. Pure; any
// thread, so a cold tree is read by several workers at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gitsync/source.h"
#include "schema/decode.h"
#include "schema/desired_set.h"
#include "schema/diagnostics.h"

namespace mainstay {

struct ManifestRules {
  // For objects that name none: the application's destination.
  std::string default_namespace = "default";
  // fieldValidation: kError is Strict, kWarn is Warn.
  UnknownFields unknown_fields = UnknownFields::kError;
};

// What one file holds, apart from where it lies: the same for every file with the same bytes, extension and
// base name.
struct FileObjects {
  std::vector<DesiredObject> objects;  // in the order of the file, without origin.path
  Diagnostics diagnostics;             // without file; placed() adds what depends on the path
  // Names of objects that others may need to be declared (namespaces, priority classes) and that could not be read; ""
  // if they are not known.
  std::vector<std::string> unread;
};
using FileObjectsPtr = std::shared_ptr<const FileObjects>;

// Splits, decodes, validates. A file that is no manifest (an LFS pointer, conflict-marked, binary, a Helm
// template, encrypted with SOPS, documents without apiVersion and kind) is an error that says what to
// exclude: one that would be passed over in silence would let its objects be pruned. Empty documents are
// passed over.
FileObjectsPtr read_manifest(std::string_view base_name, std::string_view bytes, const ManifestRules& rules);

// Something that is wrong with the file as a whole, to stand in its FileObjects.
FileObjectsPtr unreadable_manifest(const std::string& why);

// A diagnostic of a FileObjects for the file at `path`; `below` is the part after the application's path,
// which is what its author would exclude.
Diagnostic placed(Diagnostic diagnostic, std::string_view path, std::string_view below);

// What is wrong with an entry that is no file (a link, a submodule, a crafted name): one diagnostic.
Diagnostic entry_problem(const TreeFile& entry, std::string_view below);

}  // namespace mainstay
