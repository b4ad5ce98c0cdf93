// What an nft table of family ip holds, as plain values, and the commands that bring it about: the whole of
// it, or what tells one content from another. Texts are as `nft -nnn list` prints them (protocols, marks and
// states as numbers), so that what the kernel says can be compared with what was asked for. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay {

struct NftSet {
  std::string type;        // "type ipv4_addr . inet_service;", and whatever else its definition says
  bool map = false;
  bool intervals = false;  // elements are ranges: a change replaces them all
  bool learned = false;    // packets put its elements there; they are none of ours
  std::map<std::string, std::string> elements;  // key -> value; "" in a set
  bool operator==(const NftSet&) const = default;
};

struct NftChain {
  std::string hook;  // "type filter hook forward priority 0; policy accept;", "" for one that is jumped to
  std::vector<std::string> rules;
  bool operator==(const NftChain&) const = default;
};

struct NftTable {
  std::map<std::string, NftSet> sets;
  std::map<std::string, NftChain> chains;
  bool operator==(const NftTable&) const = default;
};

// One element of a set or map, by the set's name.
struct NftElement {
  std::string set, key, value;
  auto operator<=>(const NftElement&) const = default;
};

struct NftElements {
  std::vector<NftElement> gone, added;
  bool empty() const { return gone.empty() && added.empty(); }
};

// Whether nothing but elements tells them apart.
bool same_structure(const NftTable& one, const NftTable& other);

// Takes elements out and puts others in. Of sets without intervals.
std::string element_commands(const std::string& table, const NftElements& elements);

// The elements that tell one content from another of the same structure; nothing if some are of sets with intervals.
std::optional<NftElements> changed_elements(const NftTable& have, const NftTable& want);

// From one content to another, as one batch; "" if they are equal. A set keeps its definition as long as it
// lives.
std::string change_commands(const std::string& table, const NftTable& have, const NftTable& want);

// The table with exactly this content, whatever was there before.
std::string load_commands(const std::string& table, const NftTable& want);

// What nft lists of a table, split into the elements and everything else (definitions and rules).
struct NftListing {
  std::string skeleton;
  std::map<std::string, std::map<std::string, std::string>> elements;  // by set; learned ones too
};
NftListing split_listing(std::string_view text);

// Whether the kernel's elements are those of the table; learned ones are not compared.
bool holds_elements(const NftTable& want, const NftListing& listing);

}  // namespace mainstay
