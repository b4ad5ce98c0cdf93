// What an API client asks to be written: admission, defaulting, validation, preconditions, then the write.
// One request leaves the transaction either with its whole effect or with none. Core thread.
#pragma once

#include "reconciler/control/controller.h"
#include "reconciler/core/messages.h"
#include "reconciler/store/transaction.h"

namespace mainstay {

// The answer; Answer::version is left to the caller. A dry run leaves nothing behind. `settings` say which
// addresses Services may have.
Answer handle_write(Transaction& txn, const ApiWrite& write,
                    const ControlSettings& settings = ControlSettings());

}  // namespace mainstay
