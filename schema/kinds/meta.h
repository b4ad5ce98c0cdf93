// Metadata that every object carries, and the small types all kinds share.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"

namespace mainstay {

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  std::optional<bool> controller;
  std::optional<bool> block_owner_deletion;

  static const TypeDesc kType;
};

struct ObjectMeta {
  std::string name;
  std::string generate_name;
  std::string ns;
  std::string uid;
  std::string resource_version;
  int64_t generation = 0;
  WallTime creation_timestamp;
  WallTime deletion_timestamp;
  std::optional<int64_t> deletion_grace_period_seconds;
  StringMap labels;
  StringMap annotations;
  std::vector<OwnerReference> owner_references;
  std::vector<std::string> finalizers;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct LabelSelectorRequirement {
  std::string key;
  std::string op;
  std::vector<std::string> values;

  static const TypeDesc kType;
};

struct LabelSelector {
  StringMap match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;

  static const TypeDesc kType;
};

struct Condition {
  std::string type;
  std::string status;
  int64_t observed_generation = 0;
  WallTime last_transition_time;
  std::string reason;
  std::string message;

  static const TypeDesc kType;
};

struct LocalObjectReference {
  std::string name;

  static const TypeDesc kType;
};

struct ObjectReference {
  std::string kind;
  std::string ns;
  std::string name;
  std::string uid;
  std::string api_version;
  std::string resource_version;
  std::string field_path;

  static const TypeDesc kType;
};

}  // namespace mainstay
