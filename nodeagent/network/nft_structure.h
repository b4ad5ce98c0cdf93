// What the kernel holds of an nft table besides elements: which chains, sets and rules, as one text to be compared with
// what it was before. Asking libnftables for it would read every element, too. Blocks until the kernel has answered.
#pragma once

#include <string>

#include "nodeagent/disk.h"
#include "schema/base/result.h"

namespace mainstay {

// Differs after any change to the table's chains, sets or rules, also after one that put the same things back; is the
// same as long as only elements come and go. Good if rules_generation() is the same before and after.
Result<std::string> nft_structure(const Fd& socket, const std::string& table);

}  // namespace mainstay
