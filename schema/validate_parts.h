// The validators of the parts that kinds share; see validate.h. Internal to validate*.cpp.
#pragma once

#include "schema/field_errors.h"
#include "schema/kinds/apps.h"
#include "schema/kinds/meta.h"
#include "schema/kinds/pod.h"
#include "schema/object.h"

namespace mainstay {

void validate_labels(FieldErrors& errors, const Path& path, const StringMap& labels);
void validate_annotations(FieldErrors& errors, const Path& path, const StringMap& annotations);
void validate_selector(FieldErrors& errors, const Path& path, const LabelSelector& selector);
// The same of a selector that is kept as a Value: `path` and `map` are of what holds it.
void validate_selector_at(FieldErrors& errors, const Path& path, const Value& map, std::string_view name);
// A number that is not negative, or a percentage.
void validate_amount(FieldErrors& errors, const Path& path, const IntOrString& value);
// An amount that as a percentage is at most 100%.
void validate_share(FieldErrors& errors, const Path& path, const IntOrString& value);

// `path` is the spec's.
void validate_pod_spec(FieldErrors& errors, const Path& path, const PodSpec& spec);
void validate_volumes(FieldErrors& errors, const Path& path, const std::vector<Volume>& volumes);
// `is_init`: an init container.
void validate_container(FieldErrors& errors, const Path& path, const Container& container, bool is_init,
                        const PodSpec& pod);
void validate_seccomp(FieldErrors& errors, const Path& path, const SeccompProfile& profile);
// One file of a volume: its place and mode.
void validate_volume_file(FieldErrors& errors, const Path& path, std::string_view target,
                          const std::optional<int32_t>& mode);
void validate_downward_items(FieldErrors& errors, const Path& path,
                             const std::vector<DownwardAPIVolumeFile>& items);
// Probes and lifecycle hooks.
void validate_container_handlers(FieldErrors& errors, const Path& path, const Container& container,
                                 bool is_init, const PodSpec& pod);
void validate_scheduling(FieldErrors& errors, const Path& path, const PodSpec& spec);
// Affinity between pods, topology spread, scheduling gates.
void validate_affinity(FieldErrors& errors, const Path& path, const PodSpec& spec);
void validate_resources(FieldErrors& errors, const Path& path, const ResourceRequirements& resources);

void validate_deployment(FieldErrors& errors, const DeploymentSpec& spec);
void validate_replica_set(FieldErrors& errors, const ReplicaSetSpec& spec);
void validate_service(FieldErrors& errors, const ServiceSpec& spec);
void validate_config_map(FieldErrors& errors, const ConfigMap& config);
void validate_secret(FieldErrors& errors, const Secret& secret, const ObjectMeta& meta);
void validate_node(FieldErrors& errors, const Node& node);
void validate_endpoint_slice(FieldErrors& errors, const EndpointSlice& slice);
// What traffic is led to or away from must not be an address that means each node itself, or nobody.
inline constexpr std::string_view kIpRule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
void validate_no_special(FieldErrors& errors, const Path& path, const std::string& text);
// [prefix/]name, where there is one; null if there is none.
void validate_qualified(FieldErrors& errors, const Path& path, const Value* name);
// `fields` are generic_fields() of the object.
void validate_endpoints(FieldErrors& errors, const Value& fields);
void validate_network_policy(FieldErrors& errors, const Value& fields);
void validate_disruption_budget(FieldErrors& errors, const Value& fields);
void validate_priority_class(FieldErrors& errors, const Object& object);
void validate_lease(FieldErrors& errors, const LeaseSpec& spec);
void validate_application(FieldErrors& errors, const ApplicationSpec& spec);

}  // namespace mainstay
