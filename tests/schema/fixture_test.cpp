// Kubernetes' own objects with every field filled: they come out as they went in, and a wrong type put at any
// place of them is an error at exactly that place. Reads the shared fixtures where they exist.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "schema/base/rng.h"
#include "schema/decode.h"
#include "schema/encode.h"
#include "schema/generate.h"
#include "schema/json.h"
#include "schema/object.h"
#include "schema/yaml.h"

using namespace mainstay;

namespace {

namespace fs = std::filesystem;

fs::path fixture_folder() {
  const char* shared = std::getenv("MAINSTAY_SHARED");
  fs::path root = shared != nullptr ? fs::path(shared) : fs::path(MAINSTAY_SOURCE_DIR) / ".." / "shared";
  return root / "fixtures" / "kubernetes-api" / "v1.33.0";
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Value parse(const std::string& text) {
  Diagnostics diagnostics;
  auto value = parse_json(text, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(value);
  REQUIRE(diagnostics.empty());
  return *value;
}

struct Fixture {
  std::string name;
  Value given;
  const KindInfo* info = nullptr;
};

// Those of kinds we know. Empty, after a warning, where there are no fixtures.
const std::vector<Fixture>& fixtures() {
  static const std::vector<Fixture> found = [] {
    std::vector<Fixture> out;
    if (!fs::exists(fixture_folder())) {
      WARN("SKIPPED: no fixtures at " << fixture_folder() << "; set MAINSTAY_SHARED");
      return out;
    }
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(fixture_folder())) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
      std::string name = path.filename().string();
      if (name.find(".after_roundtrip.") != std::string::npos) continue;  // what older Kubernetes makes of it
      Value given = parse(read_file(path));
      const KindInfo* info = find_kind(given.string_at("apiVersion"), given.string_at("kind"));
      // Events of events.k8s.io have other fields; they are served, but not read from manifests.
      if (info == nullptr || info->api_version() != given.string_at("apiVersion")) continue;
      out.push_back({name, std::move(given), info});
    }
    return out;
  }();
  return found;
}

struct Step {
  enum class Kind { kField, kIndex, kKey } kind;
  std::string name;
  size_t index = 0;
};

std::string text_of(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    if (step.kind == Step::Kind::kField) out += (out.empty() ? "" : ".") + step.name;
    if (step.kind == Step::Kind::kIndex) out += "[" + std::to_string(step.index) + "]";
    if (step.kind == Step::Kind::kKey) out += "[" + step.name + "]";
  }
  return out;
}

// A document with nothing in it but `leaf` at the end of `steps`.
Value document_with(const Fixture& fixture, const std::vector<Step>& steps, Value leaf) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->kind == Step::Kind::kIndex) {
      Value list = Value::list();
      for (size_t i = 0; i < step->index; ++i) list.push(Value());
      list.push(std::move(leaf));
      leaf = std::move(list);
    } else {
      leaf = Value(ValueMap{{step->name, std::move(leaf), {}}});
    }
  }
  leaf.set("apiVersion", fixture.info->api_version());
  leaf.set("kind", fixture.info->kind);
  return leaf;
}

// Puts wrong things at every place of one fixture.
class Mutator {
 public:
  explicit Mutator(const Fixture& fixture) : fixture_(fixture) {}

  void run() {
    for (const Member& member : fixture_.given.as_map()) {
      if (member.name == "apiVersion" || member.name == "kind") continue;
      steps_ = {{Step::Kind::kField, member.name}};
      if (member.name == "metadata") {
        one(ObjectMeta::kType, member.value);
      } else {
        const FieldDesc* field = fixture_.info->type->find(member.name);
        REQUIRE(field != nullptr);
        whole_field(*field, member.value);
      }
    }
  }
  size_t tried() const { return tried_; }

 private:
  void whole_field(const FieldDesc& field, const Value& value) {
    if (field.card == Card::kOne) {
      one(*field.type, value);
    } else if (field.card == Card::kList) {
      expect_error(Value("wrong"));
      for (size_t i = 0; i < value.as_list().size(); ++i) {
        steps_.push_back({Step::Kind::kIndex, "", i});
        one(*field.type, value.as_list()[i]);
        steps_.pop_back();
      }
    } else {
      expect_error(Value("wrong"));
      for (const Member& member : value.as_map()) {
        steps_.push_back({Step::Kind::kKey, member.name});
        one(*field.type, member.value);
        steps_.pop_back();
      }
    }
  }

