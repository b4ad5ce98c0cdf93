// What is in a pod: downward API, volumes, tokens, mounts, sysctls, security, host ports, as plans.
#include <catch2/catch.hpp>

#include "nodeagent/downward_api.h"
#include "nodeagent/images/image_store.h"
#include "nodeagent/network/host_ports.h"
#include "nodeagent/pod_plan.h"
#include "nodeagent/runtime/oci_config.h"
#include "nodeagent/runtime/seccomp.h"
#include "nodeagent/service_tokens.h"
#include "nodeagent/storage_watch.h"
#include "nodeagent/volume_plan.h"
#include "schema/json.h"
#include "tests/nodeagent/agent_bench.h"

namespace mainstay {
namespace {

using namespace test;  // NOLINT: the bench

NodeFacts facts() {
  NodeFacts out;
  out.name = "n1";
  out.address = "192.0.2.1";
  out.memory_bytes = 1 << 30;
  map_slot(out.allocatable, "cpu") = Quantity::of(4);
  map_slot(out.allocatable, "memory") = Quantity::of(1000 << 20);
  out.pids_limit = 77;
  return out;
}

ObjectPtr pod_with(const std::string& spec, const std::string& meta = "") {
  return pod_of("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: d" + meta + "}, spec: {" + spec + "}}");
}

const std::string kOne = "containers: [{name: c, image: i}]";

NodeConfig config_with(std::initializer_list<std::string> objects) {
  NodeConfig out;
  out.service_accounts.emplace();
  for (const std::string& yaml : objects) {
    ObjectPtr object = pod_of(yaml);
    auto& where = object->kind == Kind::kSecret      ? out.secrets
                  : object->kind == Kind::kConfigMap ? out.config_maps
                                                     : *out.service_accounts;
    where[{object->meta.ns, object->meta.name}] = object;
  }
  return out;
}

const std::string kSettings = "{apiVersion: v1, kind: ConfigMap, metadata: {name: cm, namespace: d}, data: {a: '1', b: '2'}}";
const std::string kPassword = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: d}, data: {key: aHVzaA==}}";
const std::string kAuthority =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: d}, data: {ca.crt: PEM}}";
const std::string kAccount = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: d}}";

std::string file_in(const VolumeSpec& volume, const std::string& path) {
  for (const VolumeFile& file : volume.files) {
    if (file.path == path) return file.bytes;
  }
  return "(none)";
}

VolumeSpec only_volume(const ObjectPtr& pod, const NodeConfig& config) {
  Result<std::vector<VolumeSpec>> planned = plan_volumes(*pod, config, facts());
  INFO((planned.ok() ? "" : planned.error().message));
  REQUIRE(planned.ok());
  REQUIRE(planned->size() == 1);
  return planned->front();
}

std::string volume_error(const std::string& volume, const NodeConfig& config = {}) {
  Result<std::vector<VolumeSpec>> planned =
      plan_volumes(*pod_with(kOne + ", volumes: [{name: v, " + volume + "}]"), config, facts());
  return planned.ok() ? "" : planned.error().message;
}

StartPlan start_of(const ObjectPtr& pod, const NodeConfig& config = {}) {
  Result<StartPlan> plan = plan_start(*pod, as<Pod>(*pod).spec.containers.at(0), 0, config,
                                      {"10.0.0.5", "192.0.2.1"}, facts(), 1);
  INFO((plan.ok() ? "" : plan.error().message));
  REQUIRE(plan.ok());
  return *plan;
}

std::string variable(const StartPlan& plan, const std::string& name) {
  std::string found = "(none)";
  for (const std::string& line : plan.spec.env) {
    if (line.starts_with(name + "=")) found = line.substr(name.size() + 1);
  }
  return found;
}

}  // namespace

