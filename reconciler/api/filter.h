// Which objects of a kind a list or a watch is about: label selector, field selector, namespace.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/api/http.h"
#include "reconciler/store/snapshot.h"
#include "schema/base/result.h"
#include "schema/object.h"
#include "schema/selector.h"

namespace mainstay::api {

struct ObjectFilter {
  Kind kind = Kind::kPod;
  std::string ns;  // "" is all namespaces
  Selector labels;
  FieldSelector fields;

  bool matches(const Object& object) const;
  // Of one object in any namespace: labels and fields only.
  bool matches_everything() const { return labels.matches_everything() && fields.all.empty(); }
  // The value that an equality on `field` demands; null if there is none.
  const std::string* demands(std::string_view field) const;
};

// From ?labelSelector= and ?fieldSelector=. kInvalid (for a 400) on bad syntax or an unsupported field.
Result<ObjectFilter> parse_filter(const Request& request, const KindInfo& info, std::string_view ns);

// The text of a selectable field; "" for one that is not set.
std::string field_value(const Object& object, std::string_view field);
bool is_selectable(Kind kind, std::string_view field);

// The objects to look through: an index where the filter allows, else the kind's table.
Snapshot::Range candidates(const Snapshot& view, const ObjectFilter& filter);

}  // namespace mainstay::api
