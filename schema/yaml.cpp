#include "schema/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "schema/duplicates.h"
#include "schema/yaml_scalar.h"

namespace mainstay {
namespace {

Mark mark_of(const yaml_mark_t& mark) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

std::string line_text(Mark mark) { return "line " + std::to_string(mark.line); }

// The size of a subtree, so that a copy can be refused before it is made.
struct Weight {
  size_t nodes = 1;
  size_t bytes = 0;
  size_t depth = 0;
};

void weigh(const Value& value, size_t depth, Weight& weight) {
  weight.depth = std::max(weight.depth, depth);
  if (value.is_string()) weight.bytes += value.as_string().size();
  if (value.is_list()) {
    weight.nodes += value.as_list().size();
    for (const Value& item : value.as_list()) weigh(item, depth + 1, weight);
  } else if (value.is_map()) {
    weight.nodes += value.as_map().size();
    for (const Member& member : value.as_map()) {
      weight.bytes += member.name.size();
      weigh(member.value, depth + 1, weight);
    }
  }
}

struct Anchor {
  Value value;
  Weight weight;
  std::string key;  // what it is as a map key; "" with `as_key` false if it cannot be one
  bool as_key = false;
};

// A map or list that is being read. Its members lie on the builder's stack from `start` on.
struct Frame {
  bool is_map = false;
  bool awaits_value = false;  // a map's key has been read
  size_t start = 0;
  Mark mark;
  std::string anchor;
  std::vector<size_t> merges = {};  // stack indexes of "<<" members
};

// Turns libyaml's events into Values. Members of all open collections lie on one stack and are moved into
// vectors of the right size when their collection ends.
class Builder {
 public:
  Builder(const YamlLimits& limits, Diagnostics& diagnostics) : limits_(limits), diagnostics_(diagnostics) {
    stack_.reserve(64);
    frames_.reserve(16);
  }

  // False if reading must end.
  bool take(const yaml_event_t& event);
  std::vector<Document> take_documents() && { return std::move(documents_); }

