// How a plan looks: text for a terminal, Markdown for a pull request, JSON for programs.
#include <utility>

#include "reconciler/plan/plan.h"
#include "schema/base/crypto.h"
#include "schema/json.h"

namespace mainstay {
namespace {

constexpr size_t kLongestValue = 120;
constexpr size_t kShortCommit = 12;

char sign(PlanAction action) {
  return action == PlanAction::kCreate ? '+' : action == PlanAction::kUpdate ? '~' : '-';
}

std::string_view word(PlanAction action) {
  return action == PlanAction::kCreate ? "create" : action == PlanAction::kUpdate ? "update" : "prune";
}

std::string place(const Origin& origin) { return origin.path + ":" + std::to_string(origin.line); }

// JSON, cut at a whole character.
std::string value_text(const Value& value) {
  if (value.is_null()) return "(none)";
  std::string text = to_json(value);
  if (text.size() <= kLongestValue) return text;
  size_t end = kLongestValue;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string edit_text(const FieldEdit& edit) {
  if (edit.hidden) return edit.path + ": (hidden)";
  return edit.path + ": " + value_text(edit.before) + " -> " + value_text(edit.after);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

std::string commits(const Plan& plan) {
  std::string from = plan.from.empty() ? "nothing" : plan.from.substr(0, kShortCommit);
  return from + " -> " + plan.to.substr(0, kShortCommit);
}

// Only prunes are held.
const Hold* hold_of(const Plan& plan, const PlannedChange& change) {
  return change.action == PlanAction::kPrune ? plan.guard.find(change.key) : nullptr;
}

// Backslashes before what Markdown would read as markup, so that a name cannot draw a table or a link.
std::string plain(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\`*_{}[]<>()#|!").find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string mistakes_text(const Plan& plan) {
  size_t count = plan.changes.mistakes.error_count();
  return std::to_string(count) + (count == 1 ? " mistake" : " mistakes") +
         ": nothing of this commit can be applied\n" + plan.changes.mistakes.render();
}

void append_change(std::string& out, const Plan& plan, const PlannedChange& change) {
  const Hold* hold = hold_of(plan, change);
  out += "  ";
  out += hold != nullptr ? '!' : sign(change.action);
  out += " " + change.key.text() + "  (" + (change.action == PlanAction::kPrune ? "was " : "") +
         place(change.origin) + ")";
  if (change.adopts) out += "  adopted: it exists already";
  if (hold != nullptr) out += "  held: " + hold->sentence;
  out += "\n";
  for (const FieldEdit& edit : change.edits) out += "      " + edit_text(edit) + "\n";
  if (!change.not_enforced.empty()) out += "      not enforced: " + joined(change.not_enforced) + "\n";
}

Value key_json(const Key& key) {
  const KindInfo& info = kind_info(key.kind);
  Value out = Value::map();
  out.set("apiVersion", info.api_version());
  out.set("kind", info.kind);
  if (!key.ns.empty()) out.set("namespace", key.ns);
  out.set("name", key.name);
  return out;
}

Value edit_json(const FieldEdit& edit) {
  Value out = Value::map();
  out.set("path", edit.path);
  if (edit.hidden) {
    out.set("hidden", true);
  } else {
    out.set("before", edit.before);
    out.set("after", edit.after);
  }
  return out;
}

Value change_json(const Plan& plan, const PlannedChange& change) {
  Value out = key_json(change.key);
  out.set("action", word(change.action));
  out.set("path", change.origin.path);
  out.set("line", static_cast<int64_t>(change.origin.line));
  if (change.adopts) out.set("adopts", true);
  if (const Hold* hold = hold_of(plan, change)) {
    out.set("held", hold->sentence);
  }
  if (!change.edits.empty()) {
    Value edits = Value::list();
    for (const FieldEdit& edit : change.edits) edits.push(edit_json(edit));
    out.set("fields", std::move(edits));
  }
  if (!change.not_enforced.empty()) {
    Value paths = Value::list();
    for (const std::string& path : change.not_enforced) paths.push(path);
    out.set("notEnforced", std::move(paths));
  }
  return out;
}

}  // namespace

Value mistake_json(const Diagnostic& mistake) {
  Value out = Value::map();
  out.set("file", mistake.file);
  out.set("line", static_cast<int64_t>(mistake.mark.line));
  out.set("column", static_cast<int64_t>(mistake.mark.column));
  out.set("path", mistake.path);
  out.set("message", mistake.message);
  if (!mistake.hint.empty()) out.set("hint", mistake.hint);
  return out;
}

std::string summary(const Plan& plan) {
  PlanCounts counts = plan.counts();
  std::vector<std::string> parts;
  auto add = [&](size_t count, std::string_view what) {
    if (count > 0) parts.push_back(std::to_string(count) + " " + std::string(what));
  };
  add(counts.create, "to create");
  add(counts.update, "to change");
  add(counts.prune, "to prune");
  add(counts.held, "held");
  add(counts.leaving, "being deleted");
  add(counts.unchanged, "unchanged");
  return parts.empty() ? "nothing declared" : joined(parts);
}

std::string plan_text(const Plan& plan) {
  std::string out = "Plan for application " + plan.application + ", " + commits(plan) + "\n";
  if (!plan.acceptable()) return out + mistakes_text(plan);
  out += summary(plan) + "\n";
  for (const PlannedChange& change : plan.changes.changes) append_change(out, plan, change);
  for (const Key& key : plan.changes.leaving) {
    out += "  . " + key.text() + "  is being deleted; it is created again when it is gone\n";
  }
  if (!plan.guard.advice.empty()) out += plan.guard.advice + "\n";
  return out;
}

std::string plan_markdown(const Plan& plan) {
  std::string out = "### Mainstay plan: " + plain(plan.application) + ", " + commits(plan) + "\n\n";
  if (!plan.acceptable()) {
    out += "**Refused**\n\n";
    for (const Diagnostic& mistake : plan.changes.mistakes.all()) out += "- " + plain(mistake.text()) + "\n";
    return out;
  }
  out += "**" + summary(plan) + "**\n";
  if (!plan.changes.changes.empty()) out += "\n| | object | where | what |\n|---|---|---|---|\n";
  for (const PlannedChange& change : plan.changes.changes) {
    std::string what = change.adopts ? "adopted: it exists already" : "";
    auto add = [&](const std::string& text) { what += (what.empty() ? "" : "<br>") + plain(text); };
    if (const Hold* hold = hold_of(plan, change)) {
      add("held: " + hold->sentence);
    }
    for (const FieldEdit& edit : change.edits) add(edit_text(edit));
    if (!change.not_enforced.empty()) add("not enforced: " + joined(change.not_enforced));
    out += "| " + std::string(word(change.action)) + " | " + plain(change.key.text()) + " | " +
           plain(place(change.origin)) + " | " + what + " |\n";
  }
  if (!plan.guard.advice.empty()) out += "\n" + plain(plan.guard.advice) + "\n";
  return out;
}

Value plan_json(const Plan& plan) {
  PlanCounts counts = plan.counts();
  Value out = Value::map(), numbers = Value::map(), changes = Value::list(), mistakes = Value::list();
  out.set("application", plan.application);
  out.set("from", plan.from);
  out.set("to", plan.to);
  out.set("setHash", hex(plan.set_hash));
  out.set("acceptable", plan.acceptable());
  for (auto [name, count] : {std::pair{"create", counts.create}, {"update", counts.update},
                             {"prune", counts.prune}, {"held", counts.held}, {"leaving", counts.leaving},
                             {"unchanged", counts.unchanged}}) {
    numbers.set(name, static_cast<int64_t>(count));
  }
  out.set("counts", std::move(numbers));
  for (const PlannedChange& change : plan.changes.changes) changes.push(change_json(plan, change));
  out.set("changes", std::move(changes));
  for (const Diagnostic& mistake : plan.changes.mistakes.all()) mistakes.push(mistake_json(mistake));
  out.set("mistakes", std::move(mistakes));
  if (!plan.guard.advice.empty()) out.set("advice", plan.guard.advice);
  return out;
}

}  // namespace mainstay
