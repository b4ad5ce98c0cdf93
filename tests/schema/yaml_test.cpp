#include <catch2/catch.hpp>

#include "schema/base/rng.h"
#include "schema/generate.h"
#include "schema/json.h"
#include "schema/yaml.h"

using namespace mainstay;

namespace {

std::vector<Document> parse(std::string_view text, Diagnostics& diagnostics) {
  return parse_yaml(text, diagnostics);
}

std::string only_json(std::string_view text) {
  Diagnostics diagnostics("f.yaml");
  auto documents = parse_yaml(text, diagnostics);
  INFO(diagnostics.render());
  CHECK(diagnostics.empty());
  REQUIRE(documents.size() == 1);
  return to_json(documents[0].root);
}

std::string errors_of(std::string_view text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics("f.yaml");
  parse_yaml(text, diagnostics, limits);
  return diagnostics.render();
}

}  // namespace

TEST_CASE("a stream of documents; empty ones are left out") {
  Diagnostics diagnostics;
  auto documents = parse("# only a comment\n---\na: 1\n---\n---\nnull\n...\n---\n- x\n", diagnostics);
  CHECK(diagnostics.empty());
  REQUIRE(documents.size() == 2);
  CHECK(to_json(documents[0].root) == R"({"a":1})");
  CHECK(documents[0].mark.line == 3);
  CHECK(to_json(documents[1].root) == R"(["x"])");
  CHECK(documents[1].mark.line == 9);
  CHECK(parse("", diagnostics).empty());
  CHECK(parse("# nothing\n", diagnostics).empty());
  CHECK(diagnostics.empty());
}

TEST_CASE("marks stand on keys and values, in characters") {
  Diagnostics diagnostics;
  auto documents = parse("a: 1\nb:\n  - \xc3\xa4: x\n    c: [1, {d: 2}]\n", diagnostics);
  REQUIRE(documents.size() == 1);
  const ValueMap& root = documents[0].root.as_map();
  CHECK(root[1].mark.line == 2);
  CHECK(root[1].mark.column == 1);
  const Value& item = root[1].value.as_list()[0];
  CHECK(item.as_map()[0].value.mark().column == 8);
  const Value& inner = item.as_map()[1].value.as_list()[1];
  CHECK(inner.mark().line == 4);
  CHECK(inner.as_map()[0].mark.column == 13);
}

TEST_CASE("JSON is YAML") {
  CHECK(only_json(R"({"a": [1, "two", null, true], "b": {"c": 1.5}})") ==
        R"({"a":[1,"two",null,true],"b":{"c":1.5}})");
}

TEST_CASE("anchors and aliases") {
  CHECK(only_json("a: &x {k: [1, 2]}\nb: *x\nc: *x\n") ==
        R"({"a":{"k":[1,2]},"b":{"k":[1,2]},"c":{"k":[1,2]}})");
  CHECK(only_json("a: &x one\n*x : two\n") == R"({"a":"one","one":"two"})");
  CHECK(only_json("a: &x 017\n*x : two\n") == R"({"a":15,"15":"two"})");
  CHECK(only_json("a: &x 1\nb: &x 2\nc: *x\n") == R"({"a":1,"b":2,"c":2})");
  CHECK(only_json("&k key: v\nw: *k\n") == R"({"key":"v","w":"key"})");
  CHECK(errors_of("a: *x\n") ==
        "f.yaml:1:4: error: a: unknown alias *x (define it with &x earlier in the same document)\n");
  CHECK(errors_of("a: &x [1, *x]\n") == "f.yaml:1:11: error: a[1]: anchor &x contains itself\n");
  CHECK(errors_of("a: &x 1\n---\nb: *x\n").find("3:4: error: b: unknown alias *x") != std::string::npos);
  CHECK(errors_of("a: &x {}\n*x : 1\n").find("a map key must be a scalar, not a map") != std::string::npos);
}

TEST_CASE("merge keys") {
  CHECK(only_json("a: &a {x: 1, w: 2}\nb:\n  <<: *a\n  w: 3\n") ==
        R"({"a":{"x":1,"w":2},"b":{"x":1,"w":3}})");
  CHECK(only_json("a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc:\n  <<: [*a, *b]\n") ==
        R"({"a":{"x":1},"b":{"x":2,"z":3},"c":{"x":1,"z":3}})");
  CHECK(only_json("b:\n  <<: {x: 1}\n") == R"({"b":{"x":1}})");
  CHECK(only_json("b:\n  '<<': 1\n") == R"({"b":{"<<":1}})");
  CHECK(errors_of("b:\n  <<: 1\n") ==
        "f.yaml:2:3: error: b: a merge (<<) needs a map or a list of maps, got integer\n");
  CHECK(errors_of("a: &a {x: 1}\nb:\n  x: 2\n  <<: *a\n") ==
        "f.yaml:4:3: error: b: the merge (<<) would overwrite the key \"x\" (written on line 3; put the "
        "merge first)\n");
  CHECK(errors_of("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n  x: 3\n").find("5:3: error: b.x: duplicate key") !=
        std::string::npos);
}

TEST_CASE("duplicate keys are errors that name both places, all of them at once") {
  CHECK(errors_of("a: 1\nb:\n  - c: 1\n    d: 2\n    c: 3\na: 2\n") ==
        "f.yaml:5:5: error: b[0].c: duplicate key \"c\" (first written on line 3; remove one of them)\n"
        "f.yaml:6:1: error: a: duplicate key \"a\" (first written on line 1; remove one of them)\n");
  CHECK(errors_of("1: a\n'1': b\n").find("duplicate key \"1\"") != std::string::npos);
  std::string many;
  for (int i = 0; i < 40; ++i) many += "k" + std::to_string(i) + ": 1\n";
  CHECK(errors_of(many).empty());
  CHECK(errors_of(many + "k7: 2\n") ==
        "f.yaml:41:1: error: k7: duplicate key \"k7\" (first written on line 8; remove one of them)\n");
}

