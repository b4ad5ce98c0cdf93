#include "reconciler/control/service_trouble.h"

namespace mainstay {

bool set_service_trouble(Object& service, std::string_view type, std::string_view reason,
                         const std::string& trouble, WallTime now) {
  Box<Value>& carried = as<Service>(service).status.carried;
  const Value* list = carried ? carried->find("conditions") : nullptr;
  ValueList conditions;
  bool known = false;
  if (list != nullptr && list->is_list()) {
    for (const Value& condition : list->as_list()) {
      if (condition.string_at("type") != type) {
        conditions.push_back(condition);
        continue;
      }
      if (condition.string_at("message") == trouble) return false;
      known = true;
    }
  }
  if (trouble.empty() && !known) return false;
  if (!trouble.empty()) {
    Value condition = Value::map();
    condition.set("type", type);
    condition.set("status", "False");
    condition.set("lastTransitionTime", format_rfc3339(now));
    condition.set("reason", reason);
    condition.set("message", trouble);
    conditions.push_back(std::move(condition));
  }
  if (conditions.empty()) {
    carried->erase("conditions");
    if (carried->as_map().empty()) carried.reset();
  } else {
    carried.ensure().set("conditions", Value(std::move(conditions)));
  }
  return true;
}

void note_service_trouble(Transaction& txn, const Object& service, std::string_view reason, const std::string& trouble,
                          std::string_view source) {
  Note note;
  note.about = service.key();
  note.uid = service.meta.uid;
  note.warning = true;
  note.reason = reason;
  note.message = trouble;
  note.source = source;
  record_note(txn, note);
}

}  // namespace mainstay