 private:
  bool fail(Mark mark, std::string message, std::string hint = {}) {
    diagnostics_.error(mark, path(), std::move(message), std::move(hint));
    return false;
  }
  std::string path() const;
  bool count_nodes(size_t nodes, Mark mark);
  bool count_copy(const Weight& weight, Mark mark);
  bool scalar(const yaml_event_t& event);
  bool alias(const yaml_event_t& event);
  bool open(bool is_map, const yaml_char_t* anchor, Mark mark);
  bool close();
  bool key(const yaml_event_t& event, Mark mark);
  void remember(const std::string& name, const Value& value);
  void place(Value value);
  void report_duplicates(const ValueMap& members);
  void duplicate(const Member& again, Mark first);
  bool merge_into(ValueMap& members, const std::vector<size_t>& merges);
  bool awaits_key() const {
    return !frames_.empty() && frames_.back().is_map && !frames_.back().awaits_value;
  }

  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  std::vector<Document> documents_;
  std::vector<Member> stack_;
  std::vector<Frame> frames_;
  std::unordered_map<std::string, Anchor> anchors_;
  Value root_;
  size_t nodes_ = 0;
  size_t copied_bytes_ = 0;
};

std::string Builder::path() const {
  std::string out;
  for (size_t i = 0; i < frames_.size(); ++i) {
    const Frame& frame = frames_[i];
    size_t end = i + 1 < frames_.size() ? frames_[i + 1].start : stack_.size();
    if (!frame.is_map) {
      out += "[" + std::to_string(end - frame.start) + "]";
    } else if (frame.awaits_value && end > frame.start) {
      if (!out.empty()) out += '.';
      out += stack_[end - 1].name;
    }
  }
  return out;
}

bool Builder::count_nodes(size_t nodes, Mark mark) {
  nodes_ += nodes;
  if (nodes_ <= limits_.nodes) return true;
  return fail(mark, "more than " + std::to_string(limits_.nodes) + " nodes, aliases expanded",
              "split the file, or write less with aliases");
}

bool Builder::count_copy(const Weight& weight, Mark mark) {
  if (frames_.size() + weight.depth > limits_.depth) {
    return fail(mark, "aliases nest maps and lists deeper than " + std::to_string(limits_.depth));
  }
  copied_bytes_ += weight.bytes;
  if (copied_bytes_ > limits_.alias_bytes) {
    return fail(mark, "aliases expand to more than " + std::to_string(limits_.alias_bytes) + " bytes",
                "write less with aliases");
  }
  return count_nodes(weight.nodes, mark);
}

void Builder::place(Value value) {
  if (frames_.empty()) {
    root_ = std::move(value);
  } else if (frames_.back().is_map) {
    stack_.back().value = std::move(value);
    frames_.back().awaits_value = false;
  } else {
    stack_.push_back({{}, std::move(value), {}});
  }
}

void Builder::remember(const std::string& name, const Value& value) {
  Anchor anchor{value, {}, {}, false};
  weigh(value, 0, anchor.weight);
  anchors_[name] = std::move(anchor);
}

bool Builder::key(const yaml_event_t& event, Mark mark) {
  const auto& data = event.data.scalar;
  std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
  std::string_view tag = text_of(data.tag);
  std::string name;
  bool is_merge = text == "<<" && (data.plain_implicit || tag == "tag:yaml.org,2002:merge");
  if (is_merge || (tag.empty() && !data.plain_implicit)) {
    name = text;
  } else if (tag.empty()) {
    Scalar meaning = resolve_plain(text);
    if (meaning.kind == Scalar::Kind::kString) {
      name = text;
    } else {
      Result<std::string> found = scalar_key(meaning, text);
      if (!found) return fail(mark, found.error().message);
      name = std::move(*found);
    }
  } else {
    Result<Value> value = resolve_tagged(tag, text);
    if (!value) return fail(mark, value.error().message);
    // The tag only says which reading is meant; a key is text again afterwards.
    if (value->is_string()) {
      name = value->as_string();
    } else {
      Result<std::string> found = scalar_key(resolve_plain(text), text);
      if (!found) return fail(mark, found.error().message);
      name = std::move(*found);
    }
  }
  if (data.anchor != nullptr) {
    remember(std::string(text_of(data.anchor)), Value(name));
  }
  Frame& frame = frames_.back();
  if (is_merge) frame.merges.push_back(stack_.size());
  stack_.push_back({std::move(name), Value(), mark});
  frame.awaits_value = true;
  return true;
}

bool Builder::scalar(const yaml_event_t& event) {
  Mark mark = mark_of(event.start_mark);
  if (!count_nodes(1, mark)) return false;
  if (awaits_key()) return key(event, mark);
  const auto& data = event.data.scalar;
  std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
  Scalar meaning;  // a string, unless it is plain
  if (data.tag == nullptr && data.plain_implicit) meaning = resolve_plain(text);
  Value value;
  if (data.tag == nullptr && meaning.kind == Scalar::Kind::kString) {
    value = Value(text);
  } else {
    Result<Value> found =
        data.tag == nullptr ? scalar_value(meaning, text) : resolve_tagged(text_of(data.tag), text);
    if (found) {
      value = std::move(*found);
    } else {
      fail(mark, found.error().message);  // goes on: the rest of the file may have more to say
    }
  }
  value.set_mark(mark);
  if (data.anchor != nullptr) {
    std::string name(text_of(data.anchor));
    remember(name, value);
    Result<std::string> as_key = scalar_key(meaning, text);
    if (as_key) {
      anchors_[name].key = *as_key;
      anchors_[name].as_key = true;
    }
  }
  place(std::move(value));
  return true;
}

bool Builder::alias(const yaml_event_t& event) {
  Mark mark = mark_of(event.start_mark);
  std::string name(text_of(event.data.alias.anchor));
  for (const Frame& frame : frames_) {
    if (frame.anchor == name) return fail(mark, "anchor &" + name + " contains itself");
  }
  auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    return fail(mark, "unknown alias *" + name, "define it with &" + name + " earlier in the same document");
  }
  const Anchor& anchor = found->second;
  if (!count_copy(anchor.weight, mark)) return false;
  if (awaits_key()) {
    if (anchor.value.is_string()) {
      stack_.push_back({anchor.value.as_string(), Value(), mark});
    } else if (anchor.as_key) {
      stack_.push_back({anchor.key, Value(), mark});
    } else {
      return fail(mark,
                  "a map key must be a scalar, not a " + std::string(value_kind_name(anchor.value.kind())));
    }
    frames_.back().awaits_value = true;
    return true;
  }
  place(anchor.value);
  return true;
}

bool Builder::open(bool is_map, const yaml_char_t* anchor, Mark mark) {
  if (!count_nodes(1, mark)) return false;
  if (awaits_key()) return fail(mark, "a map key must be a scalar, not a map or list");
  if (frames_.size() >= limits_.depth) {
    return fail(mark, "maps and lists nest deeper than " + std::to_string(limits_.depth));
  }
  frames_.push_back({is_map, false, stack_.size(), mark, std::string(text_of(anchor))});
  return true;
}

bool Builder::close() {
  // path() must still see the frame while its mistakes are reported.
  Frame& frame = frames_.back();
  auto first = stack_.begin() + static_cast<ptrdiff_t>(frame.start);
  Value value;
  if (frame.is_map) {
    ValueMap members(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    if (frame.merges.empty()) {
      report_duplicates(members);
    } else if (!merge_into(members, frame.merges)) {
      return false;
    }
    value = Value(std::move(members));
  } else {
    ValueList items;
    items.reserve(stack_.size() - frame.start);
    for (auto it = first; it != stack_.end(); ++it) items.push_back(std::move(it->value));
    stack_.erase(first, stack_.end());
    value = Value(std::move(items));
  }
  value.set_mark(frame.mark);
  std::string anchor = std::move(frame.anchor);
  frames_.pop_back();
  if (!anchor.empty()) {
    remember(anchor, value);
    // The anchor keeps a copy of its own, which must be paid for like any other.
    if (!count_copy(anchors_[anchor].weight, value.mark())) return false;
  }
  place(std::move(value));
  return true;
}

void Builder::duplicate(const Member& again, Mark first) {
  std::string at = path();
  if (!at.empty()) at += '.';
  diagnostics_.error(again.mark, at + again.name, "duplicate key \"" + again.name + "\"",
                     "first written on " + line_text(first) + "; remove one of them");
}

void Builder::report_duplicates(const ValueMap& members) {
  for (auto [first, again] : duplicate_names(members)) {
    duplicate(members[again], members[first].mark);
  }
}

// Replaces the "<<" members by what they stand for. Keys below a merge overwrite what it brought.
bool Builder::merge_into(ValueMap& members, const std::vector<size_t>& merges) {
  size_t start = frames_.back().start;
  auto bad_source = [&](const Member& member) {
    return fail(member.mark, "a merge (<<) needs a map or a list of maps, got " +
                                 std::string(value_kind_name(member.value.kind())));
  };
  struct Slot {
    size_t index;
    bool merged;
  };
  std::unordered_map<std::string, Slot> slots;
  ValueMap out;
  auto merge = [&](const Value& source, Mark mark) {
    for (const Member& member : source.as_map()) {
      auto [slot, fresh] = slots.try_emplace(member.name, Slot{out.size(), true});
      if (fresh) {
        out.push_back(member);
      } else if (slot->second.merged) {
        out[slot->second.index] = member;
      } else {
        fail(mark, "the merge (<<) would overwrite the key \"" + member.name + "\"",
             "written on " + line_text(out[slot->second.index].mark) + "; put the merge first");
      }
    }
  };
  auto next_merge = merges.begin();  // they stand in order
  for (size_t i = 0; i < members.size(); ++i) {
    Member& member = members[i];
    if (next_merge == merges.end() || *next_merge != start + i) {
      auto [slot, fresh] = slots.try_emplace(member.name, Slot{out.size(), false});
      if (fresh) {
        out.push_back(std::move(member));
      } else if (slot->second.merged) {
        slot->second.merged = false;
        out[slot->second.index] = std::move(member);
      } else {
        duplicate(member, out[slot->second.index].mark);
      }
      continue;
    }
    ++next_merge;
    if (member.value.is_map()) {
      merge(member.value, member.mark);
    } else if (member.value.is_list()) {
      const ValueList& sources = member.value.as_list();
      for (auto it = sources.rbegin(); it != sources.rend(); ++it) {  // the first of a list wins
        if (!it->is_map()) return bad_source(member);
        merge(*it, member.mark);
      }
    } else {
      return bad_source(member);
    }
  }
  members = std::move(out);
  return true;
}

bool Builder::take(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      anchors_.clear();
      root_ = Value();
      return true;
    case YAML_DOCUMENT_END_EVENT:
      if (!root_.is_null()) {
        Mark mark = root_.mark();
        documents_.push_back({std::move(root_), mark});
      }
      root_ = Value();
      return true;
    case YAML_SCALAR_EVENT: return scalar(event);
    case YAML_ALIAS_EVENT: return alias(event);
    case YAML_SEQUENCE_START_EVENT:
      return open(false, event.data.sequence_start.anchor, mark_of(event.start_mark));
    case YAML_MAPPING_START_EVENT:
      return open(true, event.data.mapping_start.anchor, mark_of(event.start_mark));
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close();
    default: return true;
  }
}

// The place of a byte, for errors that libyaml reports as an offset only.
Mark mark_at(std::string_view text, size_t offset) {
  Mark mark{1, 1};
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++mark.line;
      mark.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      ++mark.column;
    }
  }
  return mark;
}

