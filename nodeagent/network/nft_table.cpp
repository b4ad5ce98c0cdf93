#include "nodeagent/network/nft_table.h"

#include <algorithm>

#include "schema/base/ensure.h"

namespace mainstay {
namespace {

std::string element_text(const NftSet* set, const std::string& key, const std::string& value) {
  return (set && !set->map) || value.empty() ? key : key + " : " + value;
}

// One "add element" or "delete element" per set: a command for each would be read and checked alone.
class ElementList {
 public:
  ElementList(std::string verb, const std::string& table) : verb_(std::move(verb)), table_(table) {}

  void add(const std::string& set, const std::string& element) {
    if (set != set_) close();
    if (set_.empty()) {
      set_ = set;
      out_ += verb_ + " element ip " + table_ + " " + set + " { ";
    } else {
      out_ += ", ";
    }
    out_ += element;
  }

  std::string text() {
    close();
    return std::move(out_);
  }

 private:
  void close() {
    if (!set_.empty()) out_ += " }\n";
    set_.clear();
  }

  std::string verb_;
  const std::string& table_;
  std::string set_, out_;
};

std::string rules_of(const std::string& table, const std::string& name, const NftChain& chain) {
  std::string out;
  for (const std::string& rule : chain.rules) out += "add rule ip " + table + " " + name + " " + rule + "\n";
  return out;
}

// New sets and chains, still empty: everything may refer to them from here on.
std::string definitions(const std::string& table, const NftTable& have, const NftTable& want) {
  std::string out;
  for (const auto& [name, set] : want.sets) {
    auto old = have.sets.find(name);
    if (old != have.sets.end()) {
      ENSURE(old->second.type == set.type && old->second.map == set.map, "an nft set changes its type");
      continue;
    }
    out += std::string(set.map ? "add map ip " : "add set ip ") + table + " " + name + " { " + set.type + " }\n";
  }
  for (const auto& [name, chain] : want.chains) {
    auto old = have.chains.find(name);
    if (old != have.chains.end()) {
      ENSURE(old->second.hook == chain.hook, "an nft chain changes its hook");
      continue;
    }
    std::string hook = chain.hook.empty() ? "" : " { " + chain.hook + " }";
    out += "add chain ip " + table + " " + name + hook + "\n";
  }
  return out;
}

std::string changed_elements_text(const std::string& table, const NftTable& have, const NftTable& want) {
  static const NftSet kNone;
  std::string flushed;
  ElementList gone("delete", table), added("add", table);
  for (const auto& [name, old] : have.sets) {
    auto found = want.sets.find(name);
    bool whole = found != want.sets.end() && old.intervals && old.elements != found->second.elements;
    if (whole && !old.elements.empty()) flushed += "flush set ip " + table + " " + name + "\n";
    if (old.learned || old.intervals) continue;
    const NftSet& now = found == want.sets.end() ? kNone : found->second;
    for (const auto& [key, value] : old.elements) {
      auto kept = now.elements.find(key);
      if (kept == now.elements.end() || kept->second != value) gone.add(name, element_text(&old, key, value));
    }
  }
  for (const auto& [name, set] : want.sets) {
    auto found = have.sets.find(name);
    const NftSet& old = found == have.sets.end() ? kNone : found->second;
    if (set.learned || (set.intervals && old.elements == set.elements)) continue;
    for (const auto& [key, value] : set.elements) {
      auto kept = old.elements.find(key);
      bool there = !set.intervals && kept != old.elements.end() && kept->second == value;
      if (!there) added.add(name, element_text(&set, key, value));
    }
  }
  return flushed + gone.text() + added.text();
}

}  // namespace

bool same_structure(const NftTable& one, const NftTable& other) {
  auto same_definition = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.type == b.second.type && a.second.map == b.second.map;
  };
  return one.chains == other.chains && std::equal(one.sets.begin(), one.sets.end(), other.sets.begin(),
                                                  other.sets.end(), same_definition);
}

