// What strangers say cannot act on a terminal.
#include <catch2/catch.hpp>

#include "schema/base/shown.h"

using namespace mainstay;

TEST_CASE("control characters are shown, not sent") {
  CHECK(shown("plain \xc3\xa4 text") == "plain \xc3\xa4 text");
  CHECK(shown("two\nlines\tand a tab\r\n") == "two lines and a tab");
  CHECK(shown("\x1b[31mred\x1b[0m\x07") == "^[[31mred^[[0m^G");
  CHECK(shown("two\nlines\n", "\n  ") == "two\n  lines");
  CHECK(shown("\x7f") == "^?");
  CHECK(shown("\xc2\x9b" "31m \xc2\xa0") == "?31m \xc2\xa0");  // CSI in one character; a blank that is none
  CHECK(shown("").empty());
  CHECK(shown("\xc2") == "\xc2");
  CHECK(shown(std::string_view("a\0b", 3)) == "a^@b");
}
