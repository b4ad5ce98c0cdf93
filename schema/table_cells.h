// Columns together with what fills them, by family of kinds. Internal to table*.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "schema/kinds/meta.h"
#include "schema/kinds/pod.h"
#include "schema/table.h"

namespace mainstay {

struct CellColumn {
  TableColumn column;
  Value (*cell)(const Object& object, WallTime now);
};

// Empty for a kind that does not belong to the family.
std::span<const CellColumn> pod_columns(Kind kind);
std::span<const CellColumn> workload_columns(Kind kind);
std::span<const CellColumn> core_columns(Kind kind);
std::span<const CellColumn> carried_columns(Kind kind);
std::span<const CellColumn> cluster_columns(Kind kind);

inline constexpr int kWide = 1;

inline constexpr std::string_view kNone = "<none>";

// "5m", or "<unknown>" for a zero time.
std::string age(WallTime since, WallTime now);
// The text, or "<none>" if it is empty.
std::string or_none(std::string text);
// "a=b,c=d", or "<none>".
std::string labels_text(const StringMap& labels);
// As `kubectl get -o wide` shows a selector; "<none>" if it selects everything or is missing.
std::string selector_text(const Box<LabelSelector>& selector);
// "a,b" over the names or images of a pod's containers.
std::string container_names(const PodSpec& spec);
std::string container_images(const PodSpec& spec);

Value name_cell(const Object& object, WallTime now);
Value age_cell(const Object& object, WallTime now);

inline constexpr CellColumn kNameColumn{{"Name", "string", "name"}, &name_cell};
inline constexpr CellColumn kAgeColumn{{"Age", "string", ""}, &age_cell};

}  // namespace mainstay
