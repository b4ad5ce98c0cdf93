// Which errors of validation stand by themselves, and which only follow from a field that did not decode. Pure; any
// thread.
#pragma once

#include "schema/diagnostics.h"

namespace mainstay {

// `found` is what validation says of an object, `undecoded` what decode() said of it before: its errors name the
// fields whose content is missing from the object. Left out is every error that may go once these are mended:
// - of such a field, of what it holds, and of the field that a misspelt name was most likely meant to be;
// - of what holds such a field, as it was not judged whole;
// - that names such a field as its reason, or that is known to depend on one (a request on its limit).
// Everything is left out if `undecoded` is longer than its capacity, as not all such fields are known then.
Diagnostics without_consequences(const Diagnostics& found, const Diagnostics& undecoded);

}  // namespace mainstay
