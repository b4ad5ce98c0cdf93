#include "reconciler/api/discovery.h"

#include <sys/utsname.h>

#include <algorithm>
#include <vector>

#include "reconciler/api/negotiate.h"
#include "reconciler/api/openapi_v2.h"
#include "reconciler/api/scale.h"
#include "reconciler/api/status_response.h"
#include "schema/base/lower.h"
#include "schema/json.h"
#include "schema/kind.h"

namespace mainstay::api {
namespace {

struct Gvk {
  std::string group, version, kind;
};

struct Subresource {
  std::string name;
  Gvk response;
  std::vector<std::string> verbs;
};

struct Resource {
  std::string plural, singular;
  Gvk response;
  bool namespaced = true;
  std::vector<std::string> verbs, short_names, categories;
  std::vector<Subresource> subresources;
};

struct GroupVersion {
  std::string group, version;
  std::vector<Resource> resources;
  std::string name() const { return group.empty() ? version : group + "/" + version; }
};

const std::vector<std::string> kAllVerbs = {"create", "delete", "deletecollection", "get",
                                            "list",   "patch",  "update",           "watch"};
const std::vector<std::string> kChangeVerbs = {"get", "patch", "update"};

std::vector<Subresource> subresources_of(const KindInfo& info) {
  Gvk self{std::string(info.group), std::string(info.version), std::string(info.kind)};
  std::vector<Subresource> out;
  if (info.id == Kind::kPod) {
    out.push_back({"binding", {"", "v1", "Binding"}, {"create"}});
    out.push_back({"eviction", {"policy", "v1", "Eviction"}, {"create"}});
    out.push_back({"log", self, {"get"}});
  }
  if (info.id == Kind::kServiceAccount) {
    out.push_back({"token", {"authentication.k8s.io", "v1", "TokenRequest"}, {"create"}});
  }
  if (info.id == Kind::kNamespace) out.push_back({"finalize", self, {"update"}});
  if (has_scale(info.id)) out.push_back({"scale", {"autoscaling", "v1", "Scale"}, kChangeVerbs});
  if (info.has_status) out.push_back({"status", self, kChangeVerbs});
  return out;
}

Resource resource_of(const KindInfo& info) {
  Resource out;
  out.plural = info.plural;
  out.singular = info.singular;
  out.response = {std::string(info.group), std::string(info.version), std::string(info.kind)};
  out.namespaced = info.namespaced;
  out.verbs = kAllVerbs;
  out.short_names.assign(info.short_names.begin(), info.short_names.end());
  if (info.in_all) out.categories = {"all"};
  out.subresources = subresources_of(info);
  return out;
}

// A resource that is only asked, never stored.
Resource question(std::string plural, std::string singular, Gvk response) {
  return {std::move(plural), std::move(singular), std::move(response), false, {"create"}, {}, {}, {}};
}

std::vector<GroupVersion> all_group_versions() {
  std::vector<GroupVersion> out;
  auto add = [&](const std::string& group, const std::string& version, Resource resource) {
    auto it = std::find_if(out.begin(), out.end(),
                           [&](const GroupVersion& gv) { return gv.group == group && gv.version == version; });
    if (it == out.end()) it = out.insert(out.end(), {group, version, {}});
    it->resources.push_back(std::move(resource));
  };
  for (const KindInfo& info : all_kinds()) add(std::string(info.group), std::string(info.version), resource_of(info));
  const std::string authz = "authorization.k8s.io", authn = "authentication.k8s.io";
  for (const char* kind : {"SelfSubjectAccessReview", "SelfSubjectRulesReview"}) {
    std::string singular = lower_ascii(kind);
    add(authz, "v1", question(singular + "s", singular, {authz, "v1", kind}));
  }
  add(authn, "v1", question("selfsubjectreviews", "selfsubjectreview", {authn, "v1", "SelfSubjectReview"}));
  // kubectl 1.27 asks for this version only.
  add(authn, "v1beta1", question("selfsubjectreviews", "selfsubjectreview", {authn, "v1beta1", "SelfSubjectReview"}));
  add(authn, "v1", question("tokenreviews", "tokenreview", {authn, "v1", "TokenReview"}));
  std::stable_sort(out.begin(), out.end(),
                   [](const GroupVersion& a, const GroupVersion& b) { return a.group < b.group; });
  for (GroupVersion& gv : out) {
    std::sort(gv.resources.begin(), gv.resources.end(),
              [](const Resource& a, const Resource& b) { return a.plural < b.plural; });
  }
  return out;
}

Value strings(const std::vector<std::string>& texts) {
  Value out = Value::list();
  for (const std::string& text : texts) out.push(text);
  return out;
}

Value gvk_value(const Gvk& gvk) {
  Value out = Value::map();
  out.set("group", gvk.group);
  out.set("version", gvk.version);
  out.set("kind", gvk.kind);
  return out;
}

Value aggregated_resource(const Resource& resource) {
  Value out = Value::map();
  out.set("resource", resource.plural);
  out.set("responseKind", gvk_value(resource.response));
  out.set("scope", resource.namespaced ? "Namespaced" : "Cluster");
  out.set("singularResource", resource.singular);
  out.set("verbs", strings(resource.verbs));
  if (!resource.short_names.empty()) out.set("shortNames", strings(resource.short_names));
  if (!resource.categories.empty()) out.set("categories", strings(resource.categories));
  Value subresources = Value::list();
  for (const Subresource& sub : resource.subresources) {
    Value row = Value::map();
    row.set("subresource", sub.name);
    row.set("responseKind", gvk_value(sub.response));
    row.set("verbs", strings(sub.verbs));
    subresources.push(std::move(row));
  }
  if (!resource.subresources.empty()) out.set("subresources", std::move(subresources));
  return out;
}

// The core group has no name and is served at /api; all others at /apis.
Bytes aggregated(const std::vector<GroupVersion>& all, bool core, const std::string& version) {
  Value items = Value::list();
  for (const GroupVersion& gv : all) {
    if (gv.group.empty() != core) continue;
    Value resources = Value::list();
    for (const Resource& resource : gv.resources) resources.push(aggregated_resource(resource));
    Value entry = Value::map();
    entry.set("version", gv.version);
    entry.set("resources", std::move(resources));
    entry.set("freshness", "Current");
    Value metadata = Value::map();
    metadata.set("creationTimestamp", Value());
    if (!core) metadata.set("name", gv.group);
    Value versions = Value::list();
    versions.push(std::move(entry));
    Value item = Value::map();
    item.set("metadata", std::move(metadata));
    item.set("versions", std::move(versions));
    items.push(std::move(item));
  }
  Value out = Value::map();
  out.set("kind", "APIGroupDiscoveryList");
  out.set("apiVersion", "apidiscovery.k8s.io/" + version);
  out.set("metadata", Value::map());
  out.set("items", std::move(items));
  return make_bytes(to_json(out) + "\n");
}

Value legacy_entry(const Resource& resource, const std::string& name, const Gvk& kind, const GroupVersion& gv,
                   const std::vector<std::string>& verbs) {
  Value out = Value::map();
  out.set("name", name);
  out.set("singularName", name == resource.plural ? resource.singular : "");
  out.set("namespaced", resource.namespaced);
  if (kind.group != gv.group || kind.version != gv.version) {
    out.set("group", kind.group);
    out.set("version", kind.version);
  }
  out.set("kind", kind.kind);
  out.set("verbs", strings(verbs));
  return out;
}

Bytes legacy_resources(const GroupVersion& gv) {
  Value resources = Value::list();
  for (const Resource& resource : gv.resources) {
    Value entry = legacy_entry(resource, resource.plural, resource.response, gv, resource.verbs);
    if (!resource.short_names.empty()) entry.set("shortNames", strings(resource.short_names));
    if (!resource.categories.empty()) entry.set("categories", strings(resource.categories));
    resources.push(std::move(entry));
    for (const Subresource& sub : resource.subresources) {
      resources.push(legacy_entry(resource, resource.plural + "/" + sub.name, sub.response, gv, sub.verbs));
    }
  }
  Value out = Value::map();
  out.set("kind", "APIResourceList");
  out.set("apiVersion", "v1");
  out.set("groupVersion", gv.name());
  out.set("resources", std::move(resources));
  return make_bytes(to_json(out) + "\n");
}

Value group_value(const GroupVersion& gv) {
  Value version = Value::map();
  version.set("groupVersion", gv.name());
  version.set("version", gv.version);
  Value versions = Value::list();
  versions.push(version);
  Value out = Value::map();
  out.set("name", gv.group);
  out.set("versions", std::move(versions));
  out.set("preferredVersion", std::move(version));
  return out;
}

Bytes group_document(const GroupVersion& gv) {
  Value out = Value::map();
  out.set("kind", "APIGroup");
  out.set("apiVersion", "v1");
  Value group = group_value(gv);
  for (Member& member : group.as_map()) out.set(member.name, std::move(member.value));
  return make_bytes(to_json(out) + "\n");
}

Bytes version_document(std::string_view version) {
  std::string_view rest = version.substr(version.starts_with('v') ? 1 : 0);
  std::string major(rest.substr(0, rest.find('.')));
  rest.remove_prefix(std::min(major.size() + 1, rest.size()));
  std::string minor(rest.substr(0, rest.find('.')));
  utsname machine{};
  uname(&machine);
  std::string arch = machine.machine;
  if (arch == "x86_64") arch = "amd64";
  if (arch == "aarch64") arch = "arm64";
  Value out = Value::map();
  out.set("major", major);
  out.set("minor", minor);
  out.set("gitVersion", version);
  out.set("gitCommit", "");
  out.set("gitTreeState", "clean");
  out.set("buildDate", "1970-01-01T00:00:00Z");
  out.set("goVersion", "none: mainstay is C++");
  out.set("compiler", "gcc");
  out.set("platform", "linux/" + arch);
  return make_bytes(to_json(out) + "\n");
}

}  // namespace

Discovery::Discovery(std::string_view version) {
  std::vector<GroupVersion> all = all_group_versions();
  version_ = version_document(version);
  openapi_v2_ = make_bytes(openapi_v2(version));
  core_ = {aggregated(all, true, "v2"), aggregated(all, true, "v2beta1")};
  groups_ = {aggregated(all, false, "v2"), aggregated(all, false, "v2beta1")};
  Value groups = Value::list();
  for (const GroupVersion& gv : all) {
    documents_[gv.group.empty() ? "/api/" + gv.version : "/apis/" + gv.name()] = legacy_resources(gv);
    if (gv.group.empty()) continue;
    documents_["/apis/" + gv.group] = group_document(gv);
    groups.push(group_value(gv));
  }
  Value list = Value::map();
  list.set("kind", "APIGroupList");
  list.set("apiVersion", "v1");
  list.set("groups", std::move(groups));
  group_list_ = make_bytes(to_json(list) + "\n");
  Value range = Value::map();
  range.set("clientCIDR", "0.0.0.0/0");
  range.set("serverAddress", "");
  Value ranges = Value::list();
  ranges.push(std::move(range));
  Value versions = Value::map();
  versions.set("kind", "APIVersions");
  versions.set("versions", strings({"v1"}));
  versions.set("serverAddressByClientCIDRs", std::move(ranges));
  api_versions_ = make_bytes(to_json(versions) + "\n");
}

Response Discovery::api_root(const Request& request, const Aggregated& documents, const Bytes& legacy) const {
  Accepted accepted = accept_discovery(request.header("Accept"));
  if (accepted.form == Form::kNone) {
    return failure(406, "NotAcceptable", "only the following media types are accepted: application/json");
  }
  if (accepted.form != Form::kDiscovery) return {200, "application/json", legacy, {{"Vary", "Accept"}}};
  std::string type = "application/json;g=apidiscovery.k8s.io;v=" + accepted.version + ";as=APIGroupDiscoveryList";
  return {200, type, accepted.version == "v2" ? documents.v2 : documents.v2beta1, {{"Vary", "Accept"}}};
}

Response Discovery::answer(const Request& request) const {
  std::string_view path = request.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/api") return api_root(request, core_, api_versions_);
  if (path == "/apis") return api_root(request, groups_, group_list_);
  if (path == "/version") return {200, "application/json", version_, {}};
  if (path == "/openapi/v2") {
    return {200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", openapi_v2_, {}};
  }
  auto it = documents_.find(path);
  return {200, "application/json", it == documents_.end() ? nullptr : it->second, {}};
}

}  // namespace mainstay::api
