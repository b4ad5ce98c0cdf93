// The one table of what scalars become, and how they behave as keys and under tags.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "schema/json.h"
#include "schema/yaml.h"
#include "schema/yaml_scalar.h"

using namespace mainstay;

namespace {

// The JSON of the only value in `v: <text>`, or "error: ..." with the first message.
std::string reads_as(const std::string& text) {
  Diagnostics diagnostics;
  auto documents = parse_yaml("v: " + text + "\n", diagnostics);
  if (diagnostics.has_errors()) return "error: " + diagnostics.all()[0].message;
  REQUIRE(documents.size() == 1);
  const Value* value = documents[0].root.find("v");
  REQUIRE(value != nullptr);
  return to_json(*value);
}

std::string key_of(const std::string& text) {
  Diagnostics diagnostics;
  auto documents = parse_yaml(text + ": v\n", diagnostics);
  if (diagnostics.has_errors()) return "error: " + diagnostics.all()[0].message;
  REQUIRE(documents.size() == 1);
  REQUIRE(documents[0].root.as_map().size() == 1);
  return documents[0].root.as_map()[0].name;
}

constexpr std::pair<const char*, const char*> kTable[] = {
    // booleans of YAML 1.1, in the three spellings and no other
    {"yes", "true"},
    {"Yes", "true"},
    {"YES", "true"},
    {"yEs", R"("yEs")"},
    {"y", "true"},
    {"Y", "true"},
    {"on", "true"},
    {"On", "true"},
    {"ON", "true"},
    {"oN", R"("oN")"},
    {"true", "true"},
    {"TRUE", "true"},
    {"no", "false"},
    {"NO", "false"},
    {"n", "false"},
    {"N", "false"},
    {"off", "false"},
    {"Off", "false"},
    {"False", "false"},
    {"tRUE", R"("tRUE")"},
    {"yess", R"("yess")"},
    // nothing
    {"~", "null"},
    {"null", "null"},
    {"Null", "null"},
    {"NULL", "null"},
    {"", "null"},
    {"nULL", R"("nULL")"},
    {"~x", R"("~x")"},
    // integers
    {"0", "0"},
    {"-0", "0"},
    {"12", "12"},
    {"+12", "12"},
    {"-12", "-12"},
    {"017", "15"},
    {"-017", "-15"},
    {"0o17", "15"},
    {"0O17", "15"},
    {"08", "8"},
    {"09.5", "9.5"},
    {"0x1F", "31"},
    {"0X1f", "31"},
    {"-0x10", "-16"},
    {"0b1", "1"},
    {"0b101", "5"},
    {"-0b11", "-3"},
    {"0b-1", "-1"},
    {"0b2", R"("0b2")"},
    {"0x", R"("0x")"},
    {"0xg", R"("0xg")"},
    {"1_000", "1000"},
    {"1__0_", "10"},
    {"0x_F", "15"},
    {"_1", R"("_1")"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775808", "9223372036854776000"},
    {"18446744073709551616", "18446744073709552000"},
    {"1-2", R"("1-2")"},
    {"--1", R"("--1")"},
    {"- 1", "error: not YAML: block sequence entries are not allowed in this context"},
    // floats; whole ones are integers after the way through JSON
    {"1.5", "1.5"},
    {"1.0", "1"},
    {"1.", "1"},
    {".5", "0.5"},
    {"-.5", "-0.5"},
    {"+.5", "0.5"},
    {".5e1", "5"},
    {"1e3", "1000"},
    {"1E3", "1000"},
    {"1e+3", "1000"},
    {"1e-3", "0.001"},
    {"1e-7", "1e-7"},
    {"1e21", "1e+21"},
    {"1_0.5", "10.5"},
    {"1e", R"("1e")"},
    {"e3", R"("e3")"},
    {".", R"(".")"},
    {"..5", R"("..5")"},
    {"1.2.3", R"("1.2.3")"},
    {"1e999", R"("1e999")"},
    {"1e-999", "0"},
    {"0x1.8p1", R"("0x1.8p1")"},
    {"12e03", "12000"},
    {".inf", "error: JSON has no number for .inf; quote it to mean text"},
    {"-.Inf", "error: JSON has no number for -.Inf; quote it to mean text"},
    {".NaN", "error: JSON has no number for .NaN; quote it to mean text"},
    {".iNf", R"(".iNf")"},
    {"inf", R"("inf")"},
    {"nan", R"("nan")"},
    // what stays text
    {"2001-01-01", R"("2001-01-01")"},
    {"2001-01-01T10:00:00Z", R"("2001-01-01T10:00:00Z")"},
    {"12:30", R"("12:30")"},
    {"12:30:45", R"("12:30:45")"},
    {"1.2.3.4", R"("1.2.3.4")"},
    {"100m", R"("100m")"},
    {"=", R"("=")"},
    {"<<", R"("<<")"},
    {"a b", R"("a b")"},
    {"#no", "null"},
    // quotes and blocks keep text text
    {"'1'", R"("1")"},
    {"\"yes\"", R"("yes")"},
    {"''", R"("")"},
    {"|\n  12\n", R"("12\n")"},
    {">-\n  1\n  2\n", R"("1 2")"},
    {"'null'", R"("null")"},
    {"\"\\u00e4\"", "\"\xc3\xa4\""},
    // tags
    {"!!str 12", R"("12")"},
    {"!!str yes", R"("yes")"},
    {"!!str", R"("")"},
    {"!!int '12'", "12"},
    {"!!int \"0x10\"", "16"},
    {"!!int x", "error: \"x\" is no !!int"},
    {"!!int 1.5", "error: \"1.5\" is no !!int"},
    {"!!float 1", "1"},
    {"!!float '1.5'", "1.5"},
    {"!!float x", "error: \"x\" is no !!float"},
    {"!!bool yes", "true"},
    {"!!bool 1", "error: \"1\" is no !!bool"},
    {"!!null ''", "null"},
    {"!!null x", "error: \"x\" is no !!null"},
    {"!!binary aGVsbG8=", R"("hello")"},
    {"!!binary '!'", "error: !!binary value is not base64"},
    {"!!timestamp 2001-01-01", R"("2001-01-01")"},
    {"!!timestamp x", "error: \"x\" is no !!timestamp"},
    {"!own 12", R"("12")"},
    {"! '12'", R"("12")"},
    {"!!map {a: 1}", R"({"a":1})"},
    {"!!seq [1]", "[1]"},
};

}  // namespace

TEST_CASE("scalars mean what they mean to kubectl") {
  for (auto [text, expected] : kTable) {
    INFO("scalar " << text);
    CHECK(reads_as(text) == expected);
  }
}

TEST_CASE("kubectl reads the table as we do") {
  if (std::system("command -v kubectl >/dev/null 2>&1") != 0) {
    WARN("SKIPPED: no kubectl here to compare with");
    return;
  }
  char folder[] = "/tmp/mainstay-scalars-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  std::string file = std::string(folder) + "/table.yaml";
  std::string manifest = "apiVersion: example.com/v1\nkind: Table\nmetadata: {name: x}\nspec:\n";
  std::string expected = "[";
  for (auto [text, json] : kTable) {
    if (std::string_view(json).starts_with("error")) continue;
    manifest += "- v: ";
    for (char c : std::string_view(text)) manifest += c == '\n' ? std::string("\n  ") : std::string(1, c);
    manifest += '\n';
    expected += (expected.size() > 1 ? "," : "") + std::string("{\"v\":") + json + "}";
  }
  std::ofstream(file) << manifest;
  std::string output;
  std::string command = "KUBECONFIG=/dev/null HOME=" + std::string(folder) + " kubectl annotate --local -f " +
                        file + " a=b -o json 2>&1";
  {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    char buffer[4096];
    while (size_t count = fread(buffer, 1, sizeof buffer, pipe.get())) output.append(buffer, count);
  }
  std::filesystem::remove_all(folder);
  INFO(output.substr(0, 2000));
  Result<Value> read = read_json(output);
  REQUIRE(read.ok());
  const Value* spec = read->find("spec");
  REQUIRE(spec != nullptr);
  Value wanted = *read_json(expected + "]");
  REQUIRE(spec->as_list().size() == wanted.as_list().size());
  for (size_t i = 0; i < wanted.as_list().size(); ++i) {
    CHECK(to_json(spec->as_list()[i]) == to_json(wanted.as_list()[i]));
  }
}

TEST_CASE("scalars as keys become the text sigs.k8s.io/yaml makes of them") {
  const std::pair<const char*, const char*> table[] = {
      {"a", "a"},
      {"'1'", "1"},
      {"1", "1"},
      {"017", "15"},
      {"0x10", "16"},
      {"1_0", "10"},
      {"yes", "true"},
      {"on", "true"},
      {"n", "false"},
      {"1.5", "1.5"},
      {"1.0", "1"},
      {"1.10", "1.1"},
      {"1e3", "1000"},
      {"1e6", "1e+06"},
      {"1234567.0", "1.234567e+06"},
      {"0.00001", "1e-05"},
      {"0.1", "0.1"},
      {".inf", ".inf"},
      {"2001-01-01", "2001-01-01"},
      {"!!str 017", "017"},
      {"\"yes\"", "yes"},
      {"~", "error: null is no map key; quote it to mean text"},
      {"? [a]\n", "error: a map key must be a scalar, not a map or list"},
  };
  for (auto [text, expected] : table) {
    INFO("key " << text);
    CHECK(key_of(text) == expected);
  }
}