TEST_CASE("downward API: fields of the pod, by path") {
  ObjectPtr pod = pod_with("serviceAccountName: robot, nodeName: n1, " + kOne,
                           ", labels: {app: web, z: \"a\\\"b\"}, annotations: {note: \"two\\nlines\", n.io/x: v}");
  PodAddresses addresses{"10.0.0.5", "192.0.2.1"};
  struct Row {
    const char* path;
    const char* value;
  };
  for (const Row& row : std::initializer_list<Row>{{"metadata.name", "p"},
                                                   {"metadata.namespace", "d"},
                                                   {"metadata.uid", "uid-p"},
                                                   {"metadata.labels['app']", "web"},
                                                   {"metadata.labels['none']", ""},
                                                   {"metadata.annotations['n.io/x']", "v"},
                                                   {"metadata.labels", "app=\"web\"\nz=\"a\\\"b\""},
                                                   {"metadata.annotations", "n.io/x=\"v\"\nnote=\"two\\nlines\""},
                                                   {"spec.nodeName", "n1"},
                                                   {"spec.serviceAccountName", "robot"},
                                                   {"status.podIP", "10.0.0.5"},
                                                   {"status.podIPs", "10.0.0.5"},
                                                   {"status.hostIP", "192.0.2.1"},
                                                   {"status.hostIPs", "192.0.2.1"}}) {
    INFO(row.path);
    CHECK(field_value(*pod, row.path, addresses).value() == row.value);
  }
  CHECK(field_value(*pod, "spec.containers", addresses).error().code == ErrorCode::kInvalid);
}

TEST_CASE("downward API: resources are rounded up, limits default to what the node has") {
  ObjectPtr pod = pod_with(
      "initContainers: [{name: i, image: i, resources: {limits: {memory: 1Mi}}}], containers: [{name: c, image: i, "
      "resources: {requests: {cpu: 250m, memory: 100M, ephemeral-storage: 1Gi}, limits: {cpu: 1500m}}}]");
  auto value = [&](const std::string& resource, const std::string& divisor, const std::string& container = "") {
    ResourceFieldSelector ref;
    ref.resource = resource;
    ref.container_name = container;
    if (!divisor.empty()) ref.divisor = *Quantity::parse(divisor);
    Result<std::string> out = resource_value(*pod, &as<Pod>(*pod).spec.containers[0], ref, facts());
    return out.ok() ? *out : out.error().message;
  };
  CHECK(value("requests.cpu", "") == "1");
  CHECK(value("requests.cpu", "1m") == "250");
  CHECK(value("limits.cpu", "") == "2");
  CHECK(value("limits.cpu", "1m") == "1500");
  CHECK(value("requests.memory", "") == "100000000");
  CHECK(value("requests.memory", "1Mi") == "96");
  CHECK(value("limits.memory", "1Mi") == "1000");  // the node's
  CHECK(value("limits.memory", "1Ki", "i") == "1024");
  CHECK(value("requests.ephemeral-storage", "1Mi") == "1024");
  CHECK(value("requests.memory", "1", "i") == "0");
  CHECK(value("limits.cpu", "", "none") == "container none not found");
}

