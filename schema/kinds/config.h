// ConfigMap, Secret, ServiceAccount and Namespace.
// Field names and meaning: the Kubernetes API, 1.33. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct ConfigMap {
  std::optional<bool> immutable;
  StringMap data;
  StringMap binary_data;

  static const TypeDesc kType;
};

struct Secret {
  std::optional<bool> immutable;
  StringMap data;
  StringMap string_data;
  std::string type;

  static const TypeDesc kType;
};

struct ServiceAccount {
  std::vector<ObjectReference> secrets;
  std::vector<LocalObjectReference> image_pull_secrets;
  std::optional<bool> automount_service_account_token;

  static const TypeDesc kType;
};

struct NamespaceSpec {
  std::vector<std::string> finalizers;

  static const TypeDesc kType;
};

struct NamespaceCondition {
  std::string type;
  std::string status;
  WallTime last_transition_time;
  std::string reason;
  std::string message;

  static const TypeDesc kType;
};

struct NamespaceStatus {
  std::string phase;
  std::vector<NamespaceCondition> conditions;

  static const TypeDesc kType;
};

struct Namespace {
  NamespaceSpec spec;
  NamespaceStatus status;

  static const TypeDesc kType;
};

}  // namespace mainstay
