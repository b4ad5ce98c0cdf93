// Any bytes as a quantity: the canonical text has the same value and is its own canonical text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "schema/base/ensure.h"
#include "schema/quantity.h"

using namespace mainstay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::optional<Quantity> quantity = Quantity::parse({reinterpret_cast<const char*>(data), size});
  if (!quantity) return 0;
  std::optional<Quantity> again = Quantity::parse(quantity->text());
  ENSURE(again && *again == *quantity, "the canonical text has the same value");
  ENSURE(again->text() == quantity->text(), "the canonical text is its own canonical text");
  quantity->units();
  quantity->milli();
  return 0;
}