// True if the line has a tab among the blanks it starts with or at the place itself.
bool tab_near(std::string_view text, Mark mark) {
  size_t start = 0;
  for (uint32_t line = 1; line < mark.line; ++line) {
    start = text.find('\n', start);
    if (start == std::string_view::npos) return false;
    ++start;
  }
  for (size_t i = start; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\t') return true;
    if (text[i] != ' ' && i >= start + mark.column) return false;
  }
  return false;
}

void report_syntax(const yaml_parser_t& parser, std::string_view text, Diagnostics& diagnostics) {
  std::string problem = parser.problem != nullptr ? parser.problem : "not YAML";
  if (parser.error == YAML_MEMORY_ERROR) {
    diagnostics.error({}, {}, "out of memory while reading YAML");
    return;
  }
  if (parser.error == YAML_READER_ERROR) {
    diagnostics.error(mark_at(text, parser.problem_offset), {}, "not YAML: " + problem,
                      "the file must be UTF-8 text");
    return;
  }
  Mark mark = mark_of(parser.problem_mark);
  std::string message = "not YAML: " + problem;
  if (parser.context != nullptr) {
    message += std::string(" ") + parser.context;
    Mark context = mark_of(parser.context_mark);
    if (context.line != mark.line) message += " that starts on " + line_text(context);
  }
  diagnostics.error(mark, {}, message, tab_near(text, mark) ? "indent with spaces, not tabs" : "");
}

}  // namespace

