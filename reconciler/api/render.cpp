#include "reconciler/api/render.h"

#include "schema/encode.h"
#include "schema/json.h"
#include "schema/table.h"

namespace mainstay::api {
namespace {

// "metadata" of an object with its resource version.
void append_metadata(std::string& out, const Object& object, uint64_t version) {
  ObjectMeta meta = object.meta;
  meta.resource_version = version > 0 ? std::to_string(version) : "";
  append_json(out, ObjectMeta::kType, &meta);
}

void append_partial(std::string& out, const Object& object, uint64_t version, std::string_view api) {
  out += "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/";
  out.append(api).append("\",\"metadata\":");
  append_metadata(out, object, version);
  out += '}';
}

// The whole object as of `version`, which for a deletion is not its own.
void append_whole(std::string& out, const Object& object, uint64_t version) {
  if (object.version == version) return append_encoded(out, object);
  Object copy = object;
  copy.version = version;
  append_encoded(out, copy);
}

void append_columns(std::string& out, Kind kind) {
  out += "\"columnDefinitions\":[";
  for (const TableColumn& column : table_columns(kind)) {
    if (out.back() != '[') out += ',';
    out += "{\"name\":";
    append_json_string(out, column.name);
    out += ",\"type\":";
    append_json_string(out, column.type);
    out += ",\"format\":";
    append_json_string(out, column.format);
    out += ",\"description\":\"\",\"priority\":" + std::to_string(column.priority) + "}";
  }
  out += ']';
}

void append_row(std::string& out, const Object& object, uint64_t version, const Rendering& how) {
  TableRow row = table_row(object, how.now);
  out += "{\"cells\":[";
  for (const Value& cell : row.cells) {
    if (out.back() != '[') out += ',';
    append_json(out, cell);
  }
  out += ']';
  if (!row.completed.empty()) {
    out += R"(,"conditions":[{"type":"Completed","status":"True","reason":)";
    append_json_string(out, row.completed);
    out += ",\"message\":\"\"}]";
  }
  if (how.rows != RowObject::kNone) out += ",\"object\":";
  if (how.rows == RowObject::kWhole) append_whole(out, object, version);
  if (how.rows == RowObject::kMetadata) append_partial(out, object, version, how.accepted.version);
  out += '}';
}

void append_table_head(std::string& out, Kind kind, const std::string& metadata, const Rendering& how) {
  out += "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/" + how.accepted.version + "\",\"metadata\":" + metadata + ",";
  append_columns(out, kind);
  out += ",\"rows\":[";
}

void append_object(std::string& out, const Object& object, uint64_t version, const Rendering& how) {
  switch (how.accepted.form) {
    case Form::kTable:
      append_table_head(out, object.kind, "{\"resourceVersion\":\"" + std::to_string(version) + "\"}", how);
      append_row(out, object, version, how);
      out += "]}";
      return;
    case Form::kPartial: return append_partial(out, object, version, how.accepted.version);
    default: return append_whole(out, object, version);
  }
}

}  // namespace

std::string Rendering::key() const {
  return std::to_string(static_cast<int>(accepted.form)) + accepted.version + std::to_string(static_cast<int>(rows));
}

Rendering rendering_of(const Request& request, WallTime now) {
  return {accept_objects(request.header("Accept")), row_object(request), now};
}

std::string render_object(const Object& object, const Rendering& how) {
  std::string out;
  append_object(out, object, object.version, how);
  out += '\n';
  return out;
}

ListRenderer::ListRenderer(const KindInfo& info, Rendering how) : info_(info), how_(std::move(how)) {}

void ListRenderer::add(const Object& object) {
  if (count_++ > 0) items_ += ',';
  if (how_.accepted.form == Form::kTable) append_row(items_, object, object.version, how_);
  else append_object(items_, object, object.version, how_);
}

std::string ListRenderer::finish(uint64_t version, std::string_view continue_token, std::optional<size_t> remaining) {
  std::string metadata = "{\"resourceVersion\":\"" + std::to_string(version) + "\"";
  if (!continue_token.empty()) {
    metadata += ",\"continue\":\"" + std::string(continue_token) + "\"";
    if (remaining) metadata += ",\"remainingItemCount\":" + std::to_string(*remaining);
  }
  metadata += '}';
  std::string out;
  out.reserve(items_.size() + 4096);
  if (how_.accepted.form == Form::kTable) {
    append_table_head(out, info_.id, metadata, how_);
  } else {
    bool partial = how_.accepted.form == Form::kPartial;
    out += "{\"kind\":\"" + (partial ? "PartialObjectMetadataList" : std::string(info_.kind) + "List");
    out += "\",\"apiVersion\":\"" + (partial ? "meta.k8s.io/" + how_.accepted.version : info_.api_version());
    out += "\",\"metadata\":" + metadata + ",\"items\":[";
  }
  return out.append(items_).append("]}\n");
}

std::string render_event(std::string_view type, const Object& object, uint64_t version, const Rendering& how) {
  std::string out = "{\"type\":\"";
  out.append(type).append("\",\"object\":");
  append_object(out, object, version, how);
  out += "}\n";
  return out;
}

std::string render_bookmark(const KindInfo& info, uint64_t version, bool initial_end) {
  std::string out = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"" + std::string(info.kind) + "\",\"apiVersion\":\"" +
                    info.api_version() + "\",\"metadata\":{\"resourceVersion\":\"" + std::to_string(version) + "\"";
  if (initial_end) out += R"(,"annotations":{"k8s.io/initial-events-end":"true"})";
  return out + "}}}\n";
}

}  // namespace mainstay::api
