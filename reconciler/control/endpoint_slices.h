// From a Service and its pods to EndpointSlices and the older Endpoints, with as few rewrites as possible.
// Rules: k8s-semantics 8. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "reconciler/store/snapshot.h"
#include "schema/object.h"

namespace mainstay {

inline constexpr size_t kEndpointsPerSlice = 100;
inline constexpr size_t kAddressesPerEndpoints = 1000;
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr std::string_view kSliceManagerLabel = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view kSliceManager = "endpointslice-controller.k8s.io";
inline constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
inline constexpr std::string_view kEndpointsManagerLabel = "endpoints.kubernetes.io/managed-by";
inline constexpr std::string_view kEndpointsManager = "endpoint-controller";

// The service has endpoints that we keep: it selects pods, and is no mere alias.
bool keeps_endpoints(const Service& service);

// Endpoints that share their port numbers. A named target port may have another number in each pod.
struct EndpointGroup {
  std::vector<EndpointPort> ports;
  std::vector<Endpoint> endpoints;  // in the order of the pods
};
// Every pod that has an address and is not finished. `pods` match the service's selector; `view` tells zones.
std::vector<EndpointGroup> endpoint_groups(const Object& service, const std::vector<ObjectPtr>& pods,
                                           const Snapshot& view);

struct SlicePlan {
  std::vector<Object> create;
  std::vector<Object> update;
  std::vector<Key> remove;
};
// The writes that bring `existing` (the slices of this service that we manage) to `groups`. Endpoints stay in
// the slice they are in; new ones fill the fullest slice that has room. One empty slice stays when there is
// no endpoint.
SlicePlan plan_slices(const Object& service, std::vector<EndpointGroup> groups,
                      const std::vector<ObjectPtr>& existing, std::string_view manager = kSliceManager);

// The Endpoints object of the service: pods on their way out are left out, at most 1,000 addresses are named.
Object endpoints_object(const Object& service, const std::vector<ObjectPtr>& pods);

}  // namespace mainstay
