#include "schema/validate.h"

#include <algorithm>
#include <string>

#include "schema/base/lower.h"
#include "schema/decode.h"
#include "schema/encode.h"
#include "schema/validate_parts.h"

namespace mainstay {
namespace {

constexpr size_t kLargestAnnotations = 256 << 10;

void validate_name(FieldErrors& errors, const Path& metadata, const Object& object) {
  const ObjectMeta& meta = object.meta;
  if (!meta.generate_name.empty()) {
    // What follows the prefix makes it end well.
    std::string probe = meta.generate_name;
    while (probe.ends_with('-')) probe.pop_back();
    if (!probe.empty()) {
      errors.problems(metadata.field("generateName"), meta.generate_name,
                      object_name_problems(object.kind, probe));
    }
  }
  if (!meta.name.empty()) {
    errors.problems(metadata.field("name"), meta.name, object_name_problems(object.kind, meta.name));
  } else if (meta.generate_name.empty()) {
    errors.required(metadata.field("name"), "name or generateName is required");
  }
  const Path ns = metadata.field("namespace");
  if (!object.info().namespaced) {
    if (!meta.ns.empty()) errors.forbidden(ns, "not allowed on this type");
  } else if (!meta.ns.empty()) {
    errors.problems(ns, meta.ns, dns_label_problems(meta.ns));
  }
}

void validate_owners(FieldErrors& errors, const Path& path, const std::vector<OwnerReference>& owners) {
  bool controlled = false;
  for (size_t i = 0; i < owners.size(); ++i) {
    const OwnerReference& owner = owners[i];
    const Path here = path.index(i);
    if (owner.api_version.empty()) errors.invalid(here.field("apiVersion"), "", "version must not be empty");
    if (owner.kind.empty()) errors.invalid(here.field("kind"), "", "must not be empty");
    if (owner.name.empty()) errors.invalid(here.field("name"), "", "must not be empty");
    if (owner.uid.empty()) errors.invalid(here.field("uid"), "", "must not be empty");
    if (owner.controller != true) continue;
    if (controlled) {
      errors.invalid_shown(path, "{}", "Only one reference can have Controller set to true");
    }
    controlled = true;
  }
}

void validate_meta(FieldErrors& errors, const Object& object) {
  const Path metadata("metadata");
  validate_name(errors, metadata, object);
  validate_labels(errors, metadata.field("labels"), object.meta.labels);
  validate_annotations(errors, metadata.field("annotations"), object.meta.annotations);
  validate_owners(errors, metadata.field("ownerReferences"), object.meta.owner_references);
  const Path finalizers = metadata.field("finalizers");
  for (size_t i = 0; i < object.meta.finalizers.size(); ++i) {
    const std::string& name = object.meta.finalizers[i];
    errors.problems(finalizers.index(i), name, qualified_name_problems(name));
  }
}

// Fields that the API's description calls required, but that its servers do without.
bool is_required_on_paper_only(const TypeDesc& type, const FieldDesc& field) {
  return (type.name == "StatefulSetSpec" && field.name == "serviceName") ||
         (type.name == "NetworkPolicySpec" && field.name == "podSelector") || field.card != Card::kOne;
}

// Reports required fields that are absent from a tree which is kept as a Value. Fields with C++ storage are
// always written by to_value; their own validators look at them.
void validate_presence(FieldErrors& errors, const Path& path, const Value& value, const TypeDesc& type) {
  if (!value.is_map()) return;
  for (const FieldDesc& field : type.fields) {
    if (field.has(kStatus)) continue;
    const Path here = path.field(field.name);
    const Value* inner = value.find(field.name);
    if (inner == nullptr || inner->is_null()) {
      bool absent = field.has(kRequired) && (field.is_carried() || type.size == 0);
      if (absent && !is_required_on_paper_only(type, field)) errors.required(here);
      continue;
    }
    if (field.type->shape != Shape::kStruct) continue;
    if (field.card == Card::kOne) {
      validate_presence(errors, here, *inner, *field.type);
    } else if (field.card == Card::kList && inner->is_list()) {
      for (size_t i = 0; i < inner->as_list().size(); ++i) {
        validate_presence(errors, here.index(i), inner->as_list()[i], *field.type);
      }
    } else if (field.card == Card::kMap && inner->is_map()) {
      for (const Member& member : inner->as_map()) {
        validate_presence(errors, here.key(member.name), member.value, *field.type);
      }
    }
  }
}

void validate_body(FieldErrors& errors, const Object& object) {
  switch (object.kind) {
    case Kind::kPod: return validate_pod_spec(errors, Path("spec"), as<Pod>(object).spec);
    case Kind::kDeployment: return validate_deployment(errors, as<Deployment>(object).spec);
    case Kind::kReplicaSet: return validate_replica_set(errors, as<ReplicaSet>(object).spec);
    case Kind::kService: return validate_service(errors, as<Service>(object).spec);
    case Kind::kEndpointSlice: return validate_endpoint_slice(errors, as<EndpointSlice>(object));
    case Kind::kConfigMap: return validate_config_map(errors, as<ConfigMap>(object));
    case Kind::kSecret: return validate_secret(errors, as<Secret>(object), object.meta);
    case Kind::kNode: return validate_node(errors, as<Node>(object));
    case Kind::kEndpoints: return validate_endpoints(errors, generic_fields(object));
    case Kind::kNetworkPolicy: return validate_network_policy(errors, generic_fields(object));
    case Kind::kPodDisruptionBudget: return validate_disruption_budget(errors, generic_fields(object));
    case Kind::kPriorityClass: return validate_priority_class(errors, object);
    case Kind::kLease: return validate_lease(errors, as<Lease>(object).spec);
    case Kind::kApplication: return validate_application(errors, as<Application>(object).spec);
    default: return;
  }
}

}  // namespace

void validate_selector_at(FieldErrors& errors, const Path& path, const Value& map, std::string_view name) {
  const Value* found = map.find(name);
  if (found == nullptr || !found->is_map()) return;
  Diagnostics unused;  // its shape was checked when it was decoded
  LabelSelector selector = decode_as<LabelSelector>(*found, {UnknownFields::kIgnore}, Path(), unused);
  validate_selector(errors, path.field(name), selector);
}

void validate_labels(FieldErrors& errors, const Path& path, const StringMap& labels) {
  for (const auto& [key, value] : labels) {
    errors.problems(path.key(key), key, qualified_name_problems(key));
    errors.problems(path.key(key), value, label_value_problems(value));
  }
}

void validate_annotations(FieldErrors& errors, const Path& path, const StringMap& annotations) {
  size_t total = 0;
  for (const auto& [key, value] : annotations) {
    errors.problems(path.key(key), key, qualified_name_problems(lower_ascii(key)));
    total += key.size() + value.size();
  }
  if (total > kLargestAnnotations) errors.too_long(path, kLargestAnnotations);
}

void validate_selector(FieldErrors& errors, const Path& path, const LabelSelector& selector) {
  validate_labels(errors, path.field("matchLabels"), selector.match_labels);
  const Path expressions = path.field("matchExpressions");
  for (size_t i = 0; i < selector.match_expressions.size(); ++i) {
    const LabelSelectorRequirement& requirement = selector.match_expressions[i];
    const Path here = expressions.index(i);
    const Path values = here.field("values");
    if (requirement.op == "In" || requirement.op == "NotIn") {
      if (requirement.values.empty()) {
        errors.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (requirement.op == "Exists" || requirement.op == "DoesNotExist") {
      if (!requirement.values.empty()) {
        errors.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      errors.invalid(here.field("operator"), requirement.op, "not a valid selector operator");
    }
    errors.problems(here.field("key"), requirement.key, qualified_name_problems(requirement.key));
    for (size_t v = 0; v < requirement.values.size(); ++v) {
      errors.problems(values.index(v), requirement.values[v], label_value_problems(requirement.values[v]));
    }
  }
}

void validate(const Object& object, const Value* document, Diagnostics& diagnostics) {
  FieldErrors errors(diagnostics, document);
  validate_meta(errors, object);
  validate_body(errors, object);
  const TypeDesc& type = *object.info().type;
  const void* storage = body_storage(object);
  validate_presence(errors, Path(), storage != nullptr ? to_value(type, storage) : generic_fields(object),
                    type);
}

}  // namespace mainstay