TEST_CASE("services become variables, below what the manifest says") {
  auto network = std::make_shared<NetworkState>();
  auto service = [&](const std::string& ns, const std::string& name, const std::string& ip,
                     std::vector<NetworkServicePort> ports) {
    NetworkService out;
    out.ns = ns;
    out.name = name;
    out.cluster_ip = ip;
    out.ports = std::move(ports);
    network->services[ns + "/" + name] = out;
  };
  service("d", "my-db", "10.96.0.9", {{"sql", "TCP", 5432, 0}, {"stats", "UDP", 99, 0}});
  service("d", "headless", "", {{"", "TCP", 1, 0}});
  service("other", "far", "10.96.0.8", {{"", "TCP", 1, 0}});
  service("default", "kubernetes", "10.96.0.1", {{"https", "TCP", 443, 0}});
  NodeConfig config;
  config.network = network;
  StartPlan plan = start_of(pod_with("containers: [{name: c, image: i, env: [{name: URL, value: \"$(MY_DB_PORT)/x\"}, "
                                     "{name: MY_DB_SERVICE_HOST, value: mine}]}]"),
                            config);
  CHECK(variable(plan, "MY_DB_SERVICE_HOST") == "mine");
  CHECK(variable(plan, "MY_DB_SERVICE_PORT") == "5432");
  CHECK(variable(plan, "MY_DB_SERVICE_PORT_STATS") == "99");
  CHECK(variable(plan, "MY_DB_PORT_99_UDP") == "udp://10.96.0.9:99");
  CHECK(variable(plan, "MY_DB_PORT_5432_TCP_ADDR") == "10.96.0.9");
  CHECK(variable(plan, "URL") == "tcp://10.96.0.9:5432/x");
  CHECK(variable(plan, "FAR_SERVICE_HOST") == "(none)");
  CHECK(variable(plan, "HEADLESS_SERVICE_HOST") == "(none)");
  CHECK(variable(plan, "KUBERNETES_SERVICE_HOST") == "10.96.0.1");
  StartPlan without = start_of(pod_with("enableServiceLinks: false, " + kOne), config);
  CHECK(variable(without, "MY_DB_SERVICE_PORT") == "(none)");
  CHECK(variable(without, "KUBERNETES_SERVICE_PORT_HTTPS") == "443");
}

TEST_CASE("projected volumes join their sources, the later wins") {
  NodeConfig config = config_with({kSettings, kPassword});
  VolumeSpec volume = only_volume(
      pod_with(kOne + ", securityContext: {fsGroup: 2000}, volumes: [{name: v, projected: {defaultMode: 0440, sources: "
                      "[{configMap: {name: cm}}, {secret: {name: s, items: [{key: key, path: in/b, mode: 0400}]}}, "
                      "{configMap: {name: cm, items: [{key: a, path: b}]}}, {configMap: {name: gone, optional: true}}, "
                      "{downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}, "
                      "{serviceAccountToken: {path: t, audience: vault, expirationSeconds: 900}}]}}]",
               ", labels: {a: b}"),
      config);
  CHECK(volume.kind == VolumeSpec::Kind::kFiles);
  CHECK(file_in(volume, "a") == "1");
  CHECK(file_in(volume, "b") == "1");
  CHECK(file_in(volume, "in/b") == "hush");
  CHECK(file_in(volume, "labels") == "a=\"b\"");
  CHECK(volume.files[0].mode == 0440);
  REQUIRE(volume.tokens.size() == 1);
  CHECK(volume.tokens[0].audience == "vault");
  CHECK(volume.tokens[0].seconds == 900);
  CHECK(volume.tokens[0].mode == 0600);  // the volume's group may read it, nobody else
  CHECK_FALSE(volume.tokens[0].owner);
}

TEST_CASE("what a volume misses is said in Kubernetes' words, unless it is optional") {
  NodeConfig config = config_with({kSettings, kPassword});
  CHECK(volume_error("configMap: {name: x}") ==
        "MountVolume.SetUp failed for volume \"v\" : configmap \"x\" not found");
  CHECK(volume_error("secret: {secretName: x}") ==
        "MountVolume.SetUp failed for volume \"v\" : secret \"x\" not found");
  CHECK(volume_error("secret: {secretName: x, optional: true}") == "");
  CHECK(volume_error("configMap: {name: cm, items: [{key: z, path: z}]}", config) ==
        "MountVolume.SetUp failed for volume \"v\" : configmap references non-existent config key: z");
  CHECK(volume_error("projected: {sources: [{secret: {name: s, items: [{key: z, path: z}]}}]}", config) ==
        "MountVolume.SetUp failed for volume \"v\" : references non-existent secret key: z");
  CHECK(volume_error("configMap: {name: cm, optional: true, items: [{key: z, path: z}]}", config) == "");
}

