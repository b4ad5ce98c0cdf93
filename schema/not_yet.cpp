#include "schema/not_yet.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "schema/encode.h"
#include "schema/field_errors.h"
#include "schema/json.h"
#include "schema/merge_rules.h"
#include "schema/validate.h"

namespace mainstay {
namespace {

// One feature we do not have: the field that asks for it, and what to call it. A field that holds `harmless`
// (as JSON), or nothing, does not ask. "*" is every field of the type that we only carry.
struct NotYet {
  std::string_view type;
  std::string_view field;
  std::string_view feature;
  std::string_view harmless = {};
};

constexpr NotYet kFields[] = {
    {"PodSpec", "ephemeralContainers", "ephemeral containers are"},
    {"PodSpec", "hostUsers", "user namespaces are", "true"},
    {"PodSpec", "runtimeClassName", "runtime classes are"},
    {"PodSpec", "resourceClaims", "dynamic resource allocation is"},
    {"PodSpec", "resources", "resources of a whole pod are"},
    {"Lifecycle", "stopSignal", "a stop signal other than the image's is"},
    {"Container", "volumeDevices", "raw block volumes are"},
    {"ResourceRequirements", "claims", "dynamic resource allocation is"},
    {"Volume", "persistentVolumeClaim", "persistent volume claims are"},
    {"Volume", "*", "volumes of this type are"},
    {"VolumeProjection", "clusterTrustBundle", "cluster trust bundles are"},
    {"PodSecurityContext", "appArmorProfile", "AppArmor profiles are", R"({"type":"Unconfined"})"},
    {"PodSecurityContext", "seLinuxOptions", "SELinux options are"},
    {"PodSecurityContext", "windowsOptions", "Windows options are"},
    {"SecurityContext", "appArmorProfile", "AppArmor profiles are", R"({"type":"Unconfined"})"},
    {"SecurityContext", "seLinuxOptions", "SELinux options are"},
    {"SecurityContext", "windowsOptions", "Windows options are"},
};

// The row that `field` of `type` with this value runs into; null if none.
const NotYet* find_row(const TypeDesc& type, const FieldDesc& field, const Value& value) {
  for (const NotYet& row : kFields) {
    bool named = row.field == field.name || (row.field == "*" && field.is_carried());
    if (row.type != type.name || !named) continue;
    bool boolean = value.is_bool();
    bool harmless = row.harmless.empty() ? value.is_null() || (boolean && !value.as_bool()) ||
                                               (value.is_string() && value.as_string().empty()) ||
                                               (value.is_list() && value.as_list().empty())
                                         : to_json(value) == row.harmless;
    return harmless ? nullptr : &row;
  }
  return nullptr;
}

// Calls visit(path, type, field, value) for each member of a tree that has a descriptor, outside of status;
// goes into a member only if visit says so.
template <typename Visit>
void walk(const Path& path, const TypeDesc& type, const Value& value, const Visit& visit) {
  if (!value.is_map()) return;
  for (const Member& member : value.as_map()) {
    const FieldDesc* field = type.find(member.name);
    if (field == nullptr || field->has(kStatus) || member.value.is_null()) continue;
    const Path here = path.field(field->name);
    if (!visit(here, type, *field, member.value) || field->type->shape != Shape::kStruct) continue;
    if (field->card == Card::kOne) walk(here, *field->type, member.value, visit);
    if (field->card != Card::kList || !member.value.is_list()) continue;
    for (size_t i = 0; i < member.value.as_list().size(); ++i) {
      walk(here.index(i), *field->type, member.value.as_list()[i], visit);
    }
  }
}

// Though no struct holds them: whoever acts on them reads the fields as they are kept.
bool is_acted_on(Kind kind) {
  return kind == Kind::kNetworkPolicy || kind == Kind::kPriorityClass || kind == Kind::kPodDisruptionBudget ||
         kind == Kind::kEndpoints;
}

Value body_of(const Object& object) {
  const void* storage = body_storage(object);
  return storage != nullptr ? to_value(*object.info().type, storage) : generic_fields(object);
}

// Of fields that are kept as they stand in the manifest: whoever acts on them reads them there.
bool is_read_as_written(const TypeDesc& type, const FieldDesc& field) {
  if (type.name == "Container") return field.name == "tty" || field.name == "stdin";
  if (type.name == "PodSpec") return field.name == "dnsConfig" || field.name == "setHostnameAsFQDN";
  if (type.name == "EndpointPort") return field.name != "appProtocol";
  constexpr std::string_view kTypes[] = {"IPBlock",         "PriorityClass",  "PodDisruptionBudgetSpec",
                                         "PodDNSConfig",    "Endpoints",      "PodDNSConfigOption",
                                         "EndpointSubset",  "EndpointAddress"};
  return type.name.starts_with("NetworkPolicy") ||
         std::find(std::begin(kTypes), std::end(kTypes), type.name) != std::end(kTypes);
}

// "spec.containers[2].tty" without "[2]".
std::string without_indexes(std::string path) {
  for (size_t at = path.find('['); at != std::string::npos; at = path.find('[', at)) {
    path.erase(at, path.find(']', at) - at + 1);
  }
  return path;
}

void report(const Path& path, bool is_error, std::string message, const Value* document,
            Diagnostics& diagnostics) {
  std::string text = path.text();
  Mark mark = document != nullptr ? locate(*document, text) : Mark{};
  if (is_error) {
    diagnostics.error(mark, std::move(text), std::move(message));
  } else {
    diagnostics.warning(mark, std::move(text), std::move(message));
  }
}

void check_kind(const Object& object, const NotYetOptions& options, const Value* document,
                Diagnostics& diagnostics) {
  const Path path("kind");
  if (object.kind == Kind::kApplication) {
    if (!options.from_git) return;
    report(path, true,
           "Application objects in a tree are not supported yet: declare the application in the daemon's "
           "configuration",
           document, diagnostics);
  } else if (is_carried_kind(object.kind)) {
    report(path, false, std::string(object.info().kind) +
                            " is carried, not acted on: it is kept and served, and nothing follows from it",
           document, diagnostics);
  }
}

// Nodes route IPv4 only. PreferDualStack is content with that.
void check_families(const ServiceSpec& spec, const Value* document, Diagnostics& diagnostics) {
  const std::string sentence = "IPv6 and dual-stack services are not supported yet";
  const Path path("spec");
  const Path families = path.field("ipFamilies"), addresses = path.field("clusterIPs");
  if (spec.ip_family_policy == "RequireDualStack") {
    report(path.field("ipFamilyPolicy"), true, sentence, document, diagnostics);
  }
  for (size_t i = 0; i < spec.ip_families.size(); ++i) {
    if (spec.ip_families[i] == "IPv6") report(families.index(i), true, sentence, document, diagnostics);
  }
  for (size_t i = 0; i < spec.cluster_ips.size(); ++i) {
    bool v6 = spec.cluster_ips[i].find(':') != std::string::npos;
    if (v6) report(addresses.index(i), true, sentence, document, diagnostics);
  }
}

}  // namespace

bool is_carried_kind(Kind kind) {
  return !kind_info(kind).typed() && !is_acted_on(kind);
}

void check_not_yet(const Object& object, const NotYetOptions& options, const Value* document,
                   Diagnostics& diagnostics) {
  check_kind(object, options, document, diagnostics);
  if (!object.info().typed()) return;
  if (object.kind == Kind::kService) check_families(as<Service>(object).spec, document, diagnostics);
  // Decoding the document gave the object, so both say the same, and the document need not be made again.
  Value made;
  if (document == nullptr) made = body_of(object);
  const Value& body = document != nullptr ? *document : made;
  bool host_network = false;
  auto visit = [&](const Path& path, const TypeDesc& type, const FieldDesc& field, const Value& value) {
    // With the host's network a container's ports are the host's already.
    if (field.type->name == "PodSpec") {
      const Value* flag = value.find("hostNetwork");
      host_network = flag != nullptr && flag->is_bool() && flag->as_bool();
    }
    if (host_network && type.name == "ContainerPort" && field.name == "hostPort") return true;
    const NotYet* row = find_row(type, field, value);
    if (row == nullptr) return true;
    report(path, true, std::string(row->feature) + " not supported yet", document, diagnostics);
    return false;
  };
  walk(Path(), *object.info().type, body, visit);
}

std::string_view standing_of(const TypeDesc& type, const FieldDesc& field) {
  for (const NotYet& row : kFields) {
    bool named = row.field == field.name || (row.field == "*" && field.is_carried());
    if (row.type == type.name && named) return "Not supported yet: a manifest that asks for it is refused.";
  }
  if (!field.is_carried() || field.has(kStatus) || is_read_as_written(type, field)) return "";
  return "Kept and served here, but nothing follows from it.";
}

std::string_view standing_of(Kind kind) {
  return is_carried_kind(kind) ? "Kept and served here, but nothing follows from it." : "";
}

std::vector<std::string> not_enforced(Kind kind, const Value& declared) {
  if (is_acted_on(kind)) return {};
  if (is_carried_kind(kind)) return {"(the whole object)"};
  std::set<std::string> out;
  auto visit = [&](const Path& path, const TypeDesc& type, const FieldDesc& field, const Value& value) {
    if (!field.is_carried()) return true;
    bool harmless = is_read_as_written(type, field);
    for (const NotYet& row : kFields) {
      harmless |= row.type == type.name && row.field == field.name && find_row(type, field, value) == nullptr;
    }
    if (!harmless) out.insert(without_indexes(path.text()));
    return false;
  };
  walk(Path(), *kind_info(kind).type, declared, visit);
  return {out.begin(), out.end()};
}

}  // namespace mainstay
