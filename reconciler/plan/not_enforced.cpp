#include "reconciler/plan/not_enforced.h"

#include <algorithm>

namespace mainstay {
namespace {

void visit(const Value& value, const TypeDesc& type, const std::string& path, std::vector<std::string>& out);

void visit_elements(const Value& value, const FieldDesc& field, const std::string& path,
                    std::vector<std::string>& out) {
  if (field.card == Card::kOne) return visit(value, *field.type, path, out);
  if (value.is_list()) {
    for (const Value& element : value.as_list()) visit(element, *field.type, path, out);
  } else if (value.is_map()) {
    for (const Member& member : value.as_map()) visit(member.value, *field.type, path, out);
  }
}

void visit(const Value& value, const TypeDesc& type, const std::string& path, std::vector<std::string>& out) {
  if (type.shape != Shape::kStruct || !value.is_map()) return;
  for (const Member& member : value.as_map()) {
    const FieldDesc* field = type.find(member.name);
    if (field == nullptr || member.value.is_null()) continue;
    std::string here = path.empty() ? member.name : path + "." + member.name;
    if (field->is_carried()) out.push_back(std::move(here));
    else visit_elements(member.value, *field, here, out);
  }
}

}  // namespace

std::vector<std::string> not_enforced(Kind kind, const Value& declared) {
  const KindInfo& info = kind_info(kind);
  if (kind == Kind::kNetworkPolicy) return {};  // all of it is, though no struct holds it
  if (!info.typed()) return {"(the whole object)"};
  std::vector<std::string> out;
  visit(declared, *info.type, "", out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace mainstay
