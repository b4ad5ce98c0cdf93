// The table kubectl prints for each kind: its columns, and one object's cells. Source of columns and cells:
// Kubernetes' server-side printers (1.33), for Applications Argo CD's. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/time.h"
#include "schema/object.h"
#include "schema/value.h"

namespace mainstay {

struct TableColumn {
  std::string_view name;    // as in the columnDefinitions; kubectl shows it in capitals
  std::string_view type;    // "string", "integer"
  std::string_view format;  // "name" for the column of the object's name, else ""
  int priority = 0;         // above 0: only with -o wide
};

struct TableRow {
  std::vector<Value> cells;  // strings and integers, as many as columns
  std::string completed;     // "Succeeded" or "Failed" for a pod that is done: the row condition Completed
};

// The columns of `kind`: Name and Age for one that has none of its own.
std::vector<TableColumn> table_columns(Kind kind);

// The cells of `object`; ages are counted to `now`.
TableRow table_row(const Object& object, WallTime now);

// What `kubectl get pods` calls the state of a pod: "Running", "CrashLoopBackOff", "Terminating".
// Requires a Pod.
std::string pod_status_word(const Object& pod);

}  // namespace mainstay
