// The cells of carried kinds of the network, storage and the cluster.
#include <initializer_list>
#include <string>

#include "schema/base/lower.h"
#include "schema/decode.h"
#include "schema/table_cells.h"

namespace mainstay {
namespace {

std::string text(const Object& object, std::initializer_list<std::string_view> path) {
  const Value* value = generic_fields(object).find_path(path);
  if (value == nullptr) return {};
  if (value->is_string()) return value->as_string();
  if (value->is_int()) return std::to_string(value->as_int());
  if (value->is_bool()) return value->as_bool() ? "true" : "false";
  return {};
}

const ValueList& list(const Object& object, std::initializer_list<std::string_view> path) {
  static const ValueList kEmpty;
  const Value* value = generic_fields(object).find_path(path);
  return value != nullptr && value->is_list() ? value->as_list() : kEmpty;
}

// ---- network ----

Value hosts_cell(const Object& object, WallTime) {
  constexpr size_t kShown = 3;
  std::string out;
  size_t count = 0;
  for (const Value& rule : list(object, {"spec", "rules"})) {
    std::string_view host = rule.string_at("host");
    if (host.empty()) continue;
    if (++count <= kShown) out += (out.empty() ? "" : ",") + std::string(host);
  }
  if (count == 0) return "*";
  return count > kShown ? out + " + " + std::to_string(count - kShown) + " more..." : out;
}

Value ingress_address_cell(const Object& object, WallTime) {
  std::string out;
  for (const Value& ingress : list(object, {"status", "loadBalancer", "ingress"})) {
    std::string_view ip = ingress.string_at("ip");
    out += (out.empty() ? "" : ",") + std::string(ip.empty() ? ingress.string_at("hostname") : ip);
  }
  return out;
}

constexpr CellColumn kIngress[] = {
    kNameColumn,
    {{"Class", "string", ""},
     [](const Object& o, WallTime) -> Value { return or_none(text(o, {"spec", "ingressClassName"})); }},
    {{"Hosts", "string", ""}, &hosts_cell},
    {{"Address", "string", ""}, &ingress_address_cell},
    {{"Ports", "string", ""},
     [](const Object& o, WallTime) -> Value { return list(o, {"spec", "tls"}).empty() ? "80" : "80, 443"; }},
    kAgeColumn,
};

constexpr CellColumn kIngressClass[] = {
    kNameColumn,
    {{"Controller", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"spec", "controller"}); }},
    {{"Parameters", "string", ""},
     [](const Object& o, WallTime) -> Value {
       std::string kind = text(o, {"spec", "parameters", "kind"});
       std::string group = text(o, {"spec", "parameters", "apiGroup"});
       if (kind.empty()) return kNone;
       return kind + (group.empty() ? "" : "." + group) + "/" + text(o, {"spec", "parameters", "name"});
     }},
    kAgeColumn,
};

Value pod_selector_cell(const Object& object, WallTime) {
  const Value* value = generic_fields(object).find_path({"spec", "podSelector"});
  if (value == nullptr || !value->is_map()) return kNone;
  Diagnostics ignored;  // it was checked when it came in
  return selector_text(decode_as<LabelSelector>(*value, DecodeOptions{}, Path(), ignored));
}

constexpr CellColumn kNetworkPolicy[] = {
    kNameColumn, {{"Pod-Selector", "string", ""}, &pod_selector_cell}, kAgeColumn};

Value endpoints_cell(const Object& object, WallTime) {
  constexpr size_t kShown = 3;
  std::string out;
  size_t count = 0;
  for (const Value& subset : list(object, {"subsets"})) {
    const Value* addresses = subset.find("addresses");
    const Value* ports = subset.find("ports");
    if (addresses == nullptr || !addresses->is_list()) continue;
    size_t port_count = ports != nullptr && ports->is_list() ? ports->as_list().size() : 0;
    for (const Value& address : addresses->as_list()) {
      for (size_t p = 0; p < std::max<size_t>(port_count, 1); ++p) {
        if (++count > kShown) continue;
        out += (out.empty() ? "" : ",") + std::string(address.string_at("ip"));
        const Value* port = p < port_count ? ports->as_list()[p].find("port") : nullptr;
        if (port != nullptr && port->is_int()) out += ":" + std::to_string(port->as_int());
      }
    }
  }
  return count > kShown ? out + " + " + std::to_string(count - kShown) + " more..." : or_none(out);
}

