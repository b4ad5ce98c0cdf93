#include "schema/table.h"

#include "schema/selector.h"
#include "schema/table_cells.h"

namespace mainstay {
namespace {

constexpr CellColumn kPlain[] = {kNameColumn, kAgeColumn};

std::span<const CellColumn> columns_of(Kind kind) {
  for (auto family : {&pod_columns, &workload_columns, &core_columns, &carried_columns, &cluster_columns}) {
    if (std::span<const CellColumn> found = family(kind); !found.empty()) return found;
  }
  return kPlain;
}

template <typename Pick>
std::string joined(const std::vector<Container>& containers, const Pick& pick) {
  std::string out;
  for (const Container& container : containers) out += (out.empty() ? "" : ",") + pick(container);
  return out;
}

}  // namespace

std::string age(WallTime since, WallTime now) {
  return since == WallTime{} ? "<unknown>" : human_duration(now - since);
}

std::string or_none(std::string text) { return text.empty() ? std::string(kNone) : text; }

std::string labels_text(const StringMap& labels) {
  std::string out;
  for (const auto& [key, value] : labels) out += (out.empty() ? "" : ",") + key + "=" + value;
  return or_none(std::move(out));
}

std::string selector_text(const Box<LabelSelector>& selector) {
  if (!selector) return std::string(kNone);
  Result<Selector> parsed = selector_of(*selector);
  return parsed.ok() ? or_none(parsed->text()) : "<error>";
}

std::string container_names(const PodSpec& spec) {
  return joined(spec.containers, [](const Container& container) { return container.name; });
}

std::string container_images(const PodSpec& spec) {
  return joined(spec.containers, [](const Container& container) { return container.image; });
}

Value name_cell(const Object& object, WallTime) { return object.meta.name; }
Value age_cell(const Object& object, WallTime now) { return age(object.meta.creation_timestamp, now); }

std::vector<TableColumn> table_columns(Kind kind) {
  std::vector<TableColumn> out;
  for (const CellColumn& entry : columns_of(kind)) out.push_back(entry.column);
  return out;
}

TableRow table_row(const Object& object, WallTime now) {
  TableRow out;
  for (const CellColumn& entry : columns_of(object.kind)) out.cells.push_back(entry.cell(object, now));
  if (const Pod* pod = try_as<Pod>(object)) {
    if (pod->status.phase == "Succeeded" || pod->status.phase == "Failed") out.completed = pod->status.phase;
  }
  return out;
}

}  // namespace mainstay
