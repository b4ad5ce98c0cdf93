// Defaulting: the fields Kubernetes fills in when an object comes in, so that what a client reads back names
// every decision. Source: Kubernetes' defaulting functions (1.33) and the admission plugins of a stock
// cluster. All functions are idempotent and read nothing but their arguments. Any thread.
#pragma once

#include "schema/object.h"

namespace mainstay {

// Fills in what `object` leaves open, by kind: pod templates get the template defaults, Pods also those only
// Pods get (requests from limits). A Secret's stringData moves into its data. Kinds without behaviour get
// the scalar defaults that clients show.
void apply_defaults(Object& object);

// What admission adds to a Pod at its creation, never to a template: the service account "default",
// tolerations of not-ready and unreachable nodes for 300 s and, unless it is BestEffort, of memory pressure, phase
// Pending and the QoS class. (Its priority comes from what classes there are: reconciler/store/priority.h.) Requires a
// Pod on which apply_defaults has run.
void admit_pod(Object& pod);

// An update that leaves out what the server assigned keeps it: a Pod's priority; a Service's cluster IP (also where it
// is cleared), the node ports of ports of the same name, and the health check's. Where the new type has none, they go,
// unless the update names others. Of spec.clusterIP and spec.clusterIPs the one that alone was changed decides.
// Requires objects of one kind; call before apply_defaults(next). Source: Kubernetes' registry/core/service (1.33).
void keep_assigned(const Object& old, Object& next);

// The part of apply_defaults that templates and Pods share.
void default_pod_spec(PodSpec& spec);
// What only Pods get: requests equal to limits where only limits are given, enableServiceLinks.
void default_pod_only(PodSpec& spec);
// A carried kind's fields, as generic_fields() holds them.
void default_carried(Kind kind, Value& fields);

// "Always" for an image without tag or with the tag "latest"; "IfNotPresent" otherwise, also for a digest.
std::string_view default_pull_policy(std::string_view image);

}  // namespace mainstay
