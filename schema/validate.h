// Validation: whether an object that decodes also makes sense, in Kubernetes' words (so that people find them
// in a search engine), all mistakes at once, each with its field path and, where the document is at hand, its
// line. Works on defaulted objects. Source of the rules: Kubernetes' validation packages (1.33).
// Pure; any thread.
#pragma once

#include <string_view>

#include "schema/diagnostics.h"
#include "schema/object.h"
#include "schema/value.h"

namespace mainstay {

// Reports what is wrong with `object` by itself. `document` is what it was read from, for marks, or null.
// Features that Mainstay does not have yet are another matter: schema/not_yet.h.
void validate(const Object& object, const Value* document, Diagnostics& diagnostics);

// Reports what may not be changed from `old` to `next` (selectors, a pod's spec, a secret's type ...).
// Requires objects of one kind; call it besides validate(next).
void validate_update(const Object& old, const Object& next, const Value* document, Diagnostics& diagnostics);

// Where in `document` the field at `path` ("spec.containers[0].image", "metadata.labels[app]") stands; if it
// is not there, the closest field above it that is.
Mark locate(const Value& document, std::string_view path);

}  // namespace mainstay
