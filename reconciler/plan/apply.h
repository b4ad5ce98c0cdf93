// Applying a plan: all of it in one transaction, or nothing. Core thread only.
#pragma once

#include "reconciler/plan/plan.h"
#include "reconciler/store/lifecycle.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

struct Applied {
  size_t created = 0;
  size_t updated = 0;
  size_t pruned = 0;
  bool nothing() const { return created + updated + pruned == 0; }
};

// Writes an acceptable plan; the cause of every write is {"git", plan.to}. Held prunes are left out. A plan
// may have been made of an older snapshot: objects that have changed since are merged anew, what has come or
// gone since is met as it is. After an error, which names the object and where it is declared, the transaction
// is as it was before the call.
Result<Applied> apply_plan(Transaction& txn, const Plan& plan);

}  // namespace mainstay
