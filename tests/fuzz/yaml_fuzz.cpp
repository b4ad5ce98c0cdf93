// Any bytes as YAML: no crash, no hang, and what is read is written and read back the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/base/ensure.h"
#include "schema/decode.h"
#include "schema/object.h"
#include "schema/yaml.h"

using namespace mainstay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  YamlLimits limits;
  limits.nodes = 10'000;
  limits.alias_bytes = 1 << 20;
  Diagnostics diagnostics;
  for (Document& document : parse_yaml({reinterpret_cast<const char*>(data), size}, diagnostics, limits)) {
    if (!diagnostics.has_errors() && (document.root.is_map() || document.root.is_list())) {
      Diagnostics again;
      auto copies = parse_yaml(to_yaml(document.root), again);
      ENSURE(again.empty(), "what to_yaml writes is YAML without mistakes");
      ENSURE(copies.size() == 1 && copies[0].root == document.root, "to_yaml loses nothing");
    }
    for (Document& item : flatten_list(std::move(document))) decode_object(item.root, {}, diagnostics);
  }
  diagnostics.render();
  return 0;
}
