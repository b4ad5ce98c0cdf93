// Writes a placement into the store: bindings, conditions, events. Core thread, inside a transaction.
#pragma once

#include "reconciler/sched/admission.h"
#include "reconciler/sched/placement.h"
#include "reconciler/sched/preemption.h"
#include "reconciler/store/lifecycle.h"

namespace mainstay {

// A pod that has changed or gone since it was placed is left alone: it comes up again. A pod that stays
// unplaced for the same reason as before is not written again.
void write_placement(Transaction& txn, const Placement& placement);

// Marks what was admitted as scheduled; what was not has failed.
void write_admission(Transaction& txn, const Admission& admission);

// Asks the victims to leave, gracefully, and nominates the pod to their node; or takes back an earlier nomination that
// has come to nothing.
void write_preemption(Transaction& txn, const Object& pod, const Preemption& preemption);

}  // namespace mainstay
