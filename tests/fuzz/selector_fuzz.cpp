// Any bytes as a selector: what parses is printed and parsed again with the same meaning.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/base/ensure.h"
#include "schema/selector.h"

using namespace mainstay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const StringMap labels = {{"a", "b"}, {"n", "1"}};
  if (Result<Selector> selector = parse_selector(text); selector.ok()) {
    Result<Selector> again = parse_selector(selector->text());
    ENSURE(again.ok(), "a printed selector parses");
    ENSURE(again->matches(labels) == selector->matches(labels), "a printed selector means the same");
  }
  if (Result<FieldSelector> fields = parse_field_selector(text); fields.ok()) {
    fields->matches([](std::string_view) { return std::string("x"); });
  }
  return 0;
}
