#include "schema/generate.h"

#include <array>
#include <string>

#include "schema/base/crypto.h"
#include "schema/base/ensure.h"
#include "schema/base/time.h"

namespace mainstay {
namespace {

// Among ordinary words some that YAML or JSON would like to read as something else.
constexpr std::string_view kTexts[] = {"web",
                                       "nginx:1.27",
                                       "a b",
                                       "yes",
                                       "on",
                                       "null",
                                       "~",
                                       "017",
                                       "0x1F",
                                       "1e3",
                                       "1_000",
                                       "12:30",
                                       "",
                                       " lead",
                                       "trail ",
                                       "a: b",
                                       "# no",
                                       "- item",
                                       "<<",
                                       "=",
                                       "\"q\"",
                                       "it's",
                                       "tab\t",
                                       "two\nlines\n",
                                       "no end\nof line",
                                       "\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82",
                                       "{curly",
                                       "[square",
                                       "*star",
                                       "&and",
                                       "!bang",
                                       "%per",
                                       "@at",
                                       "`tick",
                                       "2001-01-01",
                                       "true",
                                       "False",
                                       ".inf",
                                       "\x01\x7f",
                                       "\\u0041",
                                       "--- x",
                                       "...",
                                       "|",
                                       ">",
                                       "?",
                                       "\n",
                                       "\n\nx\n",
                                       "a\r\nb",
                                       "0b1",
                                       "-",
                                       "y",
                                       ".5",
                                       "1.",
                                       "+1",
                                       "a #b"};

int64_t random_integer(Rng& rng, int bits) {
  switch (rng.below(4)) {
    case 0: return static_cast<int64_t>(rng.below(10));
    case 1: return -static_cast<int64_t>(rng.below(100));
    case 2: return bits == 32 ? static_cast<int32_t>(rng.next()) : static_cast<int64_t>(rng.next());
    default: return static_cast<int64_t>(rng.below(70000));
  }
}

std::string random_text(Rng& rng) {
  if (rng.chance(60)) return rng.name_suffix(1 + rng.below(12));
  return std::string(kTexts[rng.below(std::size(kTexts))]);
}

std::string random_key(Rng& rng) { return rng.chance(80) ? "k" + rng.name_suffix(4) : random_text(rng); }

std::string some_bytes(Rng& rng) {
  std::string out;
  for (uint64_t left = rng.below(9); left > 0; --left) out += static_cast<char>(rng.below(256));
  return out;
}

Quantity random_quantity(Rng& rng) {
  constexpr std::string_view kUnits[] = {"", "m", "u", "n", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3", "E"};
  std::string text = std::to_string(rng.below(3000));
  if (rng.chance(30)) text += "." + std::to_string(rng.below(1000));
  text += kUnits[rng.below(std::size(kUnits))];
  auto quantity = Quantity::parse(text);
  ENSURE(quantity.has_value(), "a generated quantity parses");
  return *quantity;
}

IntOrString random_int_or_string(Rng& rng) {
  if (rng.chance(50)) return IntOrString(static_cast<int32_t>(rng.below(65536)));
  return IntOrString(random_text(rng));
}

// Never zero, which would mean absent; between 1970 and 2100.
WallTime random_time(Rng& rng, bool micro) {
  WallTime time{Duration{static_cast<int64_t>(1 + rng.below(4'102'444'800'000'000))}};
  return micro ? time : time.seconds() + 1s;
}

Value random_raw(Rng& rng, size_t depth) {
  switch (rng.below(depth == 0 ? 4 : 6)) {
    case 0: return Value(rng.chance(50));
    case 1: return Value(random_integer(rng, 64));
    case 2: return Value(random_text(rng));
    case 3: return Value(static_cast<double>(rng.below(1000)) + 0.5);
    case 4: {
      Value out = Value::list();
      for (uint64_t left = rng.below(3); left > 0; --left) out.push(random_raw(rng, depth - 1));
      return out;
    }
    default: {
      Value out = Value::map();
      for (uint64_t left = rng.below(3); left > 0; --left) {
        out.set(random_key(rng), random_raw(rng, depth - 1));
      }
      return out;
    }
  }
}

class Generator {
 public:
  Generator(Rng& rng, const GenerateOptions& options) : rng_(rng), options_(options) {}

  void fill(const TypeDesc& type, char* out, size_t depth);
  Value value(const TypeDesc& type, size_t depth);

 private:
  void fill_one(const TypeDesc& type, void* slot, size_t depth);
  void fill_field(const FieldDesc& field, char* slot, size_t depth);
  Value field_value(const FieldDesc& field, size_t depth);
  uint64_t some() { return 1 + rng_.below(options_.elements); }

  Rng& rng_;
  const GenerateOptions& options_;
};

void Generator::fill(const TypeDesc& type, char* out, size_t depth) {
  Value carried = Value::map();
  for (const FieldDesc& field : type.fields) {
    if (depth == 0 || !rng_.chance(options_.fill_percent)) continue;
    if (field.is_carried()) {
      carried.set(field.name, field_value(field, depth));
    } else {
      fill_field(field, out + field.offset, depth);
    }
  }
  if (type.carried_offset >= 0 && !carried.as_map().empty()) {
    *reinterpret_cast<Box<Value>*>(out + type.carried_offset) = Box<Value>(std::move(carried));
  }
}

void Generator::fill_field(const FieldDesc& field, char* slot, size_t depth) {
  if (field.card == Card::kOne) {
    fill_one(*field.type, field.access != nullptr ? field.access->add(slot, {}) : slot, depth);
    return;
  }
  for (uint64_t left = some(); left > 0; --left) {
    fill_one(*field.type,
             field.access->add(slot, field.card == Card::kMap ? random_key(rng_) : std::string()), depth);
  }
}

void Generator::fill_one(const TypeDesc& type, void* slot, size_t depth) {
  switch (type.shape) {
    case Shape::kBool: *static_cast<bool*>(slot) = rng_.chance(70); return;
    case Shape::kInt32: *static_cast<int32_t*>(slot) = static_cast<int32_t>(random_integer(rng_, 32)); return;
    case Shape::kInt64: *static_cast<int64_t*>(slot) = random_integer(rng_, 64); return;
    case Shape::kString: *static_cast<std::string*>(slot) = random_text(rng_); return;
    case Shape::kBytes: *static_cast<std::string*>(slot) = some_bytes(rng_); return;
    case Shape::kQuantity: *static_cast<Quantity*>(slot) = random_quantity(rng_); return;
    case Shape::kIntOrString: *static_cast<IntOrString*>(slot) = random_int_or_string(rng_); return;
    case Shape::kTime:
    case Shape::kMicroTime:
      *static_cast<WallTime*>(slot) = random_time(rng_, type.shape == Shape::kMicroTime);
      return;
    case Shape::kRaw: *static_cast<Value*>(slot) = random_raw(rng_, 2); return;
    case Shape::kStruct: fill(type, static_cast<char*>(slot), depth - 1); return;
    case Shape::kStringList: break;
  }
  ENSURE(false, "a list of strings as one value has no storage of its own");
}

Value Generator::value(const TypeDesc& type, size_t depth) {
  switch (type.shape) {
    case Shape::kBool: return Value(rng_.chance(70));
    case Shape::kInt32: return Value(random_integer(rng_, 32));
    case Shape::kInt64: return Value(random_integer(rng_, 64));
    case Shape::kString: return Value(random_text(rng_));
    case Shape::kBytes: return Value(base64(some_bytes(rng_)));
    case Shape::kQuantity: return Value(random_quantity(rng_).text());
    case Shape::kIntOrString: {
      IntOrString either = random_int_or_string(rng_);
      return either.is_int() ? Value(int64_t{either.number()}) : Value(either.string());
    }
    case Shape::kTime: return Value(format_rfc3339(random_time(rng_, false)));
    case Shape::kMicroTime: return Value(format_rfc3339_micro(random_time(rng_, true)));
    case Shape::kRaw: return random_raw(rng_, 2);
    case Shape::kStringList: {
      Value out = Value::list();
      for (uint64_t left = rng_.below(3); left > 0; --left) out.push(Value(random_text(rng_)));
      return out;
    }
    case Shape::kStruct: break;
  }
  Value out = Value::map();
  for (const FieldDesc& field : type.fields) {
    if (depth > 0 && rng_.chance(options_.fill_percent)) out.set(field.name, field_value(field, depth));
  }
  return out;
}

Value Generator::field_value(const FieldDesc& field, size_t depth) {
  if (field.card == Card::kOne) return value(*field.type, depth - 1);
  Value out = field.card == Card::kMap ? Value::map() : Value::list();
  for (uint64_t left = some(); left > 0; --left) {
    Value item = value(*field.type, depth - 1);
    if (field.card == Card::kMap) {
      out.set(random_key(rng_), std::move(item));
    } else {
      out.push(std::move(item));
    }
  }
  return out;
}

}  // namespace

void generate(const TypeDesc& type, void* out, Rng& rng, const GenerateOptions& options) {
  ENSURE(type.shape == Shape::kStruct && type.size > 0, "generate() fills structs with storage");
  Generator(rng, options).fill(type, static_cast<char*>(out), options.depth);
}

Value generate_value(const TypeDesc& type, Rng& rng, const GenerateOptions& options) {
  return Generator(rng, options).value(type, options.depth);
}

}  // namespace mainstay
