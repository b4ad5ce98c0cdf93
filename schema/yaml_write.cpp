#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "schema/json.h"
#include "schema/utf8.h"
#include "schema/yaml.h"
#include "schema/yaml_scalar.h"

namespace mainstay {
namespace {

// True if a literal block ("|") gives back exactly this text. Anything unusual is quoted instead.
bool fits_literal(std::string_view text) {
  if (text.size() < 2 || text.back() != '\n' || text[text.size() - 2] == '\n' || text[0] == ' ' ||
      text[0] == '\n') {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte < 0x7f) || c == '\n';
  });
}

// True if YAML lets all of it stand without escapes. Anything rare beyond ASCII is escaped to be safe.
bool is_printable(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    auto lead = static_cast<unsigned char>(text[at]);
    size_t length = utf8_length(text, at);
    if (lead < 0x20 || lead == 0x7f || length == 0) return false;
    // U+0080 to U+00BF, U+2000 to U+2FFF, U+F000 to U+FFFF: where controls, line ends and marks live.
    if (lead == 0xc2 || lead == 0xe2 || lead == 0xef) return false;
    at += length;
  }
  return true;
}

// True if the unquoted text reads back as this very string, for us and for other readers of YAML 1.1.
bool fits_plain(std::string_view text) {
  if (text.empty() || text == "<<" || text == "=" || resolve_plain(text).kind != Scalar::Kind::kString) {
    return false;
  }
  // At the start of a line these would end the document.
  if (text.starts_with("---") || text.starts_with("...")) return false;
  if (!is_printable(text)) return false;
  // Dates and base-60 numbers ("2001-01-01", "12:30") are text to us but not to everyone.
  bool digits = text.find_first_of("0123456789") != std::string_view::npos;
  return !digits || text.find_first_not_of("0123456789:-_.+eTZtz ") != std::string_view::npos;
}

void emit_quoted(YAML::Emitter& out, const std::string& text) {
  if (!is_printable(text)) out << YAML::EscapeNonAscii;  // for this scalar only; also escapes U+007F
  out << YAML::DoubleQuoted << text;
}

void emit_string(YAML::Emitter& out, const std::string& text) {
  if (fits_literal(text)) {
    // The last line end is the block's own.
    out << YAML::Literal << text.substr(0, text.size() - 1);
  } else if (fits_plain(text)) {
    out << text;  // the emitter still quotes what its grammar demands
  } else {
    emit_quoted(out, text);
  }
}

void emit(YAML::Emitter& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull: out << YAML::Null; return;
    case Value::Kind::kBool: out << value.as_bool(); return;
    case Value::Kind::kInt: out << value.as_int(); return;
    case Value::Kind::kDouble: {
      std::string text;
      append_json_number(text, value.as_double());
      out << text;
      return;
    }
    case Value::Kind::kString: emit_string(out, value.as_string()); return;
    case Value::Kind::kList:
      if (value.as_list().empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const Value& item : value.as_list()) emit(out, item);
      out << YAML::EndSeq;
      return;
    case Value::Kind::kMap:
      if (value.as_map().empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const Member& member : value.as_map()) {
        out << YAML::Key;
        if (fits_plain(member.name)) {
          out << member.name;
        } else {
          emit_quoted(out, member.name);
        }
        out << YAML::Value;
        emit(out, member.value);
      }
      out << YAML::EndMap;
      return;
  }
}

}  // namespace

std::string to_yaml(const Value& value) {
  YAML::Emitter out;
  out.SetNullFormat(YAML::LowerNull);
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace mainstay