  void one(const TypeDesc& type, const Value& value) {
    switch (type.shape) {
      case Shape::kRaw: return;
      case Shape::kBool:
      case Shape::kInt32:
      case Shape::kInt64: expect_error(Value("wrong")); break;
      case Shape::kString: expect_error(Value(5)); break;
      case Shape::kBytes: expect_error(Value("*not base64*")); break;
      case Shape::kQuantity:
      case Shape::kTime:
      case Shape::kMicroTime: expect_error(Value("wrong")); break;
      case Shape::kIntOrString: expect_error(Value(true)); break;
      case Shape::kStringList:
        expect_error(Value("wrong"));
        for (size_t i = 0; i < value.as_list().size(); ++i) {
          steps_.push_back({Step::Kind::kIndex, "", i});
          expect_error(Value(7));
          steps_.pop_back();
        }
        return;
      case Shape::kStruct:
        expect_error(Value("wrong"));
        for (const Member& member : value.as_map()) {
          const FieldDesc* field = type.find(member.name);
          REQUIRE(field != nullptr);
          steps_.push_back({Step::Kind::kField, member.name});
          whole_field(*field, member.value);
          steps_.pop_back();
        }
        steps_.push_back({Step::Kind::kField, "zzz"});
        expect_error(Value(1), true);
        steps_.pop_back();
        return;
    }
    expect_error(Value(ValueList{Value(true)}));
    expect_error(Value::map());
  }

  void expect_error(Value wrong, bool unknown = false) {
    ++tried_;
    wrong.set_mark({12, 34});
    std::string place = text_of(steps_);
    Diagnostics diagnostics;
    decode_object(document_with(fixture_, steps_, wrong), {}, diagnostics);
    bool good = diagnostics.all().size() == 1 && diagnostics.error_count() == 1;
    if (good) {
      const Diagnostic& only = diagnostics.all()[0];
      good = only.path == place && only.mark.line == 12 && only.mark.column == 34 &&
             (only.message.find("unknown field") != std::string::npos) == unknown;
    }
    if (good) return;
    INFO(fixture_.name << ": " << to_json(wrong) << " at " << place << " gave:\n" << diagnostics.render());
    CHECK(good);
  }

  const Fixture& fixture_;
  std::vector<Step> steps_;
  size_t tried_ = 0;
};

Object decode_without_mistake(const Value& document) {
  Diagnostics diagnostics;
  auto object = decode_object(document, {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(object);
  REQUIRE(diagnostics.empty());
  return std::move(*object);
}

}  // namespace

TEST_CASE("fixtures come out as they went in") {
  size_t typed = 0, carried = 0;
  for (const Fixture& fixture : fixtures()) {
    INFO(fixture.name);
    Object object = decode_without_mistake(fixture.given);
    ++(fixture.info->typed() ? typed : carried);
    CHECK(to_value(object) == fixture.given);
    CHECK(parse(encoded(object)) == fixture.given);
    // The same again through YAML.
    Diagnostics diagnostics;
    auto documents = parse_yaml(to_yaml(fixture.given), diagnostics);
    REQUIRE(documents.size() == 1);
    CHECK(diagnostics.empty());
    Object from_yaml = decode_without_mistake(documents[0].root);
    CHECK(same_content(object, from_yaml));
    CHECK(encoded(from_yaml) == encoded(object));
  }
  if (fixtures().empty()) return;
  CHECK(typed >= 10);
  CHECK(carried >= 20);
}

TEST_CASE("a wrong type anywhere in a fixture is an error there") {
  size_t tried = 0;
  for (const Fixture& fixture : fixtures()) {
    Mutator mutator(fixture);
    mutator.run();
    tried += mutator.tried();
  }
  if (!fixtures().empty()) CHECK(tried > 10000);
}

TEST_CASE("random objects of every kind survive JSON and YAML") {
  uint64_t seed = 31337;
  INFO("seed " << seed);
  Rng rng(seed);
  for (const KindInfo& info : all_kinds()) {
    for (int round = 0; round < 25; ++round) {
      Object object = make_object(info.id, "ns", "name");
      generate(ObjectMeta::kType, &object.meta, rng);
      if (void* storage = body_storage(object)) {
        generate(*info.type, storage, rng);
      } else {
        generic_fields(object) = generate_value(*info.type, rng);
      }
      INFO(encoded(object));
      Object back = decode_without_mistake(parse(encoded(object)));
      REQUIRE(same_content(object, back));
      REQUIRE(to_value(back) == to_value(object));
      Diagnostics diagnostics;
      auto documents = parse_yaml(to_yaml(to_value(object)), diagnostics);
      INFO(diagnostics.render());
      REQUIRE(documents.size() == 1);
      REQUIRE(same_content(object, decode_without_mistake(documents[0].root)));
    }
  }
}