std::string element_commands(const std::string& table, const NftElements& elements) {
  ElementList gone("delete", table), added("add", table);
  for (const NftElement& one : elements.gone) gone.add(one.set, element_text(nullptr, one.key, one.value));
  for (const NftElement& one : elements.added) added.add(one.set, element_text(nullptr, one.key, one.value));
  return gone.text() + added.text();
}

std::optional<NftElements> changed_elements(const NftTable& have, const NftTable& want) {
  NftElements out;
  for (const auto& [name, now] : want.sets) {
    const NftSet& old = have.sets.at(name);
    if (now.learned || old.elements == now.elements) continue;
    if (now.intervals) return std::nullopt;
    for (const auto& [key, value] : old.elements) {
      auto kept = now.elements.find(key);
      if (kept == now.elements.end() || kept->second != value) out.gone.push_back({name, key, value});
    }
    for (const auto& [key, value] : now.elements) {
      auto kept = old.elements.find(key);
      if (kept == old.elements.end() || kept->second != value) out.added.push_back({name, key, value});
    }
  }
  return out;
}

std::string change_commands(const std::string& table, const NftTable& have, const NftTable& want) {
  std::string emptied, rules, removed_chains, removed_sets;
  for (const auto& [name, old] : have.chains) {
    auto now = want.chains.find(name);
    bool gone = now == want.chains.end();
    if (!gone && now->second == old) continue;
    if (!old.rules.empty()) emptied += "flush chain ip " + table + " " + name + "\n";
    if (gone) removed_chains += "delete chain ip " + table + " " + name + "\n";
  }
  for (const auto& [name, chain] : want.chains) {
    auto old = have.chains.find(name);
    if (old == have.chains.end() || old->second != chain) rules += rules_of(table, name, chain);
  }
  for (const auto& [name, old] : have.sets) {
    if (want.sets.count(name) == 0) {
      removed_sets += std::string("delete ") + (old.map ? "map" : "set") + " ip " + table + " " + name + "\n";
    }
  }
  // Whoever refers to something that goes must have let go of it before.
  return definitions(table, have, want) + emptied + changed_elements_text(table, have, want) + rules +
         removed_chains + removed_sets;
}

std::string load_commands(const std::string& table, const NftTable& want) {
  // "add, delete, add" is nft's way to replace a table that may not exist.
  std::string named = "table ip " + table + "\n";
  return "add " + named + "delete " + named + "add " + named + change_commands(table, {}, want);
}

NftListing split_listing(std::string_view text) {
  NftListing out;
  std::string set;
  bool inside = false;  // between the braces of "elements = { ... }"
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::string_view bare = line.substr(std::min(line.find_first_not_of("\t "), line.size()));
    bool begins_set = bare.starts_with("set ") || bare.starts_with("map ");
    if (!inside && begins_set && bare.ends_with(" {")) set = bare.substr(4, bare.size() - 6);
    static constexpr std::string_view kOpen = "elements = { ";
    if (!inside && !bare.starts_with(kOpen)) {
      out.skeleton.append(line).push_back('\n');
      continue;
    }
    if (!inside) bare.remove_prefix(kOpen.size());
    inside = !bare.ends_with(" }");
    if (!inside) bare.remove_suffix(2);
    // Short elements share a line; none has a comma of its own.
    while (!bare.empty()) {
      size_t comma = bare.find(',');
      std::string_view one = bare.substr(0, comma);
      bare.remove_prefix(comma == std::string_view::npos ? bare.size() : comma + 1);
      one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
      if (one.empty()) continue;
      size_t colon = one.find(" : ");
      bool has_value = colon != std::string_view::npos;
      out.elements[set].emplace(one.substr(0, colon), has_value ? one.substr(colon + 3) : std::string_view());
    }
  }
  return out;
}

bool holds_elements(const NftTable& want, const NftListing& listing) {
  static const std::map<std::string, std::string> kNone;
  for (const auto& [name, set] : want.sets) {
    if (set.learned) continue;
    auto found = listing.elements.find(name);
    if (set.elements != (found == listing.elements.end() ? kNone : found->second)) return false;
  }
  return true;
}

}  // namespace mainstay
