#include "reconciler/api/negotiate.h"
#include "schema/base/lower.h"

#include <vector>

namespace mainstay::api {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    size_t end = text.find(separator);
    out.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

struct Range {
  std::string type;
  std::string as, group, version;
};

Range parse_range(std::string_view text) {
  std::vector<std::string_view> parts = split(text, ';');
  Range range{lower_ascii(std::string(parts[0])), "", "", ""};
  for (size_t i = 1; i < parts.size(); ++i) {
    size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    std::string name = lower_ascii(std::string(trim(parts[i].substr(0, equals))));
    std::string value(trim(parts[i].substr(equals + 1)));
    if (name == "as") range.as = value;
    if (name == "g") range.group = value;
    if (name == "v") range.version = value;
  }
  return range;
}

bool is_json(const Range& range) {
  return range.type == "application/json" || range.type == "*/*" || range.type == "application/*";
}

template <typename Choose>
Accepted first_accepted(std::string_view accept, Choose choose) {
  if (trim(accept).empty()) return {};
  for (std::string_view text : split(accept, ',')) {
    Range range = parse_range(text);
    if (!is_json(range)) continue;
    if (range.as.empty()) return {};
    if (Form form = choose(range); form != Form::kNone) return {form, range.version};
  }
  return {Form::kNone, ""};
}

}  // namespace

Accepted accept_objects(std::string_view accept) {
  return first_accepted(accept, [](const Range& range) {
    bool known = range.group == "meta.k8s.io" && (range.version == "v1" || range.version == "v1beta1");
    if (!known) return Form::kNone;
    if (range.as == "Table") return Form::kTable;
    bool partial = range.as == "PartialObjectMetadata" || range.as == "PartialObjectMetadataList";
    return partial ? Form::kPartial : Form::kNone;
  });
}

Accepted accept_discovery(std::string_view accept) {
  return first_accepted(accept, [](const Range& range) {
    bool known = range.group == "apidiscovery.k8s.io" && range.as == "APIGroupDiscoveryList" &&
                 (range.version == "v2" || range.version == "v2beta1");
    return known ? Form::kDiscovery : Form::kNone;
  });
}

RowObject row_object(const Request& request) {
  std::string_view wanted = request.param("includeObject");
  if (wanted == "Object") return RowObject::kWhole;
  return wanted == "None" ? RowObject::kNone : RowObject::kMetadata;
}

std::string media_type(std::string_view content_type) {
  return lower_ascii(std::string(trim(content_type.substr(0, content_type.find(';')))));
}

BodyType body_type(const Request& request) {
  std::string type = media_type(request.header("Content-Type"));
  if (type == "application/vnd.kubernetes.protobuf") return BodyType::kProtobuf;
  if (type == "application/json" || type.ends_with("+json")) return BodyType::kJson;
  if (type == "application/yaml" || type == "text/yaml" || type.ends_with("+yaml")) return BodyType::kYaml;
  // curl's default for -d says nothing about what is inside.
  if (!type.empty() && type != "application/x-www-form-urlencoded" && type != "*/*") return BodyType::kUnknown;
  size_t first = request.body.find_first_not_of(" \t\r\n");
  bool json = first != std::string::npos && (request.body[first] == '{' || request.body[first] == '[');
  return json ? BodyType::kJson : BodyType::kYaml;
}

}  // namespace mainstay::api