constexpr CellColumn kEndpoints[] = {kNameColumn, {{"Endpoints", "string", ""}, &endpoints_cell}, kAgeColumn};

// ---- storage ----

std::string access_modes(const Object& object, std::initializer_list<std::string_view> path) {
  std::string out;
  for (const Value& mode : list(object, path)) {
    std::string_view word = mode.is_string() ? std::string_view(mode.as_string()) : std::string_view();
    std::string_view shown = word == "ReadWriteOnce" ? "RWO" : word == "ReadOnlyMany" ? "ROX"
                             : word == "ReadWriteMany" ? "RWX" : word == "ReadWriteOncePod" ? "RWOP" : word;
    out += (out.empty() ? "" : ",") + std::string(shown);
  }
  return out;
}

constexpr CellColumn kVolumeModeColumn{
    {"VolumeMode", "string", "", kWide},
    [](const Object& o, WallTime) -> Value { return text(o, {"spec", "volumeMode"}); }};
constexpr CellColumn kStorageClassColumn{
    {"StorageClass", "string", ""},
    [](const Object& o, WallTime) -> Value { return text(o, {"spec", "storageClassName"}); }};
constexpr CellColumn kPhaseColumn{{"Status", "string", ""}, [](const Object& o, WallTime) -> Value {
  return o.meta.deletion_timestamp != WallTime{} ? "Terminating" : text(o, {"status", "phase"});
}};
constexpr CellColumn kAttributesClassColumn{
    {"VolumeAttributesClass", "string", ""}, [](const Object& o, WallTime) -> Value {
      std::string name = text(o, {"spec", "volumeAttributesClassName"});
      return name.empty() ? "<unset>" : name;
    }};

constexpr CellColumn kPersistentVolume[] = {
    kNameColumn,
    {{"Capacity", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"spec", "capacity", "storage"}); }},
    {{"Access Modes", "string", ""},
     [](const Object& o, WallTime) -> Value { return access_modes(o, {"spec", "accessModes"}); }},
    {{"Reclaim Policy", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"spec", "persistentVolumeReclaimPolicy"}); }},
    kPhaseColumn,
    {{"Claim", "string", ""},
     [](const Object& o, WallTime) -> Value {
       std::string name = text(o, {"spec", "claimRef", "name"});
       return name.empty() ? "" : text(o, {"spec", "claimRef", "namespace"}) + "/" + name;
     }},
    kStorageClassColumn, kAttributesClassColumn,
    {{"Reason", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"status", "reason"}); }},
    kAgeColumn, kVolumeModeColumn,
};

constexpr CellColumn kPersistentVolumeClaim[] = {
    kNameColumn, kPhaseColumn,
    {{"Volume", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"spec", "volumeName"}); }},
    {{"Capacity", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"status", "capacity", "storage"}); }},
    {{"Access Modes", "string", ""},
     [](const Object& o, WallTime) -> Value { return access_modes(o, {"status", "accessModes"}); }},
    kStorageClassColumn, kAttributesClassColumn, kAgeColumn, kVolumeModeColumn,
};

Value storage_class_name_cell(const Object& object, WallTime) {
  const std::string* flag = map_find(object.meta.annotations, "storageclass.kubernetes.io/is-default-class");
  return object.meta.name + (flag != nullptr && *flag == "true" ? " (default)" : "");
}

