// What the core takes in and what it gives out: plain values. Every edge speaks to the core by these only;
// a simulation makes them up. Core thread, except for building them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "reconciler/plan/draft.h"
#include "reconciler/store/journal.h"
#include "reconciler/store/lifecycle.h"
#include "reconciler/store/snapshot.h"
#include "schema/agent_messages.h"
#include "schema/desired_set.h"
#include "schema/object.h"
#include "schema/patch.h"

namespace mainstay {

struct NetworkFeed;

// Names one waiting requester; chosen by the edge that sends, unique in the process. 0: nobody waits.
using Ticket = uint64_t;

enum class FieldValidation : uint8_t { kStrict, kWarn, kIgnore };

// A write of an API client. Exactly one of the optional parts is used, as the verb says.
struct ApiWrite {
  enum class Verb : uint8_t {
    kCreate,    // object
    kUpdate,    // object, as PUT
    kPatch,     // patch; the result is created if kApply and there is none
    kDelete,    // delete_options
    kScale,     // replicas
    kBind,      // node: binds a pod
    kEvict,     // delete_options: a pod, through its disruption budget
    kFinalize,  // object: a namespace's spec.finalizers
  };
  Ticket ticket = 0;
  Verb verb = Verb::kCreate;
  Key key;                   // name may be empty for kCreate with generateName
  std::string actor;         // "user:admin", "system:node:n1"
  bool status_only = false;  // the status subresource: only status is taken
  bool dry_run = false;
  FieldValidation validation = FieldValidation::kStrict;
  std::shared_ptr<const Object> object;
  PatchType patch_type = PatchType::kMerge;
  std::shared_ptr<const Value> patch;
  std::string field_manager;
  bool force = false;
  std::optional<uint64_t> expected_version;  // 409 if the stored one differs
  DeleteOptions delete_options;
  int32_t replicas = 0;
  std::string node;
};

struct StatusCause {
  std::string reason, message, field;
};

// An API error as Kubernetes words it (kubectl-compat section 11).
struct ApiError {
  int code = 500;
  std::string reason;  // "NotFound"
  std::string message;
  std::string kind;  // details.kind: plural resource, except for 422
  std::string group, name, uid;
  std::vector<StatusCause> causes;
  std::optional<int> retry_after_seconds;
};

struct Answer {
  Ticket ticket = 0;
  std::optional<ApiError> error;
  ObjectPtr object;  // as it stands after the write (or would, for a dry run)
  bool created = false;
  bool gone = false;  // deleted for good
  std::vector<std::string> warnings;
  uint64_t version = 0;  // the version it was decided on; durable when the answer is released
};

// A numbered report of a node's agent. The answer says whether the node may stay and what it should send.
struct ReportIn {
  Ticket ticket = 0;
  NodeReport report;
};

// What a commit says about itself; never believed for more than printing and guards.
struct CommitFacts {
  std::string id;  // 40 or 64 hex digits
  std::string tree;
  std::string author;  // "Name <mail>"
  WallTime when;
  std::string subject;
  std::vector<std::pair<std::string, std::string>> trailers;
};

// What gitsync found for one application. Exactly one of set, mistakes and trouble is there, or none of them when
// a source that was away is back and what was said before stands.
struct SourceNews {
  std::string application;
  bool away = false;   // trouble: it could not be read at all; else what is there cannot be meant
  CommitFacts commit;  // empty for trouble before a commit was known
  DesiredSetPtr set;   // accepted by the reader
  // Of a commit with mistakes: the part that is right in itself. It is only looked at for what else is wrong.
  DesiredSetPtr readable;
  std::vector<std::string> mistakes;  // rendered diagnostics: file:line:column: error: path: message
  std::vector<std::string> warnings;
  std::string trouble;      // the source could not be read: hold the last good state
  std::string forced_from;  // history was rewritten: the commit that is no longer an ancestor
  bool is_tip = true;       // false for a commit that was asked for (SourceRequest)
};

// `mainstay sync`, `ack`, `rollback` and the like.
struct ApplicationOrder {
  enum class What : uint8_t { kSync, kAck, kRollback, kResume };
  Ticket ticket = 0;
  std::string application;
  What what = What::kSync;
  std::string commit;  // for kAck and kRollback
  std::string actor;
};

// The journal's own words come in as messages too, so that one thread sees everything in one order.
using Message =
    std::variant<ApiWrite, ReportIn, SourceNews, ApplicationOrder, Draft, JournalDurable, JournalRefused>;

// What an application declares, and since which commit: where every object comes from.
struct AppliedApplication {
  std::string name;
  std::string commit;  // "" before the first
  DesiredSetPtr set;          // what it declares, and what is held
  std::vector<Key> held = {};  // no longer declared, and not deleted before somebody acknowledges it
};

// A state that is on disk, with what led to it since the one before.
struct Publication {
  Snapshot view;
  uint64_t epoch = 0;
  std::string cluster_cidr;  // for the agents' packet filters
  std::shared_ptr<const NetworkFeed> network;  // the cluster's network as nodes are told it
  std::vector<AppliedApplication> applied;
  std::vector<Change> changes;             // in order, since the last publication
  std::vector<std::string> touched_nodes;  // whose assignment differs now; sorted
};

// A commit status to be posted to the forge.
struct StatusPost {
  std::string application;
  std::string commit;
  enum class State : uint8_t { kPending, kSuccess, kFailure, kError } state = State::kPending;
  std::string description;  // at most 140 characters
};

// A commit of a source's history that the core needs read, for a rollback.
struct SourceRequest {
  std::string application;
  std::string commit;
};

struct Effects {
  std::optional<Batch> batch;                      // for the journal
  std::vector<Answer> answers;                     // decided on durable state: let them go
  std::shared_ptr<const Publication> publication;  // null if nothing new is durable
  std::vector<StatusPost> posts;
  std::vector<SourceRequest> reads;
  std::vector<DraftRequest> drafts;  // for a worker; each is answered by one Draft
  std::vector<std::string> log;  // sentences for the operator
  bool writable = true;          // false while the journal refuses: /readyz says so
};

}  // namespace mainstay
