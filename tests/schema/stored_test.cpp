// What encode wrote comes back equal, now or when it is first asked for, also by several threads at once.
#include "schema/stored.h"

#include <catch2/catch.hpp>

#include <thread>

#include "schema/base/rng.h"
#include "schema/decode.h"
#include "schema/generate.h"
#include "schema/json.h"

namespace mainstay {
namespace {

Object random_object(Rng& rng, Kind kind) {
  Object out = make_object(kind, "", "");
  GenerateOptions options;
  options.fill_percent = static_cast<unsigned>(10 + rng.below(90));
  generate(ObjectMeta::kType, &out.meta, rng, options);
  out.meta.resource_version.clear();
  if (void* storage = body_storage(out)) {
    generate(*out.info().type, storage, rng, options);
  } else {
    Value fields = generate_value(*out.info().type, rng, options);
    if (fields.is_map()) generic_fields(out) = std::move(fields);
  }
  return out;
}

// As a reader of the text that knows nothing of who wrote it.
Object decoded(const std::string& bytes) {
  Diagnostics diagnostics;
  std::optional<Object> out = decode_object(*read_json(bytes), DecodeOptions{UnknownFields::kIgnore}, diagnostics);
  REQUIRE(out.has_value());
  return *out;
}

TEST_CASE("property: the stored text of any object is read as decoding it would read it") {
  const uint64_t seed = 20'261'122;
  INFO("seed " << seed);
  Rng rng(seed);
  StoredParser parser;
  for (const KindInfo& info : all_kinds()) {
    for (int i = 0; i < 20; ++i) {
      const Object given = decoded(encoded(random_object(rng, info.id)));  // in canonical form, as what is stored
      const std::string bytes = encoded(given);
      INFO(bytes);
      Object expected = decoded(bytes);
      for (bool later : {false, true}) {
        Result<std::shared_ptr<Object>> read = parser.object(info.id, bytes, later);
        REQUIRE(read.ok());
        const Object& object = **read;
        REQUIRE(object.meta.name == expected.meta.name);
        REQUIRE(same_content(object, expected));
        REQUIRE(encoded(object) == encoded(expected));
        Object copy = object;
        REQUIRE(same_content(copy, expected));
      }
    }
  }
}

TEST_CASE("a declared tree is read with its object") {
  Rng rng(3);
  StoredParser parser;
  for (Kind kind : {Kind::kDeployment, Kind::kSecret, Kind::kIngress}) {
    Object given = random_object(rng, kind);
    Value tree = to_value(given);
    Result<StoredParser::Declared> read = parser.declared(kind, to_json(tree));
    REQUIRE(read.ok());
    CHECK(*read->tree == tree);
    CHECK(same_content(*read->object, decoded(to_json(tree))));
  }
}

TEST_CASE("a text that is no JSON, or another kind's, is refused when it is read") {
  StoredParser parser;
  const std::string pod = encoded(make_object(Kind::kPod, "default", "a"));
  for (bool later : {false, true}) {
    CHECK(parser.object(Kind::kPod, pod, later).ok());
    CHECK(parser.object(Kind::kConfigMap, pod, later).error().code == ErrorCode::kCorrupt);
    for (const std::string& broken : {pod.substr(0, pod.size() - 1), pod + "}", std::string("[]"), std::string()}) {
      INFO(broken);
      CHECK(parser.object(Kind::kPod, broken, later).error().code == ErrorCode::kCorrupt);
    }
  }
}

TEST_CASE("many threads may be the first to ask for a body") {
  Rng rng(11);
  StoredParser parser;
  for (int round = 0; round < 50; ++round) {
    Object given = random_object(rng, Kind::kConfigMap);
    std::shared_ptr<Object> shared = *parser.object(Kind::kConfigMap, encoded(given), true);
    std::atomic<int> equal{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&, reader = ObjectPtr(shared)] {
        equal += as<ConfigMap>(*reader).data == as<ConfigMap>(given).data;
      });
    }
    for (std::thread& reader : readers) reader.join();
    REQUIRE(equal == 4);
  }
}

}  // namespace
}  // namespace mainstay
