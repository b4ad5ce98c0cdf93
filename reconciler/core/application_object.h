// The Application object of an application: how it stands, in Argo CD's fields, for `kubectl get applications`.
// Core thread.
#pragma once

#include <string>

#include "reconciler/core/application.h"
#include "reconciler/plan/rollup.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

struct ApplicationView {
  Rollup rollup;
  bool rolled_out = false;  // everything applied is there and healthy
  bool failed = false;      // something is degraded
  std::string reason;       // the worst object and why; "" if all is well
};

// `tip` is the newest commit the source is known to have, "" if none is.
ApplicationView view_application(const ApplicationState& state, const Standing& standing, const std::string& tip);

// Makes or updates the object (and its namespace); writes nothing if nothing differs.
void write_application_object(const ApplicationSettings& settings, const ApplicationState& state,
                              const ApplicationView& view, Transaction& txn);

// True for the key of the object itself, or of its namespace.
bool is_application_object(const ApplicationSettings& settings, const Key& key);

}  // namespace mainstay
