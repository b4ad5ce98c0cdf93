// How objects go: graceful deletion of pods, finalizers, propagation. One implementation for the API, the
// controllers and pruning. Rules: k8s-semantics sections 1.7 and 14. Core thread, inside a transaction.
#pragma once

#include <optional>
#include <string>

#include "reconciler/store/transaction.h"

namespace mainstay {

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
// already is no error; it may only shorten the grace.
Result<Deleted> delete_object(Transaction& txn, const Key& key, const DeleteOptions& options);

// A record of something that happened to an object, as `kubectl get events` shows it. Repeats of the same
// (object, reason, message, source) raise the count of one Event. Events expire after an hour.
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

}  // namespace mainstay
