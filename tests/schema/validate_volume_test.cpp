// Validation of what is in a pod: volumes and their sources, mounts, security contexts, sysctls.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "schema/validate.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using Lines = std::vector<std::string>;

Lines pod_problems(const std::string& members, const std::string& container = "") {
  Object decoded = testing::object(
      "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i" +
      (container.empty() ? "" : ", " + container) + "}]" + (members.empty() ? "" : ", " + members) + "}}");
  apply_defaults(decoded);
  Diagnostics diagnostics;
  validate(decoded, nullptr, diagnostics);
  Lines out;
  for (const Diagnostic& item : diagnostics.all()) out.push_back(item.path + ": " + item.message);
  return out;
}

Lines volume_problems(const std::string& source) { return pod_problems("volumes: [{name: v, " + source + "}]"); }

Lines mount_problems(const std::string& mount, const std::string& container = "") {
  return pod_problems("volumes: [{name: v}]", "volumeMounts: [{name: v, mountPath: /v, " + mount + "}]" +
                                                  (container.empty() ? "" : ", " + container));
}

const std::string kVolume = "spec.volumes[0].", kMount = "spec.containers[0].volumeMounts[0].";

}  // namespace

TEST_CASE("projected volumes: each source one thing, each path once") {
  CHECK(volume_problems("projected: {sources: [{configMap: {name: a, items: [{key: k, path: x}]}}, {secret: {name: s}}, "
                        "{serviceAccountToken: {path: t}}, {downwardAPI: {items: [{path: l, fieldRef: {fieldPath: "
                        "metadata.labels}}, {path: c, resourceFieldRef: {containerName: c, resource: limits.cpu}}]}}]}") ==
        Lines{});
  CHECK(volume_problems("projected: {sources: [{}]}") == Lines{kVolume + "projected.sources[0]: Required value"});
  CHECK(volume_problems("projected: {sources: [{configMap: {name: a}, secret: {name: b}}]}").size() == 1);
  CHECK(volume_problems("projected: {sources: [{configMap: {name: a, items: [{key: k, path: x}]}}, {secret: {name: b, "
                        "items: [{key: k, path: x}]}}]}") ==
        Lines{kVolume + "projected.sources[1].secret: Invalid value: \"x\": conflicting duplicate paths"});
  CHECK(volume_problems("projected: {sources: [{serviceAccountToken: {path: t, expirationSeconds: 599}}]}") ==
        Lines{kVolume + "projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: may not specify "
                        "a duration less than 10 minutes"});
  CHECK(volume_problems("projected: {sources: [{serviceAccountToken: {path: ../t}}]}").size() == 1);
  CHECK(volume_problems("projected: {defaultMode: 512, sources: []}").size() == 1);
}

TEST_CASE("downward API volumes know fields and resources of the pod") {
  auto item = [](const std::string& text) { return volume_problems("downwardAPI: {items: [{path: p, " + text + "}]}"); };
  CHECK(item("fieldRef: {fieldPath: metadata.annotations}") == Lines{});
  CHECK(item("fieldRef: {fieldPath: \"metadata.labels['a']\"}") == Lines{});
  CHECK(item("fieldRef: {fieldPath: status.podIP}").size() == 1);
  CHECK(item("mode: 0640") == Lines{kVolume + "downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is "
                                              "required"});
  CHECK(item("resourceFieldRef: {resource: limits.cpu}") ==
        Lines{kVolume + "downwardAPI.items[0].resourceFieldRef.containerName: Required value"});
  CHECK(item("resourceFieldRef: {containerName: c, resource: limits.gold}").size() == 1);
  // Environment variables know no whole maps.
  CHECK(pod_problems("", "env: [{name: L, valueFrom: {fieldRef: {fieldPath: metadata.labels}}}]").size() == 1);
}

TEST_CASE("emptyDir media") {
  CHECK(volume_problems("emptyDir: {medium: Memory, sizeLimit: 1Mi}") == Lines{});
  CHECK(volume_problems("emptyDir: {medium: HugePages}") ==
        Lines{kVolume + "emptyDir.medium: Unsupported value: \"HugePages\": supported values: \"\", \"Memory\""});
}

