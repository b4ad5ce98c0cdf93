// What Mainstay does not do yet, in one table: a manifest that needs one of these is refused with its place
// and one sentence, never half obeyed. Used for Git and for API writes alike. As features arrive, rows go.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/diagnostics.h"
#include "schema/object.h"
#include "schema/value.h"

namespace mainstay {

struct NotYetOptions {
  // False for a write through the API, where the root application itself is such an object.
  bool from_git = true;
};

// Reports each feature that `object` asks for and that we do not have: an error per field, a warning for a
// kind that is carried but not acted on. `document` is for marks and may be null.
void check_not_yet(const Object& object, const NotYetOptions& options, const Value* document,
                   Diagnostics& diagnostics);

// True for a kind without behaviour: kept and served, not acted on. (A NetworkPolicy is kept as a carried kind is,
// and enforced by the nodes; a PriorityClass, too, and gives pods their priority; Endpoints are mirrored.)
bool is_carried_kind(Kind kind);

// What `explain` says of a field that is not simply obeyed: that it is refused, or that nothing follows from it. "" of
// all others.
std::string_view standing_of(const TypeDesc& type, const FieldDesc& field);
// The same of a whole kind.
std::string_view standing_of(Kind kind);

// The declared fields that are kept and served but change nothing: a plan names them, so that nobody takes silence for
// enforcement. Their paths without list indexes ("spec.containers.resizePolicy"), sorted, none twice. For a carried
// kind the one entry "(the whole object)".
std::vector<std::string> not_enforced(Kind kind, const Value& declared);

}  // namespace mainstay