TEST_CASE("syntax errors say where, and what came before is kept") {
  CHECK(errors_of("a: b\n\tc: d\n").find("f.yaml:2:1: error: not YAML: ") == 0);
  CHECK(errors_of("a:\n\tc: d\n").find("indent with spaces, not tabs") != std::string::npos);
  CHECK(errors_of("a: [1, 2\nb: 3\n").find("f.yaml:2:") == 0);
  CHECK(errors_of("a: b: c\n") ==
        "f.yaml:1:5: error: not YAML: mapping values are not allowed in this context\n");
  CHECK(errors_of("a: \"x\n").find("while scanning a quoted scalar") != std::string::npos);
  CHECK(errors_of("a: 1\nb: \xff\n").find("f.yaml:2:4: error: not YAML: invalid leading UTF-8 octet") == 0);
  CHECK(errors_of("a: \x01\n").find("control characters are not allowed") != std::string::npos);
  Diagnostics diagnostics;
  auto documents = parse("a: 1\n---\nb: [\n", diagnostics);
  CHECK(documents.size() == 1);
  CHECK(diagnostics.error_count() == 1);
}

TEST_CASE("bounds hold: size, depth, nodes, alias bombs") {
  YamlLimits small;
  small.bytes = 10;
  CHECK(errors_of("a: 1234567890\n", small).find("at most 10 are read") != std::string::npos);
  std::string deep(101, '[');
  CHECK(errors_of(deep).find("f.yaml:1:101: error: ") == 0);
  CHECK(errors_of(deep).find("nest deeper than 100") != std::string::npos);
  CHECK(errors_of(std::string(100, '[') + std::string(100, ']')).empty());
  YamlLimits few;
  few.nodes = 50;
  std::string many = "[";
  for (int i = 0; i < 60; ++i) many += "1,";
  CHECK(errors_of(many + "]", few).find("more than 50 nodes") != std::string::npos);

  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    std::string last(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += (i > 0 ? ",*" : "*") + last;
    bomb += "]\n";
  }
  CHECK(errors_of(bomb).find("more than 1000000 nodes, aliases expanded") != std::string::npos);

  std::string text_bomb = "a: &a " + std::string(1 << 20, 'x') + "\nb:\n";
  for (int i = 0; i < 100; ++i) text_bomb += "- *a\n";
  CHECK(errors_of(text_bomb).find("aliases expand to more than") != std::string::npos);

  std::string nested = "a0: &a0 {}\n";
  for (int i = 1; i < 120; ++i) {
    nested += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  CHECK(errors_of(nested).find("aliases nest maps and lists deeper than 100") != std::string::npos);
}

TEST_CASE("lists of kind List fall apart into their items") {
  Diagnostics diagnostics;
  auto documents =
      parse("kind: List\nitems:\n- {kind: A}\n- kind: BList\n  items: [{kind: B}, {kind: C}]\n- {kind: D}\n",
            diagnostics);
  REQUIRE(documents.size() == 1);
  auto flat = flatten_list(std::move(documents[0]));
  REQUIRE(flat.size() == 4);
  CHECK(flat[0].root.string_at("kind") == "A");
  CHECK(flat[1].root.string_at("kind") == "B");
  CHECK(flat[2].root.string_at("kind") == "C");
  CHECK(flat[3].root.string_at("kind") == "D");
  CHECK(flat[0].mark.line == 3);
  CHECK(flatten_list({Value(ValueMap{{"kind", Value("Pod"), {}}}), {}}).size() == 1);
  CHECK(flatten_list({Value(ValueMap{{"kind", Value("List"), {}}, {"items", Value(), {}}}), {}}).empty());
}

TEST_CASE("what to_yaml writes reads back the same") {
  uint64_t seed = 20250101;
  INFO("seed " << seed);
  Rng rng(seed);
  for (int i = 0; i < 2000; ++i) {
    Value value = Value::map();
    value.set("raw", generate_value(kRawType, rng));
    value.set("text", generate_value(kStringType, rng));
    value.set("list", Value(ValueList{generate_value(kStringType, rng), generate_value(kRawType, rng)}));
    value.set("odd " + generate_value(kStringType, rng).as_string(), Value(1));
    value.set(generate_value(kStringType, rng).as_string(), Value::map());
    std::string text = to_yaml(value);
    Diagnostics diagnostics;
    auto documents = parse_yaml(text, diagnostics);
    INFO(text << diagnostics.render());
    REQUIRE(diagnostics.empty());
    REQUIRE(documents.size() == 1);
    REQUIRE(documents[0].root == value);
  }
}

TEST_CASE("to_yaml is what people expect to read") {
  Diagnostics diagnostics;
  auto value = parse_json(
      R"({"a":"yes","b":"1","c":"web","d":[],"e":{},"f":[{"x":1,"y":"two"}],)"
      R"("g":"l1\nl2\n","h":null,"i":1.5})",
      diagnostics);
  REQUIRE(value);
  CHECK(to_yaml(*value) ==
        "a: \"yes\"\nb: \"1\"\nc: web\nd: []\ne: {}\nf:\n  - x: 1\n    \"y\": two\ng: |\n  l1\n  l2\nh: "
        "null\ni: 1.5\n");
}
