// Selectors: which objects are meant, by label or by field. Label selectors come as text ("app=web,tier in
// (a,b)", as kubectl -l sends it) or as the LabelSelector of a manifest; field selectors only as text. Source
// of the rules: apimachinery's labels and fields packages. Plain values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/descriptor.h"

namespace mainstay {

struct LabelSelector;

struct Requirement {
  enum class Op : uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGreater, kLess };
  std::string key;
  Op op = Op::kExists;
  std::vector<std::string> values = {};  // sorted, none twice; one integer for kGreater and kLess

  // `!=` and `notin` match objects that lack the key.
  bool matches(const StringMap& labels) const;
  bool operator==(const Requirement&) const = default;
};

// All requirements must hold; without any it matches everything.
struct Selector {
  std::vector<Requirement> all;

  bool matches(const StringMap& labels) const;
  bool matches_everything() const { return all.empty(); }
  // As kubectl prints it: "app=web,tier in (a,b)".
  std::string text() const;
  bool operator==(const Selector&) const = default;
};

// a=b, a==b, a!=b, a in (b,c), a notin (b,c), a, !a, a>1, a<1, joined by commas. "" matches everything.
Result<Selector> parse_selector(std::string_view text);

// The LabelSelector of a manifest. An empty one matches everything (a missing one nothing: the caller's
// matter). Fails on an unknown operator, on In or NotIn without values, on Exists or DoesNotExist with
// values, and on what is no label.
Result<Selector> selector_of(const LabelSelector& selector);
// A plain map, as Services have it: every label must be there with that value.
Selector selector_of(const StringMap& labels);

// Without the detour: true if `labels` has all of `selector`. An empty one matches everything.
bool has_labels(const StringMap& labels, const StringMap& selector);
// The same for a LabelSelector; one with an unknown operator matches nothing.
bool matches(const LabelSelector& selector, const StringMap& labels);

// What is wrong with a label's key ("app.kubernetes.io/name") or value; "" if nothing.
std::string label_key_problem(std::string_view key);
std::string label_value_problem(std::string_view value);

struct FieldRequirement {
  std::string field;  // "spec.nodeName"
  std::string value;
  bool equal = true;  // else: must differ

  bool operator==(const FieldRequirement&) const = default;
};

struct FieldSelector {
  std::vector<FieldRequirement> all;

  // `field_value` gives the text of a field, "" for one that is not set.
  bool matches(const std::function<std::string(std::string_view field)>& field_value) const;
};

// a=b, a==b, a!=b joined by commas; \, \= and \\ stand for themselves in values. "" matches everything.
// Which fields there are is the caller's matter.
Result<FieldSelector> parse_field_selector(std::string_view text);

}  // namespace mainstay