std::vector<Document> parse_yaml(std::string_view text, Diagnostics& diagnostics, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    diagnostics.error({}, {},
                      "the file has " + std::to_string(text.size()) + " bytes; at most " +
                          std::to_string(limits.bytes) + " are read",
                      "split it");
    return {};
  }
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) {
    diagnostics.error({}, {}, "out of memory while reading YAML");
    return {};
  }
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  Builder builder(limits, diagnostics);
  for (bool more = true; more;) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser, &event) == 0) {
      report_syntax(parser, text, diagnostics);
      break;
    }
    more = event.type != YAML_STREAM_END_EVENT && builder.take(event);
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  return std::move(builder).take_documents();
}

std::vector<Document> flatten_list(Document document) {
  std::vector<Document> out, waiting;
  waiting.push_back(std::move(document));
  while (!waiting.empty()) {
    Document next = std::move(waiting.back());
    waiting.pop_back();
    Value* items = next.root.string_at("kind").ends_with("List") ? next.root.find("items") : nullptr;
    if (items == nullptr || !(items->is_list() || items->is_null())) {
      out.push_back(std::move(next));
    } else if (items->is_list()) {
      ValueList& list = items->as_list();
      for (auto it = list.rbegin(); it != list.rend(); ++it) {
        Mark mark = it->mark();
        waiting.push_back({std::move(*it), mark});
      }
    }
  }
  return out;
}

}  // namespace mainstay
