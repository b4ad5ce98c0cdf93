#include "schema/table.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "schema/defaults.h"
#include "schema/field_select.h"
#include "schema/json.h"
#include "tests/schema/manifest.h"

namespace mainstay {
namespace {

using testing::object;

const WallTime kNow = *parse_rfc3339("2026-01-10T12:00:00Z");

// "a|b|c": the cells, with those of -o wide behind '||'.
std::string row(const Object& decoded) {
  std::vector<TableColumn> columns = table_columns(decoded.kind);
  TableRow cells = table_row(decoded, kNow);
  REQUIRE(cells.cells.size() == columns.size());
  std::string plain, wide;
  bool has_wide = false;
  for (size_t i = 0; i < columns.size(); ++i) {
    const Value& cell = cells.cells[i];
    REQUIRE((cell.is_string() || cell.is_int()));
    std::string text = cell.is_string() ? cell.as_string() : std::to_string(cell.as_int());
    bool is_wide = columns[i].priority > 0;
    bool first = is_wide ? !has_wide : i == 0;
    (is_wide ? wide : plain) += (first ? "" : "|") + text;
    has_wide |= is_wide;
  }
  return has_wide ? plain + "||" + wide : plain;
}

std::string row(std::string_view yaml) {
  Object decoded = object(yaml);
  apply_defaults(decoded);
  return row(decoded);
}

std::string headers(Kind kind) {
  std::string plain, wide;
  for (const TableColumn& column : table_columns(kind)) {
    std::string& out = column.priority > 0 ? wide : plain;
    out += (out.empty() ? "" : "|") + std::string(column.name);
  }
  return wide.empty() ? plain : plain + "||" + wide;
}

TEST_CASE("columns are Kubernetes'") {
  CHECK(headers(Kind::kPod) == "Name|Ready|Status|Restarts|Age||IP|Node|Nominated Node|Readiness Gates");
  CHECK(headers(Kind::kDeployment) == "Name|Ready|Up-to-date|Available|Age||Containers|Images|Selector");
  CHECK(headers(Kind::kReplicaSet) == "Name|Desired|Current|Ready|Age||Containers|Images|Selector");
  CHECK(headers(Kind::kService) == "Name|Type|Cluster-IP|External-IP|Port(s)|Age||Selector");
  CHECK(headers(Kind::kNode) ==
        "Name|Status|Roles|Age|Version||Internal-IP|External-IP|OS-Image|Kernel-Version|Container-Runtime");
  CHECK(headers(Kind::kEvent) == "Last Seen|Type|Reason|Object|Message||Subobject|Source|First Seen|Count|Name");
  CHECK(headers(Kind::kApplication) == "Name|Sync Status|Health Status||Revision|Project");
  CHECK(headers(Kind::kIngress) == "Name|Class|Hosts|Address|Ports|Age");
  CHECK(headers(Kind::kLimitRange) == "Name|Age");
}

TEST_CASE("every kind has one name column and a row for an empty object") {
  for (const KindInfo& info : all_kinds()) {
    INFO(info.kind);
    int names = 0;
    for (const TableColumn& column : table_columns(info.id)) names += column.format == "name";
    CHECK(names == 1);
    CHECK_FALSE(row(make_object(info.id, "ns", "a")).empty());
  }
}

// The word for a pod with this status, and these container names.
std::string pod_row(const std::string& status, const std::string& meta = "", const std::string& spec = "") {
  return row("{apiVersion: v1, kind: Pod, metadata: {name: a, creationTimestamp: '2026-01-10T11:55:00Z'" + meta +
             "}, spec: {" + spec + "containers: [{name: c, image: i}, {name: d, image: i}]}, status: {" + status + "}}");
}

const std::string kRunning = "ready: true, state: {running: {startedAt: '2026-01-10T11:55:00Z'}}";

TEST_CASE("pods: the status column") {
  struct Row {
    std::string status, meta, expected;
  };
  const Row rows[] = {
      {"phase: Pending", "", "a|0/2|Pending|0|5m"},
      {"phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]", "",
       "a|0/2|SchedulingGated|0|5m"},
      {"phase: Running, containerStatuses: [{name: c, " + kRunning + "}, {name: d, " + kRunning + "}]", "",
       "a|2/2|Running|0|5m"},
      {"phase: Running, containerStatuses: [{name: c, " + kRunning +
           "}, {name: d, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, "
           "finishedAt: '2026-01-10T11:59:00Z'}}}]",
       "", "a|1/2|CrashLoopBackOff|3 (60s ago)|5m"},
      {"phase: Running, containerStatuses: [{name: c, " + kRunning +
           "}, {name: d, state: {terminated: {exitCode: 0, reason: Completed}}}], conditions: [{type: Ready, status: 'True'}]",
       "", "a|1/2|Running|0|5m"},
      {"phase: Running, containerStatuses: [{name: c, " + kRunning +
           "}, {name: d, state: {terminated: {exitCode: 0, reason: Completed}}}]",
       "", "a|1/2|NotReady|0|5m"},
      {"phase: Failed, containerStatuses: [{name: c, state: {terminated: {exitCode: 3}}}]", "", "a|0/2|ExitCode:3|0|5m"},
      {"phase: Failed, containerStatuses: [{name: c, state: {terminated: {exitCode: 137, signal: 9}}}]", "",
       "a|0/2|Signal:9|0|5m"},
      {"phase: Failed, reason: Evicted", "", "a|0/2|Evicted|0|5m"},
      {"phase: Running", ", deletionTimestamp: '2026-01-10T11:59:59Z'", "a|0/2|Terminating|0|5m"},
      {"phase: Succeeded", ", deletionTimestamp: '2026-01-10T11:59:59Z'", "a|0/2|Succeeded|0|5m"},
      {"phase: Running, reason: NodeLost", ", deletionTimestamp: '2026-01-10T11:59:59Z'", "a|0/2|Unknown|0|5m"},
  };
  for (const Row& expected : rows) {
    INFO(expected.status);
    CHECK(pod_row(expected.status, expected.meta) == expected.expected + "||<none>|<none>|<none>|<none>");
  }
}

TEST_CASE("pods: init containers and sidecars") {
  const std::string inits = "initContainers: [{name: i, image: i}, {name: s, image: i, restartPolicy: Always}], nodeName: n1, ";
  const std::string tail = "||<none>|n1|<none>|<none>";
  CHECK(pod_row("phase: Pending, initContainerStatuses: [{name: i, restartCount: 1, state: {running: {}}}]", "", inits) ==
        "a|0/3|Init:0/2|1|5m" + tail);
  CHECK(pod_row("phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: ImagePullBackOff}}}]", "", inits) ==
        "a|0/3|Init:ImagePullBackOff|0|5m" + tail);
  CHECK(pod_row("phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 2}}}]", "", inits) ==
        "a|0/3|Init:ExitCode:2|0|5m" + tail);
  CHECK(pod_row("phase: Running, podIPs: [{ip: 10.0.0.9}], initContainerStatuses: [{name: i, restartCount: 5, state: "
                "{terminated: {exitCode: 0}}}, {name: s, started: true, ready: true, restartCount: 1, state: {running: {}}}], "
                "containerStatuses: [{name: c, " + kRunning + "}, {name: d, " + kRunning + "}]", "", inits) ==
        "a|3/3|Running|1|5m||10.0.0.9|n1|<none>|<none>");
}

TEST_CASE("pods: the node they are nominated to") {
  CHECK(pod_row("phase: Pending, nominatedNodeName: n2") == "a|0/2|Pending|0|5m||<none>|<none>|n2|<none>");
}

TEST_CASE("a pod that is done has the row condition") {
  Object pod = object("{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {phase: Succeeded}}");
  CHECK(table_row(pod, kNow).completed == "Succeeded");
  as<Pod>(pod).status.phase = "Running";
  CHECK(table_row(pod, kNow).completed.empty());
}

TEST_CASE("rows of workloads") {
  CHECK(row("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, creationTimestamp: '2026-01-08T11:00:00Z'}, spec: "
            "{replicas: 3, selector: {matchLabels: {app: x}}, template: {spec: {containers: [{name: c, image: i:1}, {name: d, "
            "image: i:2}]}}}, status: {readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1}}") ==
        "a|2/3|3|1|2d1h||c,d|i:1,i:2|app=x");
  CHECK(row("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: a}, spec: {replicas: 0, selector: {matchLabels: {app: "
            "x}}}, status: {replicas: 2, readyReplicas: 1}}") == "a|0|2|1|<unknown>||||app=x");
  CHECK(row("{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, status: {sync: {status: Synced, "
            "revision: abc}, health: {status: Healthy}}}") == "a|Synced|Healthy||abc|default");
}

TEST_CASE("rows of services") {
  CHECK(row("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: 10.96.0.1, selector: {a: b, c: d}, ports: "
            "[{port: 80}, {port: 53, protocol: UDP}]}}") == "a|ClusterIP|10.96.0.1|<none>|80/TCP,53/UDP|<unknown>||a=b,c=d");
  CHECK(row("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: NodePort, clusterIP: 10.96.0.1, ports: [{port: "
            "80, nodePort: 30080}]}}") == "a|NodePort|10.96.0.1|<none>|80:30080/TCP|<unknown>||<none>");
  CHECK(row("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: LoadBalancer}}") ==
        "a|LoadBalancer|<none>|<pending>|<none>|<unknown>||<none>");
  CHECK(row("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: ExternalName, externalName: b.c}}") ==
        "a|ExternalName|<none>|b.c|<none>|<unknown>||<none>");
  CHECK(row("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4, endpoints: "
            "[{addresses: [1.1.1.1]}, {addresses: [1.1.1.2]}, {addresses: [1.1.1.3]}, {addresses: [1.1.1.4]}], ports: [{port: "
            "80}]}") == "a|IPv4|80|1.1.1.1,1.1.1.2,1.1.1.3 + 1 more...|<unknown>");
  CHECK(row("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4, endpoints: []}") ==
        "a|IPv4|<unset>|<unset>|<unknown>");
}

TEST_CASE("rows of nodes") {
  CHECK(row("{apiVersion: v1, kind: Node, metadata: {name: a, labels: {node-role.kubernetes.io/control-plane: '', "
            "kubernetes.io/role: edge}}, spec: {unschedulable: true}, status: {conditions: [{type: Ready, status: 'True'}], "
            "addresses: [{type: InternalIP, address: 10.1.1.1}], nodeInfo: {kubeletVersion: v1, osImage: Debian, "
            "kernelVersion: '6.1', containerRuntimeVersion: 'runc://1'}}}") ==
        "a|Ready,SchedulingDisabled|control-plane,edge|<unknown>|v1||10.1.1.1|<none>|Debian|6.1|runc://1");
  CHECK(row("{apiVersion: v1, kind: Node, metadata: {name: a}, status: {conditions: [{type: Ready, status: Unknown}]}}")
            .starts_with("a|NotReady|<none>|"));
  CHECK(row("{apiVersion: v1, kind: Node, metadata: {name: a}}").starts_with("a|Unknown|<none>|"));
}

TEST_CASE("rows of events and configuration") {
  CHECK(row("{apiVersion: v1, kind: Event, metadata: {name: a.1}, involvedObject: {kind: Pod, name: a, fieldPath: f}, reason: "
            "Pulled, type: Normal, message: \" hello \\n\", count: 4, source: {component: agent, host: n1}, firstTimestamp: "
            "'2026-01-10T11:00:00Z', lastTimestamp: '2026-01-10T11:59:30Z'}") ==
        "30s|Normal|Pulled|pod/a|hello||f|agent, n1|60m|4|a.1");
  CHECK(row("{apiVersion: v1, kind: Event, metadata: {name: a.1}, involvedObject: {kind: Node}, eventTime: "
            "'2026-01-10T11:59:50.000000Z', reportingComponent: r}") == "10s|||node||||r|10s|1|a.1");
  CHECK(row("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}, binaryData: {c: YQ==}}") == "a|2|<unknown>");
  CHECK(row("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: b}}") == "a|Opaque|1|<unknown>");
  CHECK(row("{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}}") == "a|0|<unknown>");
  CHECK(row("{apiVersion: v1, kind: Namespace, metadata: {name: a}}") == "a|Active|<unknown>");
  CHECK(row("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: a}, spec: {holderIdentity: n1}}") ==
        "a|n1|<unknown>");
}

TEST_CASE("rows of carried kinds") {
  CHECK(row("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {template: {spec: {containers: [{name: c, "
            "image: i}]}}}}") == "a|0/1|<unknown>||c|i");
  CHECK(row("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {ingressClassName: nginx, tls: [{}], "
            "rules: [{host: a.b}, {host: c.d}]}}") == "a|nginx|a.b,c.d||80, 443|<unknown>");
  CHECK(row("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a}, spec: {podSelector: {matchLabels: "
            "{a: b}}}}") == "a|a=b|<unknown>");
  CHECK(row("{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {completions: 3}, status: {succeeded: 1}}")
            .starts_with("a|Running|1/3||<unknown>"));
  CHECK(row("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {storageClassName: fast}, status: "
            "{accessModes: [ReadWriteOnce, ReadOnlyMany]}}") == "a|Pending|||RWO,ROX|fast|<unset>|<unknown>||Filesystem");
  CHECK(row("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a}, roleRef: {apiGroup: "
            "rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: User, name: u}, {kind: ServiceAccount, name: s, "
            "namespace: d}]}") == "a|Role/r|<unknown>||u||d/s");
}

TEST_CASE("field selectors by kind") {
  Object pod = object("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: n1}, status: {phase: "
                      "Running}}");
  auto selects = [&](std::string_view text) {
    Result<FieldSelector> selector = parse_field_selector(text);
    REQUIRE(selector.ok());
    REQUIRE(check_field_selector(pod.kind, *selector).ok());
    return matches(*selector, pod);
  };
  CHECK(selects("metadata.name=a,metadata.namespace=d"));
  CHECK(selects("spec.nodeName=n1,status.phase!=Pending"));
  CHECK_FALSE(selects("spec.nodeName=n2"));
  CHECK(selects("status.podIP="));
  CHECK(selects("status.nominatedNodeName="));
  as<Pod>(pod).status.nominated_node_name = "n2";
  CHECK(selects("status.nominatedNodeName=n2"));
  CHECK(selects("spec.hostNetwork=false"));
  Status refused = check_field_selector(Kind::kPod, *parse_field_selector("spec.foo=bar"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "field label not supported: spec.foo");
  CHECK_FALSE(check_field_selector(Kind::kConfigMap, *parse_field_selector("status.phase=x")).ok());
  Object event = object("{apiVersion: v1, kind: Event, metadata: {name: e}, involvedObject: {kind: Pod, name: a, uid: u}, type: "
                        "Normal, source: {component: agent}}");
  CHECK(field_text(event, "involvedObject.uid") == "u");
  CHECK(field_text(event, "source") == "agent");
  CHECK(field_text(make_object(Kind::kNode, "", "n1"), "spec.unschedulable") == "false");
}

}  // namespace
}  // namespace mainstay