TEST_CASE("a volume in memory is as large as what the pod may use, or smaller") {
  auto size = [](const std::string& container, const std::string& volume) {
    ObjectPtr pod = pod_with("containers: [{name: c, image: i" + container + "}], volumes: [{name: v, emptyDir: {medium: Memory" +
                             volume + "}}]");
    Result<std::vector<VolumeSpec>> planned = plan_volumes(*pod, {}, facts());
    REQUIRE(planned.ok());
    return planned->at(0).size_limit;
  };
  const std::string limit = ", resources: {limits: {memory: 64Mi}}";
  CHECK(size(limit, "") == 64 << 20);
  CHECK(size(limit, ", sizeLimit: 8Mi") == 8 << 20);
  CHECK(size(limit, ", sizeLimit: 1Gi") == 64 << 20);
  CHECK(size("", "") == static_cast<uint64_t>(map_find(facts().allocatable, "memory")->units()));
}

TEST_CASE("every pod gets its account's token, unless pod or account decline") {
  NodeConfig config = config_with({kAuthority, kAccount});
  ObjectPtr pod = pod_with("serviceAccountName: default, securityContext: {runAsUser: 1000}, " + kOne);
  VolumeSpec volume = only_volume(pod, config);
  CHECK(volume.name == kTokenVolumeName);
  CHECK(file_in(volume, "ca.crt") == "PEM");
  CHECK(file_in(volume, "namespace") == "d");
  REQUIRE(volume.tokens.size() == 1);
  CHECK(volume.tokens[0].path == "token");
  CHECK(volume.tokens[0].owner == 1000);
  CHECK(volume.tokens[0].mode == 0600);
  StartPlan plan = start_of(pod, config);
  REQUIRE(plan.mounts.size() == 1);
  CHECK(plan.mounts[0].path == kTokenMountPath);
  CHECK(plan.mounts[0].read_only);

  auto mounted = [&](const std::string& spec, const NodeConfig& with) {
    return mounts_token(*pod_with(spec + ", " + kOne), with);
  };
  CHECK_FALSE(mounted("serviceAccountName: default, automountServiceAccountToken: false", config));
  NodeConfig shy = config_with({kAuthority,
                                "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: d}, "
                                "automountServiceAccountToken: false}"});
  CHECK_FALSE(mounted("serviceAccountName: default", shy));
  CHECK(mounted("serviceAccountName: default, automountServiceAccountToken: true", shy));
  NodeConfig old = config;
  old.service_accounts.reset();  // a control plane that issues none
  CHECK_FALSE(mounted("serviceAccountName: default", old));
  // A container that has something of its own there keeps it.
  ObjectPtr own = pod_with("serviceAccountName: default, volumes: [{name: e}], containers: [{name: c, image: i, "
                           "volumeMounts: [{name: e, mountPath: " + std::string(kTokenMountPath) + "}]}]");
  CHECK(start_of(own, config).mounts.at(0).volume == "e");
}

TEST_CASE("mounts: sub paths, expanded, propagation, read-only below") {
  std::string spec =
      "volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: i, env: [{name: WHO, value: me}], "
      "volumeMounts: [{name: v, mountPath: /a, subPathExpr: \"logs/$(WHO)\"}, "
      "{name: v, mountPath: /b, readOnly: true, recursiveReadOnly: Enabled}, "
      "{name: v, mountPath: /c, mountPropagation: HostToContainer}]}]";
  ObjectPtr pod = pod_with(spec);
  StartPlan plan = start_of(pod);
  CHECK(plan.mounts[0].sub_path == "logs/me");
  CHECK(plan.mounts[1].recursive_read_only);
  CHECK(plan.mounts[2].propagation == MountPropagation::kHostToContainer);
  Result<std::vector<SubPathMount>> parts = place_mounts(plan, *pod, {}, facts(), {{"v", "/node/v"}}, "/node/etc");
  REQUIRE(parts.ok());
  REQUIRE(parts->size() == 1);
  CHECK(parts->front().sub_path == "logs/me");
  CHECK(plan.spec.mounts[parts->front().mount].container_path == "/a");
  CHECK(plan.spec.mounts.size() == 6);  // and the three files of /etc
  CHECK(plan.spec.mounts[3].host_path == "/node/etc/hosts");

  for (const char* expression : {"$(NOBODY)", "$(UP)/x", "$(ROOT)"}) {
    INFO(expression);
    ObjectPtr bad = pod_with(
        "volumes: [{name: v, emptyDir: {}}], containers: [{name: c, image: i, env: [{name: UP, value: ..}, {name: ROOT, "
        "value: /etc}], volumeMounts: [{name: v, mountPath: /a, subPathExpr: \"" + std::string(expression) + "\"}]}]");
    CHECK(plan_start(*bad, as<Pod>(*bad).spec.containers[0], 0, {}, {}, facts(), 1).error().code ==
          ErrorCode::kInvalid);
  }
}