constexpr CellColumn kStorageClass[] = {
    {{"Name", "string", "name"}, &storage_class_name_cell},
    {{"Provisioner", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"provisioner"}); }},
    {{"ReclaimPolicy", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"reclaimPolicy"}); }},
    {{"VolumeBindingMode", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"volumeBindingMode"}); }},
    {{"AllowVolumeExpansion", "string", ""},
     [](const Object& o, WallTime) -> Value {
       return text(o, {"allowVolumeExpansion"}) == "true" ? "true" : "false";
     }},
    kAgeColumn,
};

// ---- the cluster ----

constexpr CellColumn kPriorityClass[] = {
    kNameColumn,
    {{"Value", "integer", ""}, [](const Object& o, WallTime) -> Value { return text(o, {"value"}); }},
    {{"Global-Default", "boolean", ""},
     [](const Object& o, WallTime) -> Value {
       return text(o, {"globalDefault"}) == "true" ? "true" : "false";
     }},
    kAgeColumn,
    {{"PreemptionPolicy", "string", ""},
     [](const Object& o, WallTime) -> Value { return text(o, {"preemptionPolicy"}); }},
};

Value role_created_cell(const Object& object, WallTime) {
  WallTime created = object.meta.creation_timestamp;
  return created == WallTime{} ? "<unknown>" : format_rfc3339(created);
}

constexpr CellColumn kRole[] = {kNameColumn, {{"Created At", "date", ""}, &role_created_cell}};

Value role_ref_cell(const Object& object, WallTime) {
  return text(object, {"roleRef", "kind"}) + "/" + text(object, {"roleRef", "name"});
}

std::string subjects(const Object& object, std::string_view kind) {
  std::string out;
  for (const Value& subject : list(object, {"subjects"})) {
    if (subject.string_at("kind") != kind) continue;
    std::string_view ns = subject.string_at("namespace");
    out += (out.empty() ? "" : ", ") + (kind == "ServiceAccount" ? std::string(ns) + "/" : std::string()) +
           std::string(subject.string_at("name"));
  }
  return out;
}

constexpr CellColumn kBinding[] = {
    kNameColumn,
    {{"Role", "string", ""}, &role_ref_cell},
    kAgeColumn,
    {{"Users", "string", "", kWide}, [](const Object& o, WallTime) -> Value { return subjects(o, "User"); }},
    {{"Groups", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return subjects(o, "Group"); }},
    {{"ServiceAccounts", "string", "", kWide},
     [](const Object& o, WallTime) -> Value { return subjects(o, "ServiceAccount"); }},
};

Value revision_owner_cell(const Object& object, WallTime) {
  for (const OwnerReference& owner : object.meta.owner_references) {
    if (owner.controller != true) continue;
    std::string group = owner.api_version.substr(0, owner.api_version.find('/'));
    return lower_ascii(owner.kind) + (group == owner.api_version ? "" : "." + group) + "/" + owner.name;
  }
  return kNone;
}

constexpr CellColumn kControllerRevision[] = {
    kNameColumn,
    {{"Controller", "string", ""}, &revision_owner_cell},
    {{"Revision", "string", ""}, [](const Object& o, WallTime) -> Value { return text(o, {"revision"}); }},
    kAgeColumn,
};

}  // namespace

std::span<const CellColumn> cluster_columns(Kind kind) {
  switch (kind) {
    case Kind::kIngress: return kIngress;
    case Kind::kIngressClass: return kIngressClass;
    case Kind::kNetworkPolicy: return kNetworkPolicy;
    case Kind::kEndpoints: return kEndpoints;
    case Kind::kPersistentVolume: return kPersistentVolume;
    case Kind::kPersistentVolumeClaim: return kPersistentVolumeClaim;
    case Kind::kStorageClass: return kStorageClass;
    case Kind::kPriorityClass: return kPriorityClass;
    case Kind::kRole:
    case Kind::kClusterRole: return kRole;
    case Kind::kRoleBinding:
    case Kind::kClusterRoleBinding: return kBinding;
    case Kind::kControllerRevision: return kControllerRevision;
    default: return {};
  }
}

}  // namespace mainstay
