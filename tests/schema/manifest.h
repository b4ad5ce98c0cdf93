// Manifests as literals in tests: YAML text in, objects and values out; a mistake fails the test.
#pragma once

#include <catch2/catch.hpp>

#include <string_view>

#include "schema/decode.h"
#include "schema/diagnostics.h"
#include "schema/object.h"
#include "schema/yaml.h"

namespace mainstay::testing {

inline Value parse(std::string_view yaml) {
  Diagnostics diagnostics("test.yaml");
  std::vector<Document> documents = parse_yaml(yaml, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  REQUIRE(documents.size() == 1);
  return documents.front().root;
}

inline Object object_of(const Value& document) {
  Diagnostics diagnostics("test.yaml");
  std::optional<Object> decoded = decode_object(document, DecodeOptions{}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  REQUIRE(decoded);
  return *decoded;
}

inline Object object(std::string_view yaml) { return object_of(parse(yaml)); }

}  // namespace mainstay::testing
