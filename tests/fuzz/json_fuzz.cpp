// Any bytes as JSON: no crash, both readers agree on what is JSON, and what is read is written the same
// again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/base/ensure.h"
#include "schema/decode.h"
#include "schema/json.h"
#include "schema/object.h"

using namespace mainstay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics;
  std::optional<Value> value = parse_json(text, diagnostics);
  if (!value) return 0;  // a limit, or a number out of range, may be refused without a problem to show
  ENSURE(!find_json_problem(text), "what was read is JSON");
  if (diagnostics.has_errors()) return 0;  // a key stands twice, so that equality means nothing
  std::string written = to_json(*value);
  Diagnostics again;
  std::optional<Value> copy = parse_json(written, again);
  ENSURE(copy && *copy == *value, "to_json loses nothing");
  ENSURE(to_json(*copy) == written, "to_json writes one value one way");
  decode_object(*value, {}, diagnostics);
  return 0;
}
