#include "reconciler/store/find_owner.h"

namespace mainstay {

ObjectPtr find_owner(const Snapshot& view, const OwnerReference& reference, std::string_view ns) {
  if (ObjectPtr owner = view.find_uid(reference.uid)) return owner;
  if (reference.kind != kind_info(Kind::kEvent).kind) return nullptr;
  ObjectPtr event = view.find(Kind::kEvent, ns, reference.name);
  return event && event->meta.uid == reference.uid ? event : nullptr;
}

}  // namespace mainstay