TEST_CASE("mounts of volumes that hold objects are read-only, whatever they say") {
  for (const char* source : {"configMap: {name: cm}", "secret: {secretName: s}", "downwardAPI: {items: []}",
                             "projected: {sources: [{configMap: {name: cm}}]}"}) {
    INFO(source);
    ObjectPtr pod = pod_with("volumes: [{name: v, " + std::string(source) + "}, {name: w}], containers: [{name: c, image: i, "
                             "volumeMounts: [{name: v, mountPath: /v, readOnly: false}, {name: w, mountPath: /w}]}]");
    StartPlan plan = start_of(pod);
    REQUIRE(place_mounts(plan, *pod, {}, facts(), {{"v", "/node/v"}, {"w", "/node/w"}}, "/node/etc").ok());
    CHECK(plan.spec.mounts[0].read_only);
    CHECK_FALSE(plan.spec.mounts[1].read_only);
  }
}

TEST_CASE("sysctls: safe ones, allowed ones, and the others refused") {
  auto planned = [](const std::string& sysctls, std::vector<std::string> allowed = {}) {
    NodeFacts node = facts();
    node.allowed_sysctls = std::move(allowed);
    Result<SetUp> out = plan_set_up(
        *pod_with(kOne + ", securityContext: {sysctls: [" + sysctls + "]}"), {}, node, 1);
    if (!out.ok()) return out.error().message;
    std::string text;
    for (const auto& [name, value] : out->sandbox.sysctls) text += name + "=" + value + ";";
    return text;
  };
  CHECK(planned("{name: net/ipv4/tcp_syncookies, value: '1'}") == "net.ipv4.tcp_syncookies=1;");
  CHECK(planned("{name: kernel.msgmax, value: '65536'}") == "forbidden sysctl: \"kernel.msgmax\" not allowlisted");
  CHECK(planned("{name: kernel.msgmax, value: '65536'}", {"kernel.msg*"}) == "kernel.msgmax=65536;");
  CHECK(planned("{name: net.core.somaxconn, value: '9'}", {"net.core.somaxcon"}).starts_with("forbidden"));
}

TEST_CASE("security: the container's word wins, limits and groups come along") {
  StartPlan plan = start_of(pod_with(
      "securityContext: {runAsUser: 1, supplementalGroups: [5], fsGroup: 6, supplementalGroupsPolicy: Strict, "
      "seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: i, securityContext: {runAsUser: 2, "
      "procMount: Unmasked, seccompProfile: {type: Localhost, localhostProfile: a/b.json}}}]"));
  const SecuritySpec& security = plan.spec.security;
  CHECK(security.run_as_user == 2);
  CHECK(security.extra_groups == std::vector<int64_t>{5, 6});
  CHECK(security.strict_groups);
  CHECK(security.unmasked_proc);
  CHECK(security.seccomp == SeccompKind::kLocalhost);
  CHECK(security.seccomp_profile == "a/b.json");
  CHECK(plan.spec.limits.pids == 77);
  StartPlan all = start_of(pod_with("securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, "
                                    "image: i, securityContext: {privileged: true}}]"));
  CHECK(all.spec.security.seccomp == SeccompKind::kUnconfined);
}

