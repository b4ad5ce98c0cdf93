// Elements of nft sets and maps as the kernel takes them: from the texts of an NftElement to netlink attributes. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodeagent/network/nft_table.h"

namespace mainstay {

// What stands in a set's keys and values, read from its type.
struct NftShape {
  enum class Field { kAddress, kProtocol, kPort, kNumber };
  std::vector<Field> key, value;
  bool verdict = false;  // of a verdict map; then `value` is empty
  bool operator==(const NftShape&) const = default;
};

// Nothing for sets of intervals, with timeouts, or of fields we do not know.
std::optional<NftShape> nft_shape(const NftSet& set);

// One NFTA_LIST_ELEM: its key, and its value unless `only_key`. Nothing if the texts are not of that shape.
std::optional<std::string> encode_element(const NftShape& shape, const NftElement& element, bool only_key);

// Everything from one content to the next as one batch, which the kernel takes only if its rules are still of
// `generation` (rules_generation()). Nothing if some element cannot be said so, or if it is too much for one batch.
std::optional<std::string> element_batch(const std::string& table, const NftTable& content,
                                         const NftElements& elements, uint32_t generation);

}  // namespace mainstay
