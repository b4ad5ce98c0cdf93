// What strangers say cannot act on a terminal.
#include <catch2/catch.hpp>

#include "schema/base/printable.h"

using namespace mainstay;

TEST_CASE("control characters are shown, not sent") {
  CHECK(printable("plain \xc3\xa4 text") == "plain \xc3\xa4 text");
  CHECK(printable("two\nlines\tand a tab\r\n") == "two lines and a tab");
  CHECK(printable("\x1b[31mred\x1b[0m\x07") == "^[[31mred^[[0m^G");
  CHECK(printable("\x7f") == "^?");
  CHECK(printable("\xc2\x9b" "31m \xc2\xa0") == "?31m \xc2\xa0");  // CSI in one character; a blank that is none
  CHECK(printable("").empty());
  CHECK(printable("\xc2") == "\xc2");
  CHECK(printable(std::string_view("a\0b", 3)) == "a^@b");
}
