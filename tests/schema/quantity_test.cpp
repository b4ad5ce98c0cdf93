#include <catch2/catch.hpp>

#include <limits>

#include "schema/base/rng.h"
#include "schema/quantity.h"

using namespace mainstay;

namespace {
std::string canonical(std::string_view text) {
  auto quantity = Quantity::parse(text);
  return quantity ? quantity->text() : "no quantity";
}
}  // namespace

constexpr std::pair<const char*, const char*> kTable[] = {
    {"0.5", "500m"},
    {"1000m", "1"},
    {"1024Mi", "1Gi"},
    {"0.1Gi", "107374182400m"},
    {"1.5Gi", "1536Mi"},
    {"0.0001", "100u"},
    {"0", "0"},
    {"0.0", "0"},
    {"-0", "0"},
    {"00", "0"},
    {"0Ki", "0"},
    {"0e9", "0"},
    {"1", "1"},
    {"+1", "1"},
    {"-1", "-1"},
    {"007", "7"},
    {"1.", "1"},
    {".5", "500m"},
    {"1.50", "1500m"},
    {"100", "100"},
    {"1000", "1k"},
    {"1500", "1500"},
    {"1500000", "1500k"},
    {"1k", "1k"},
    {"1M", "1M"},
    {"1G", "1G"},
    {"1T", "1T"},
    {"1P", "1P"},
    {"1E", "1E"},
    {"5u", "5u"},
    {"5n", "5n"},
    {"1Ki", "1Ki"},
    {"1Mi", "1Mi"},
    {"1Ti", "1Ti"},
    {"1Pi", "1Pi"},
    {"1Ei", "1Ei"},
    {"1023Ki", "1023Ki"},
    {"0.5Ki", "512"},
    {"0.0001Ki", "102400u"},
    {"1.1Ki", "1126400m"},
    {"-1.5Gi", "-1536Mi"},
    {"2048", "2048"},
    {"1e3", "1e3"},
    {"1E3", "1e3"},
    {"1e+3", "1e3"},
    {"1e-3", "1e-3"},
    {"12e2", "1200"},
    {"1500e0", "1500"},
    {"1e4", "10e3"},
    {"1e0", "1"},
    {"1e18", "1e18"},
    // finer than a billionth: rounded up, away from zero
    {"0.1n", "1n"},
    {"-0.1n", "-1n"},
    {"1.0000000001", "1000000001n"},
    {"1e-100", "1e-9"},
    {"0.0000000000001Ki", "1n"},
    // larger than 2^63-1: cut
    {"9223372036854775807", "9223372036854775807"},
    {"9223372036854775808", "9223372036854775807"},
    {"100E", "9223372036854775807"},
    {"8Ei", "9223372036854775807"},
    {"7Ei", "7Ei"},
    {"-100E", "-9223372036854775807"},
    {"1e1000", "9223372036854775807"},
    {"99999999999999999999999999999999999999999999", "9223372036854775807"},
    {"0.00000000000000000000000000000000000000000000000001e50", "1"},
    {"1e-9223372036854775807", "1e-9"},
    {"123456789.123456789", "123456789123456789n"},
    {"9223372036854775806.999999999", "9223372036854775806999999999n"},
    // no quantities
    {"", "no quantity"},
    {".", "no quantity"},
    {"-", "no quantity"},
    {"+", "no quantity"},
    {"m", "no quantity"},
    {"1 ", "no quantity"},
    {" 1", "no quantity"},
    {"1K", "no quantity"},
    {"1ki", "no quantity"},
    {"1mi", "no quantity"},
    {"1Kib", "no quantity"},
    {"1e", "no quantity"},
    {"1e-", "no quantity"},
    {"1e+-1", "no quantity"},
    {"1e1.5", "no quantity"},
    {"1.2.3", "no quantity"},
    {"--1", "no quantity"},
    {"1m1", "no quantity"},
    {"0x10", "no quantity"},
    {"1_000", "no quantity"},
    {"1,5", "no quantity"},
    {"1e99999999999999999999", "no quantity"},
    {"NaN", "no quantity"},
};

TEST_CASE("quantities in their canonical form") {
  for (auto [text, expected] : kTable) {
    INFO("quantity " << text);
    CHECK(canonical(text) == expected);
  }
}

TEST_CASE("units and milli round up") {
  CHECK(Quantity::parse("1.1")->units() == 2);
  CHECK(Quantity::parse("0.0001")->milli() == 1);
  CHECK(Quantity::parse("-1.1")->units() == -1);
  CHECK(Quantity::parse("1m")->units() == 1);
  CHECK(Quantity::parse("1.5Gi")->units() == 1610612736);
  CHECK(Quantity::parse("250m")->milli() == 250);
  CHECK(Quantity::parse("100E")->milli() == std::numeric_limits<int64_t>::max());
  CHECK(Quantity::of(-3).units() == -3);
  CHECK(Quantity::of_milli(1500).text() == "1500m");
  CHECK(Quantity::of(2048, Quantity::Format::kBinarySi).text() == "2Ki");
}

TEST_CASE("quantities compare by value and add up") {
  CHECK(*Quantity::parse("1") == *Quantity::parse("1000m"));
  CHECK(*Quantity::parse("1Gi") > *Quantity::parse("1G"));
  CHECK((*Quantity::parse("1Gi") + *Quantity::parse("512Mi")).text() == "1536Mi");
  CHECK((*Quantity::parse("1") - *Quantity::parse("250m")).text() == "750m");
  CHECK((Quantity() + *Quantity::parse("1Gi")).text() == "1Gi");
  CHECK((*Quantity::parse("1k") + *Quantity::parse("1Ki")).text() == "2024");
  CHECK(Quantity().is_zero());
  CHECK(Quantity::parse("-1m")->is_negative());
}

TEST_CASE("the canonical text is a fixed point and keeps the value") {
  uint64_t seed = 4711;
  INFO("seed " << seed);
  Rng rng(seed);
  constexpr std::string_view kUnits[] = {"",  "m",  "u",  "n",  "k",  "M",  "G",  "T",   "P",
                                         "E", "Ki", "Mi", "Gi", "Ti", "Pi", "e3", "e-2", "E5"};
  for (int i = 0; i < 20000; ++i) {
    std::string text = std::to_string(rng.below(rng.chance(50) ? 5000 : 4'000'000'000ULL));
    if (rng.chance(40)) text += "." + std::to_string(rng.below(100000));
    text += kUnits[rng.below(std::size(kUnits))];
    if (rng.chance(20)) text = "-" + text;
    auto quantity = Quantity::parse(text);
    INFO(text);
    REQUIRE(quantity);
    auto again = Quantity::parse(quantity->text());
    REQUIRE(again);
    REQUIRE(*again == *quantity);
    REQUIRE(again->text() == quantity->text());
  }
}
