// How objects go: graceful deletion of pods, finalizers, propagation. One implementation for the API, the
// controllers and pruning. Rules: k8s-semantics sections 1.7 and 14. Core thread, inside a transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reconciler/store/transaction.h"

namespace mainstay {

// Finalizers the garbage collector acts on: an object waits for its dependents, or lets go of them, before it goes.
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
inline constexpr std::string_view kOrphanFinalizer = "orphan";

enum class Propagation : uint8_t { kBackground, kForeground, kOrphan };

struct DeleteOptions {
  std::optional<int64_t> grace_seconds;         // pods: else spec.terminationGracePeriodSeconds
  std::optional<Propagation> propagation;       // else the object's own finalizers, else background
  std::string precondition_uid;                 // "" is none
  std::optional<uint64_t> precondition_version;
};

struct Deleted {
  ObjectPtr object;  // as it stood last
  bool gone = false;  // false: deletionTimestamp is set and someone else finishes
};

// kNotFound, kConflict (precondition), kDenied (a namespace that must stay). Deleting what is being deleted
// already is no error; it may only shorten the grace. Unscheduled and terminal pods and those with grace 0 go at
// once, unless a finalizer holds them. A Namespace becomes Terminating and goes when update() finds it without
// finalizers of either sort.
Result<Deleted> delete_object(Transaction& txn, const Key& key, const DeleteOptions& options);

// A record of something that happened to an object, as `kubectl get events` shows it. Repeats of the same
// (object, part, reason, message, source) raise one Event's count. Of events that differ in their message alone nine
// stand; those that follow within ten minutes share one, which says the last of them (as the recorder of client-go
// aggregates). One that goes on is written 25 times, and then once in five minutes (as its spam filter does; what is
// left out is not counted either). Events expire after an hour (a controller's work). Beyond kEventLimit the oldest go
// once the cluster is at rest (the core's work), beyond kMostEvents at once. An object's events stand in its namespace,
// or in "default"; notes about a namespace that is going or gone are dropped.
inline constexpr size_t kEventLimit = 20'000, kMostEvents = 30'000;
struct Note {
  Key about;
  std::string uid;       // of `about`; "" if it never existed
  bool warning = false;
  std::string reason;    // at most 128 bytes
  std::string message;   // cut at 1,024 bytes
  std::string source;    // "deployment-controller", "default-scheduler", "kubelet"
  std::string host;      // node, for kubelet's
  std::string field_path;  // "spec.containers{web}" or ""
};
void record_note(Transaction& txn, const Note& note);
// "Node n1 status is now: NodeReady", in the words and from the sources of Kubernetes. `host` "" unless the kubelet's.
void record_node_status(Transaction& txn, const Object& node, std::string_view status, std::string_view source,
                        std::string_view host);

// Removes the oldest quarter of all events.
void drop_oldest_events(Transaction& txn);

}  // namespace mainstay