TEST_CASE("tty and stdin reach the runtime only where the manifest says so") {
  auto planned = [](const std::string& fields) {
    return start_of(pod_with("containers: [{name: c, image: i" + fields + "}]")).spec;
  };
  CHECK_FALSE(planned("").terminal);
  CHECK_FALSE(planned("").keep_stdin);
  CHECK(planned(", tty: true").terminal);
  CHECK_FALSE(planned(", tty: true").keep_stdin);
  CHECK(planned(", stdin: true").keep_stdin);
  CHECK_FALSE(planned(", tty: false").terminal);
}

TEST_CASE("seccomp: the default follows the capabilities, a file must be a profile") {
  auto allows = [](const Value& profile, const std::string& call) {
    for (const Value& rule : profile.find("syscalls")->as_list()) {
      if (rule.string_at("action") != "SCMP_ACT_ALLOW" || rule.find("args") != nullptr) continue;
      for (const Value& name : rule.find("names")->as_list()) {
        if (name.as_string() == call) return true;
      }
    }
    return false;
  };
  Value plain = default_seccomp(default_capabilities());
  for (const char* call : {"read", "openat", "execve", "futex", "chroot", "ptrace"}) {
    INFO(call);
    CHECK(allows(plain, call));
  }
  for (const char* call : {"mount", "unshare", "setns", "bpf", "keyctl", "add_key", "init_module", "kexec_load", "reboot",
                           "userfaultfd", "io_uring_setup", "clone", "clone3", "swapon", "open_by_handle_at"}) {
    INFO(call);
    CHECK_FALSE(allows(plain, call));
  }
  CapabilitySet admin = default_capabilities() | (CapabilitySet{1} << *capability_number("SYS_ADMIN"));
  CHECK(allows(default_seccomp(admin), "mount"));
  CHECK(allows(default_seccomp(admin), "clone3"));
  CHECK(parse_seccomp(R"({"defaultAction":"SCMP_ACT_LOG","comment":"x"})").value().find("comment") == nullptr);
  CHECK(parse_seccomp("{}").error().code == ErrorCode::kInvalid);
  CHECK_FALSE(parse_seccomp("not json").ok());
}

TEST_CASE("pull credentials: the pod's own, else those of its account") {
  std::string secret = "{apiVersion: v1, kind: Secret, type: kubernetes.io/dockerconfigjson, metadata: {namespace: d, "
                       "name: NAME}, data: {.dockerconfigjson: e30=}}";
  auto named = [&](const std::string& name) {
    std::string out = secret;
    return out.replace(out.find("NAME"), 4, name);
  };
  NodeConfig config = config_with(
      {named("mine"), "{apiVersion: v1, kind: Secret, metadata: {namespace: d, name: old}, data: {.dockercfg: e30=}}",
       "{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: d}, imagePullSecrets: [{name: old}]}"});
  PullSecrets of_account = pull_secrets(*pod_with("serviceAccountName: robot, " + kOne), config);
  CHECK(of_account.credentials == std::vector<std::string>{"{\"auths\":{}}"});
  CHECK(of_account.missing.empty());
  PullSecrets own = pull_secrets(
      *pod_with("serviceAccountName: robot, imagePullSecrets: [{name: mine}, {name: gone}, {name: lost}], " + kOne), config);
  CHECK(own.credentials == std::vector<std::string>{"{}"});
  CHECK(own.missing == std::vector<std::string>{"gone", "lost"});
}

