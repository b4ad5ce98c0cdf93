// Plan: the list of changes that takes live objects to a commit, with what is held back. It prints as text,
// Markdown (for pull requests) and JSON; no secret value ever stands in it. Immutable once made; any thread.
//
// One wave for now: creations and updates in the order of kinds, prunes last.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/plan/diff.h"
#include "reconciler/plan/guard.h"

namespace mainstay {

struct PlanInput {
  std::string application;
  std::string from;  // the commit applied last; "" before the first
  std::string to;    // the commit to apply
  const DesiredSet& desired;
  const DesiredSet* last = nullptr;  // as in DiffInput
  const Snapshot& live;
  std::span<const Claim> claims = {};
  std::span<const AppliedSet> earlier = {};
  std::span<const Key> held_before = {};
  std::optional<size_t> acknowledged_count = std::nullopt;
  bool acknowledged = false;
  bool prune = true;
  const std::set<Key>* suspects = nullptr;  // as in DiffInput
  ChangeSet* drafted = nullptr;  // the changes, if a worker has found them (draft.h); they are moved out
};

struct PlanCounts {
  size_t create = 0, update = 0, prune = 0;  // prune: without what is held
  size_t held = 0, unchanged = 0, leaving = 0;
};

struct Plan {
  std::string application;
  std::string from;
  std::string to;
  Digest set_hash{};
  ChangeSet changes;
  GuardVerdict guard;

  bool acceptable() const { return !changes.mistakes.has_errors(); }
  // Nothing would be written.
  bool empty() const;
  PlanCounts counts() const;
};

Plan make_plan(const PlanInput& input, SyncMemo* memo = nullptr);

// What is the application's once the plan is applied: the desired set, and what is held of the last one. It
// is the `last` of the next plan. Its hash is that of the desired set.
DesiredSet applied_set(const DesiredSet& desired, const DesiredSet* last, const GuardVerdict& guard);

// "2 to create, 1 to change, 3 to prune, 1 held, 40 unchanged".
std::string summary(const Plan& plan);

std::string plan_text(const Plan& plan);
std::string plan_markdown(const Plan& plan);
Value plan_json(const Plan& plan);
// One mistake as plan_json() has them: file, line, column, path, message, hint if there is one.
Value mistake_json(const Diagnostic& mistake);

}  // namespace mainstay
