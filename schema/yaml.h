// YAML in and out. Reads streams of many documents with the meaning kubectl gives them (yaml_scalar.h), with
// a mark on every node, and with bounds that an alias bomb runs into. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schema/diagnostics.h"
#include "schema/value.h"

namespace mainstay {

struct Document {
  Value root;
  Mark mark;  // of the root
};

struct YamlLimits {
  size_t bytes = 16 << 20;        // of the whole stream
  size_t depth = 100;             // of maps and lists within each other, aliases expanded
  size_t nodes = 1'000'000;       // of all documents, aliases expanded
  size_t alias_bytes = 16 << 20;  // of text that aliases and merges copied
};

// The documents of a stream; empty ones are left out. Mistakes go to `diagnostics`: a syntax error, a limit
// or a misused alias ends the reading (what came before is returned), a duplicate key or an impossible scalar
// does not. A merge ("<<") that would overwrite a key written above it is an error, because readers disagree
// about it.
std::vector<Document> parse_yaml(std::string_view text, Diagnostics& diagnostics,
                                 const YamlLimits& limits = {});

// The items of a `kind: List` (or DeploymentList and so on: a kind that ends in List, with `items`), lists in
// lists too; any other document as it is.
std::vector<Document> flatten_list(Document document);

// Block style, members in their order, strings quoted where they would read back as something else.
std::string to_yaml(const Value& value);

}  // namespace mainstay