TEST_CASE("registry mirrors are named by registry") {
  CHECK(parse_mirror("docker.io=mirror.example.org:5000").value() ==
        std::pair<std::string, std::string>("docker.io", "mirror.example.org:5000"));
  for (const char* bad : {"", "docker.io", "docker.io=", "=m.example", "docker.io=https://m", "a b=c.d"}) {
    INFO(bad);
    CHECK(parse_mirror(bad).error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("host ports: of containers and sidecars, as elements of two maps") {
  Result<SetUp> plan = plan_set_up(
      *pod_with("initContainers: [{name: s, image: i, restartPolicy: Always, ports: [{containerPort: 1, hostPort: 11, "
                "protocol: UDP}]}, {name: i, image: i, ports: [{containerPort: 2, hostPort: 12}]}], containers: [{name: "
                "c, image: i, ports: [{containerPort: 80, hostPort: 8080, hostIP: 192.0.2.7, protocol: TCP}, "
                "{containerPort: 81}]}]"),
      {}, facts(), 1);
  REQUIRE(plan.ok());
  CHECK(plan->host_ports ==
        std::vector<PodHostPort>{{"UDP", "", 11, 1}, {"TCP", "192.0.2.7", 8080, 80}});
  NftTable table = host_port_table({{"a", {"10.0.0.5", plan->host_ports}}, {"b", {"10.0.0.6", {{"UDP", "", 11, 9}}}}});
  CHECK(table.sets.at("any").elements == std::map<std::string, std::string>{{"17 . 11", "10.0.0.5 . 1"}});
  CHECK(table.sets.at("at").elements ==
        std::map<std::string, std::string>{{"192.0.2.7 . 6 . 8080", "10.0.0.5 . 80"}});
  CHECK(host_port_table({}).sets.empty());
  const std::vector<KeptAddress> kept = {{"10.96.0.10", "UDP", 53, ""}, {"192.0.2.7", "TCP", 6443, ""}};
  CHECK(host_port_table({}, kept).sets.empty());
  table = host_port_table({{"a", {"10.0.0.5", {{"UDP", "", 53, 53}}}}}, kept);
  CHECK(table.sets.at("kept").elements ==
        std::map<std::string, std::string>{{"10.96.0.10 . 17 . 53", ""}, {"192.0.2.7 . 6 . 6443", ""}});
  Result<SetUp> host = plan_set_up(*pod_with("hostNetwork: true, containers: [{name: c, image: i, ports: "
                                             "[{containerPort: 80, hostPort: 80}]}]"),
                                   {}, facts(), 1);
  CHECK(host.value().host_ports.empty());
}

TEST_CASE("tokens are kept, renewed at four fifths of their life, and used while the control plane is away") {
  int asked = 0;
  bool away = false;
  ServiceTokens tokens([&](const TokenOrder& order) -> Result<IssuedToken> {
    if (away) return error(ErrorCode::kUnavailable, "no answer");
    CHECK(order.service_account == "default");
    return IssuedToken{"token-" + std::to_string(++asked), std::chrono::seconds{1000}};
  });
  ObjectPtr pod = pod_with("serviceAccountName: default, " + kOne);
  MonoTime start{std::chrono::seconds{50}};
  auto token_at = [&](Duration after) {
    VolumeSpec volume;
    volume.tokens.push_back({"token", "", 1000, 0600, std::nullopt});
    Status filled = tokens.fill(*pod, volume, start + after);
    return filled.ok() ? volume.files.at(0).bytes : filled.error().message;
  };
  CHECK(token_at(0s) == "token-1");
  CHECK(token_at(700s) == "token-1");
  CHECK(tokens.renew_after("uid-p", start + 700s) == Duration(100s));
  CHECK(token_at(801s) == "token-2");
  away = true;
  CHECK(token_at(1700s) == "token-2");  // due, but good for another 101 seconds
  CHECK(tokens.renew_after("uid-p", start + 1700s) == Duration(30s));
  CHECK(token_at(1802s) == "failed to fetch token: no answer");
  tokens.forget("uid-p");
  CHECK_FALSE(tokens.renew_after("uid-p", start));
}

TEST_CASE("storage limits: of volumes, containers and the whole pod, in the kubelet's words") {
  ObjectPtr pod = pod_with(
      "volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}, {name: w, emptyDir: {}}, {name: m, emptyDir: {medium: Memory, "
      "sizeLimit: 1}}], containers: [{name: c, image: i, resources: {limits: {ephemeral-storage: 2Mi}}}, {name: d, "
      "image: i, resources: {limits: {ephemeral-storage: 1Mi}}}]");
  constexpr uint64_t kMi = 1 << 20;
  auto said = [&](std::map<std::string, uint64_t> volumes, std::map<std::string, uint64_t> containers) {
    return storage_excess(*pod, {std::move(volumes), std::move(containers)}).value_or("fine");
  };
  CHECK(limits_storage(*pod));
  CHECK_FALSE(limits_storage(*pod_with(kOne)));
  CHECK(said({{"v", kMi}}, {{"c", 2 * kMi}}) == "fine");
  CHECK(said({{"v", kMi + 1}}, {}) == "Usage of EmptyDir volume \"v\" exceeds the limit \"1Mi\". ");
  CHECK(said({{"w", 3 * kMi + 1}}, {}) ==
        "Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ");
  CHECK(said({}, {{"c", kMi}, {"d", kMi + 1}}) ==
        "Container d exceeded its local ephemeral storage limit \"1Mi\". ");
  // A pod of which one container may use what it likes has no limit in sum.
  ObjectPtr open = pod_with("containers: [{name: c, image: i, resources: {limits: {ephemeral-storage: 2Mi}}}, {name: d, "
                            "image: i}]");
  CHECK_FALSE(storage_excess(*open, {{}, {{"d", 100 * kMi}}}));
}

TEST_CASE("volumes of a running pod follow their sources, and only then") {
  Bench bench;
  std::vector<UpdateVolumes> updates;
  auto assign = [&](const ObjectPtr& pod, const ObjectPtr& config) {
    Assignment assignment;
    assignment.at = {1, ++bench.number};
    assignment.node = "n1";
    assignment.pods = {pod};
    if (config) assignment.config_maps = {config};
    AgentActions actions = bench.core->step(bench.now(), {assignment});
    for (Operation& operation : actions.operations) {
      if (const auto* update = std::get_if<UpdateVolumes>(&operation.body)) updates.push_back(*update);
      SimulatedNode::Reply reply = bench.node.carry_out(operation, bench.now());
      bench.due.emplace(reply.at, std::move(reply.result));
    }
    bench.run(5s);
  };
  ObjectPtr pod = pod_with("terminationGracePeriodSeconds: 1, volumes: [{name: v, configMap: {name: cm}}, {name: e, "
                           "emptyDir: {}}, {name: m, downwardAPI: {items: [{path: l, fieldRef: {fieldPath: "
                           "metadata.labels}}]}}], " + kOne);
  ObjectPtr before = pod_of(kSettings);
  assign(pod, before);
  CHECK(bench.status("p").phase == "Running");
  assign(pod, before);
  CHECK(updates.empty());
  auto after = std::make_shared<Object>(*before);
  map_slot(as<ConfigMap>(*after).data, "a") = "changed";
  assign(pod, after);
  REQUIRE(updates.size() == 1);
  CHECK(updates[0].volumes.size() == 2);  // not the emptyDir
  CHECK(file_in(updates[0].volumes[0], "a") == "changed");
  auto labelled = std::make_shared<Object>(*pod);
  map_slot(labelled->meta.labels, "new") = "label";
  assign(labelled, after);
  REQUIRE(updates.size() == 2);
  CHECK(file_in(updates[1].volumes[1], "l") == "new=\"label\"");
  // What a running pod was given and is gone now: it keeps what it has, and the node says so.
  assign(labelled, nullptr);
  CHECK(updates.size() == 2);
  CHECK(bench.has_event("FailedMount"));
  CHECK(bench.status("p").phase == "Running");
}

}  // namespace mainstay