TEST_CASE("mounts: sub paths, propagation, read-only below") {
  CHECK(mount_problems("subPathExpr: $(A)/x, readOnly: true, recursiveReadOnly: Enabled, mountPropagation: None") == Lines{});
  CHECK(mount_problems("subPathExpr: /x") == Lines{kMount + "subPathExpr: Invalid value: \"/x\": must be a relative path"});
  CHECK(mount_problems("subPathExpr: a/../x").size() == 1);
  CHECK(mount_problems("mountPropagation: HostToContainer") == Lines{});
  CHECK(mount_problems("mountPropagation: Both").size() == 1);
  CHECK(mount_problems("mountPropagation: Bidirectional") ==
        Lines{kMount + "mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged "
                       "containers"});
  CHECK(mount_problems("mountPropagation: Bidirectional", "securityContext: {privileged: true}") == Lines{});
  CHECK(mount_problems("recursiveReadOnly: Enabled") ==
        Lines{kMount + "recursiveReadOnly: Forbidden: may only be specified when readOnly is true"});
  CHECK(mount_problems("readOnly: true, recursiveReadOnly: IfPossible, mountPropagation: HostToContainer").size() == 1);
}

TEST_CASE("seccomp profiles and the rest of the security contexts") {
  auto context = [](const std::string& text) { return pod_problems("securityContext: {" + text + "}"); };
  CHECK(context("seccompProfile: {type: RuntimeDefault}, supplementalGroupsPolicy: Strict, fsGroupChangePolicy: "
                "OnRootMismatch") == Lines{});
  CHECK(context("seccompProfile: {type: Localhost, localhostProfile: a/b.json}") == Lines{});
  CHECK(context("seccompProfile: {type: Localhost}") ==
        Lines{"spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is "
              "Localhost"});
  CHECK(context("seccompProfile: {type: Unconfined, localhostProfile: x}").size() == 1);
  CHECK(context("seccompProfile: {type: Localhost, localhostProfile: /etc/x}").size() == 1);
  CHECK(context("seccompProfile: {type: Localhost, localhostProfile: ../x}").size() == 1);
  CHECK(context("seccompProfile: {type: Wide}").size() == 1);
  CHECK(context("supplementalGroupsPolicy: Some").size() == 1);
  CHECK(context("fsGroupChangePolicy: Never").size() == 1);
  auto own = [](const std::string& text) { return pod_problems("", "securityContext: {" + text + "}"); };
  CHECK(own("procMount: Unmasked") == Lines{});
  CHECK(own("procMount: All").size() == 1);
  CHECK(own("allowPrivilegeEscalation: false, capabilities: {add: [CAP_SYS_ADMIN]}").size() == 1);
}

TEST_CASE("sysctls have a name, once, and belong to a namespace the pod has") {
  auto sysctls = [](const std::string& list, const std::string& more = "") {
    return pod_problems("securityContext: {sysctls: [" + list + "]}" + more);
  };
  CHECK(sysctls("{name: net.ipv4.tcp_syncookies, value: '1'}, {name: kernel.shm_rmid_forced, value: '0'}") == Lines{});
  CHECK(sysctls("{name: net/ipv4/tcp_syncookies, value: '1'}, {name: net.ipv4.tcp_syncookies, value: '1'}") ==
        Lines{"spec.securityContext.sysctls[1].name: Duplicate value: \"net.ipv4.tcp_syncookies\""});
  CHECK(sysctls("{name: '', value: '1'}") == Lines{"spec.securityContext.sysctls[0].name: Required value"});
  for (const char* bad : {"a..b", ".a", "a.", "A.b", "a b", "a//b"}) {
    INFO(bad);
    CHECK(sysctls("{name: '" + std::string(bad) + "', value: x}").size() == 1);
  }
  CHECK(sysctls("{name: net.core.somaxconn, value: '1'}", ", hostNetwork: true").size() == 1);
  CHECK(sysctls("{name: kernel.shmall, value: '1'}", ", hostIPC: true").size() == 1);
}

TEST_CASE("host addresses of ports are addresses") {
  CHECK(pod_problems("", "ports: [{containerPort: 80, hostPort: 80, hostIP: 192.0.2.1}]") == Lines{});
  CHECK(pod_problems("", "ports: [{containerPort: 80, hostPort: 80, hostIP: localhost}]").size() == 1);
}

TEST_CASE("defaults of projected and downward API volumes") {
  Object pod = testing::object(
      "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}], volumes: [{name: p, "
      "projected: {sources: [{serviceAccountToken: {path: t}}, {downwardAPI: {items: [{path: name, fieldRef: {fieldPath: "
      "metadata.name}}]}}]}}, {name: d, downwardAPI: {items: []}}]}}");
  apply_defaults(pod);
  const std::vector<Volume>& volumes = as<Pod>(pod).spec.volumes;
  CHECK_FALSE(volumes[0].empty_dir);
  CHECK(volumes[0].projected->default_mode == 0644);
  CHECK(volumes[0].projected->sources[0].service_account_token->expiration_seconds == 3600);
  CHECK(volumes[0].projected->sources[1].downward_api->items[0].field_ref->api_version == "v1");
  CHECK(volumes[1].downward_api->default_mode == 0644);
}

}  // namespace mainstay
