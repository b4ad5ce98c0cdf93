#include "schema/patch.h"

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "schema/diagnostics.h"

namespace mainstay {
namespace {

constexpr size_t kMostOperations = 10000;

Error invalid(std::string message) { return error(ErrorCode::kInvalid, std::move(message)); }

// ---- JSON pointers (RFC 6901) ----

using Pointer = std::vector<std::string>;

Result<Pointer> parse_pointer(std::string_view text) {
  Pointer out;
  if (text.empty()) return out;
  if (text.front() != '/') return invalid("JSON pointer " + quoted(text) + " must start with '/'");
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '/') {
      out.emplace_back();
    } else if (c != '~') {
      out.back() += c;
    } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      out.back() += text[++i] == '0' ? '~' : '/';
    } else {
      return invalid("JSON pointer " + quoted(text) + " has a '~' that is neither ~0 nor ~1");
    }
  }
  return out;
}

// A list index without leading zeros.
std::optional<size_t> parse_index(const std::string& token) {
  if (token.empty() || (token.size() > 1 && token[0] == '0')) return std::nullopt;
  size_t index = 0;
  auto [end, problem] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (problem != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return index;
}

Value* child(Value& at, const std::string& token) {
  if (at.is_map()) return at.find(token);
  std::optional<size_t> index = at.is_list() ? parse_index(token) : std::nullopt;
  return index && *index < at.as_list().size() ? &at.as_list()[*index] : nullptr;
}

// The value `count` steps down; null if it does not exist.
Value* follow(Value& root, const Pointer& pointer, size_t count) {
  Value* at = &root;
  for (size_t i = 0; i < count && at != nullptr; ++i) at = child(*at, pointer[i]);
  return at;
}

// ---- operations (RFC 6902) ----

Status add_at(Value& root, const Pointer& pointer, Value value, const std::string& shown) {
  if (pointer.empty()) {
    root = std::move(value);
    return {};
  }
  Value* parent = follow(root, pointer, pointer.size() - 1);
  const std::string& token = pointer.back();
  if (parent != nullptr && parent->is_map()) {
    parent->set(token, std::move(value));
    return {};
  }
  if (parent == nullptr || !parent->is_list()) {
    return invalid("add: there is nothing at the parent of " + shown);
  }
  ValueList& list = parent->as_list();
  std::optional<size_t> index = token == "-" ? std::optional(list.size()) : parse_index(token);
  if (!index || *index > list.size()) return invalid("add: " + shown + " is outside of the list");
  list.insert(list.begin() + static_cast<ptrdiff_t>(*index), std::move(value));
  return {};
}

Result<Value> remove_at(Value& root, const Pointer& pointer, const std::string& shown) {
  if (pointer.empty()) return invalid("remove: the whole object cannot be removed");
  Value* parent = follow(root, pointer, pointer.size() - 1);
  Value* target = parent != nullptr ? child(*parent, pointer.back()) : nullptr;
  if (target == nullptr) return invalid("remove: there is nothing at " + shown);
  Value removed = std::move(*target);
  if (parent->is_map()) {
    parent->erase(pointer.back());
  } else {
    ValueList& list = parent->as_list();
    list.erase(list.begin() + static_cast<ptrdiff_t>(*parse_index(pointer.back())));
  }
  return removed;
}

bool is_prefix(const Pointer& prefix, const Pointer& pointer) {
  return prefix.size() < pointer.size() && std::equal(prefix.begin(), prefix.end(), pointer.begin());
}

Status move_or_copy(Value& root, const Value& operation, bool move, const Pointer& to,
                    const std::string& shown) {
  std::string from_text = quoted(operation.string_at("from"));
  const Value* from_value = operation.find("from");
  if (from_value == nullptr || !from_value->is_string()) {
    return invalid("an operation needs a \"from\" pointer");
  }
  ASSIGN_OR_RETURN(Pointer from, parse_pointer(from_value->as_string()));
  if (!move) {
    const Value* source = follow(root, from, from.size());
    if (source == nullptr) return invalid("copy: there is nothing at " + from_text);
    return add_at(root, to, Value(*source), shown);
  }
  if (is_prefix(from, to)) return invalid("move: " + from_text + " cannot go into itself");
  if (from == to && follow(root, from, from.size()) != nullptr) return {};
  ASSIGN_OR_RETURN(Value moved, remove_at(root, from, from_text));
  return add_at(root, to, std::move(moved), shown);
}

Status run(Value& root, const Value& operation) {
  std::string_view op = operation.string_at("op");
  const Value* path = operation.find("path");
  if (path == nullptr || !path->is_string()) return invalid("an operation needs a \"path\" pointer");
  std::string shown = quoted(path->as_string());
  ASSIGN_OR_RETURN(Pointer pointer, parse_pointer(path->as_string()));
  if (op == "remove") {
    Result<Value> removed = remove_at(root, pointer, shown);
    return removed.ok() ? Status() : Status(removed.error());
  }
  if (op == "move" || op == "copy") return move_or_copy(root, operation, op == "move", pointer, shown);
  if (op != "add" && op != "replace" && op != "test") {
    return invalid("unknown operation " + quoted(op) + ": expected add, remove, replace, move, copy or test");
  }
  const Value* value = operation.find("value");
  if (value == nullptr) return invalid(std::string(op) + ": the operation at " + shown + " has no value");
  if (op == "add") return add_at(root, pointer, *value, shown);
  Value* target = follow(root, pointer, pointer.size());
  if (op == "replace") {
    if (target == nullptr) return invalid("replace: there is nothing at " + shown);
    *target = *value;
    return {};
  }
  bool same = target != nullptr ? *target == *value : value->is_null();
  return same ? Status() : Status(invalid("test: the value at " + shown + " is not the expected one"));
}

}  // namespace

std::optional<PatchType> patch_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  if (content_type == "application/json-patch+json") return PatchType::kJson;
  if (content_type == "application/merge-patch+json") return PatchType::kMerge;
  if (content_type == "application/strategic-merge-patch+json") return PatchType::kStrategic;
  if (content_type == "application/apply-patch+yaml") return PatchType::kApply;
  return std::nullopt;
}

Value merge_patch(Value target, const Value& patch) {
  if (!patch.is_map()) return patch;
  if (!target.is_map()) target = Value::map();
  for (const Member& member : patch.as_map()) {
    if (member.value.is_null()) {
      target.erase(member.name);
    } else if (member.value.is_map()) {
      Value* existing = target.find(member.name);
      Value merged = merge_patch(existing != nullptr ? *existing : Value(), member.value);
      target.set(member.name, std::move(merged));
    } else {
      target.set(member.name, member.value);
    }
  }
  return target;
}

Result<Value> json_patch(Value target, const Value& operations) {
  if (!operations.is_list()) return invalid("a JSON patch is a list of operations");
  if (operations.as_list().size() > kMostOperations) {
    return invalid("the JSON patch has more than " + std::to_string(kMostOperations) + " operations");
  }
  for (const Value& operation : operations.as_list()) RETURN_IF_ERROR(run(target, operation));
  return target;
}

Result<Value> patch_object(PatchType type, const Value& target, const Value& patch, const KindInfo& kind) {
  if (type == PatchType::kJson) return json_patch(target, patch);
  if (!patch.is_map()) return invalid("the patch must be a JSON object");
  if (type == PatchType::kMerge) return merge_patch(target, patch);
  ENSURE(type == PatchType::kStrategic, "an apply patch is not merged here");
  return strategic_merge_patch(target, patch, kind);
}

}  // namespace mainstay
