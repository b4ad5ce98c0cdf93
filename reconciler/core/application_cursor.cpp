#include "reconciler/core/application_cursor.h"

#include "schema/json.h"

namespace mainstay {

CursorRow cursor_row(const std::string& application, const ApplicationState& state) {
  return {application, state.commit.id, state.applied->hash, 0, cursor_text(state), false};
}

std::string cursor_text(const ApplicationState& state) {
  Value out = Value::map();
  Value commit = Value::map();
  commit.set("id", state.commit.id);
  commit.set("tree", state.commit.tree);
  commit.set("author", state.commit.author);
  commit.set("subject", state.commit.subject);
  commit.set("when", format_rfc3339(state.commit.when));
  out.set("commit", std::move(commit));
  Value held = Value::list();
  for (const Hold& hold : state.held) {
    Value item = Value::map();
    item.set("apiVersion", kind_info(hold.key.kind).api_version());
    item.set("kind", kind_info(hold.key.kind).kind);
    item.set("namespace", hold.key.ns);
    item.set("name", hold.key.name);
    item.set("path", hold.origin.path);
    item.set("line", static_cast<int64_t>(hold.origin.line));
    item.set("why", hold.sentence);
    held.push(std::move(item));
  }
  out.set("held", std::move(held));
  out.set("pinned", state.pinned);
  if (!state.acknowledged.empty()) out.set("acknowledged", state.acknowledged);
  if (state.sync_ordered) out.set("syncOrdered", true);
  out.set("phase", state.phase);
  out.set("message", state.message);
  out.set("started", format_rfc3339_micro(state.started));
  if (state.finished != WallTime{}) out.set("finished", format_rfc3339_micro(state.finished));
  return to_json(out);
}

void read_cursor_text(const std::string& text, ApplicationState& state) {
  Result<Value> parsed = read_json(text.empty() ? "{}" : text);
  if (!parsed.ok()) return;  // written by us; an older form means an empty one
  if (const Value* commit = parsed->find("commit")) {
    state.commit.id = commit->string_at("id");
    state.commit.tree = commit->string_at("tree");
    state.commit.author = commit->string_at("author");
    state.commit.subject = commit->string_at("subject");
    state.commit.when = parse_rfc3339(commit->string_at("when")).value_or(WallTime{});
  }
  if (const Value* held = parsed->find("held"); held != nullptr && held->is_list()) {
    for (const Value& item : held->as_list()) {
      const KindInfo* info = find_kind(item.string_at("apiVersion"), item.string_at("kind"));
      if (info == nullptr) continue;
      Hold hold;
      hold.key = {info->id, std::string(item.string_at("namespace")), std::string(item.string_at("name"))};
      const Value* line = item.find("line");
      hold.origin = {std::string(item.string_at("path")),
                     line != nullptr && line->is_int() ? static_cast<uint32_t>(line->as_int()) : 0};
      hold.reason = HoldReason::kHeldBefore;
      hold.sentence = item.string_at("why");
      state.held.push_back(std::move(hold));
    }
  }
  state.pinned = parsed->string_at("pinned");
  state.acknowledged = parsed->string_at("acknowledged");
  state.sync_ordered = parsed->find("syncOrdered") != nullptr;
  state.phase = parsed->string_at("phase");
  state.message = parsed->string_at("message");
  state.started = parse_rfc3339(parsed->string_at("started")).value_or(WallTime{});
  state.finished = parse_rfc3339(parsed->string_at("finished")).value_or(WallTime{});
}

}  // namespace mainstay
