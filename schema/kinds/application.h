// Argo CD's Application: what a Git repository declares, and how it is kept so.
// Field names and meaning: argoproj.io/v1alpha1. Members not listed here
// are carried (schema/descriptor.h). Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/descriptor.h"
#include "schema/kinds/meta.h"

namespace mainstay {

struct ApplicationDirectory {
  bool recurse = false;
  std::string exclude;
  std::string include;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ApplicationSource {
  std::string repo_url;
  std::string path;
  std::string target_revision;
  Box<ApplicationDirectory> directory;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ApplicationDestination {
  std::string server;
  std::string ns;
  std::string name;

  static const TypeDesc kType;
};

struct SyncPolicyAutomated {
  bool prune = false;
  bool self_heal = false;
  bool allow_empty = false;
  std::optional<bool> enabled;

  static const TypeDesc kType;
};

struct SyncPolicy {
  Box<SyncPolicyAutomated> automated;
  std::vector<std::string> sync_options;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ApplicationSpec {
  Box<ApplicationSource> source;
  ApplicationDestination destination;
  std::string project;
  Box<SyncPolicy> sync_policy;
  std::optional<int64_t> revision_history_limit;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ComparedTo {
  ApplicationSource source;
  ApplicationDestination destination;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct SyncStatus {
  std::string status;
  Box<ComparedTo> compared_to;
  std::string revision;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct HealthStatus {
  std::string status;
  std::string message;
  WallTime last_transition_time;

  static const TypeDesc kType;
};

struct ResourceStatus {
  std::string group;
  std::string version;
  std::string kind;
  std::string ns;
  std::string name;
  std::string status;
  Box<HealthStatus> health;
  bool requires_pruning = false;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct RevisionHistory {
  std::string revision;
  WallTime deployed_at;
  int64_t id = 0;
  Box<ApplicationSource> source;
  WallTime deploy_started_at;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ApplicationCondition {
  std::string type;
  std::string message;
  WallTime last_transition_time;

  static const TypeDesc kType;
};

struct ApplicationSummary {
  std::vector<std::string> images;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct SyncOperationResult {
  std::string revision;
  Box<ApplicationSource> source;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct OperationState {
  std::string phase;
  std::string message;
  Box<SyncOperationResult> sync_result;
  WallTime started_at;
  WallTime finished_at;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct ApplicationStatus {
  std::vector<ResourceStatus> resources;
  SyncStatus sync;
  HealthStatus health;
  std::vector<RevisionHistory> history;
  std::vector<ApplicationCondition> conditions;
  WallTime reconciled_at;
  Box<OperationState> operation_state;
  std::string source_type;
  ApplicationSummary summary;
  Box<Value> carried;

  static const TypeDesc kType;
};

struct Application {
  ApplicationSpec spec;
  ApplicationStatus status;
  Box<Value> carried;

  static const TypeDesc kType;
};

}  // namespace mainstay
