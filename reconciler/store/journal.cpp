#include "reconciler/store/journal.h"

namespace mainstay {

std::string_view journal_refusal_text(JournalRefusal reason) {
  return reason == JournalRefusal::kFull ? "the disk is full" : "the database is busy";
}

}  // namespace mainstay
