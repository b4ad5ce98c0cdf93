#include "tests/sim/repository.h"

#include <algorithm>

#include "tests/sim/daemon.h"

namespace mainstay::sim {
namespace {

// Of five nodes one may be away.
constexpr int kMostApart = 3;

// How the pods of one Deployment want to stand to each other.
std::string company_yaml(const std::string& name, const Workload& workload) {
  const std::string selector = "labelSelector: {matchLabels: {app: " + name + "}}";
  std::string out;
  if (workload.apart) {
    out += "      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
           "kubernetes.io/hostname, " + selector + ", matchLabelKeys: [pod-template-hash]}]}}\n";
  }
  if (workload.even) {
    out += "      topologySpreadConstraints: [{maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: "
           "DoNotSchedule, " + selector + "}]\n";
  }
  if (workload.first) out += "      priorityClassName: first\n";
  return out;
}

std::string deployment_yaml(const std::string& name, const Workload& workload) {
  std::string out = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name +
                    "\n  labels: {app: " + name + "}\nspec:\n  replicas: " +
                    std::to_string(workload.apart ? std::min(workload.replicas, kMostApart) : workload.replicas) +
                    "\n  selector: {matchLabels: {app: " + name + "}}\n";
  out += workload.recreate ? "  strategy: {type: Recreate}\n"
                           : "  strategy:\n    type: RollingUpdate\n    rollingUpdate: {maxSurge: " +
                                 workload.surge + ", maxUnavailable: " + workload.unavailable + "}\n";
  out += "  template:\n    metadata:\n      labels: {app: " + name + "}\n";
  if (!workload.annotations.empty()) {
    out += "      annotations:\n";
    for (const auto& [key, value] : workload.annotations) {
      out += "        mainstay/simulated-" + key + ": \"" + value + "\"\n";
    }
  }
  out += "    spec:\n      terminationGracePeriodSeconds: 5\n";
  if (workload.toleration > 0) {
    out += "      tolerations:\n";
    for (const char* taint : {"not-ready", "unreachable"}) {
      out += "      - {key: node.kubernetes.io/" + std::string(taint) +
             ", operator: Exists, effect: NoExecute, tolerationSeconds: " +
             std::to_string(workload.toleration) + "}\n";
    }
  }
  out += company_yaml(name, workload);
  out += "      containers:\n      - name: main\n        image: registry.example.com/" + name + ":" +
         std::to_string(workload.image) + "\n        ports: [{containerPort: 8080}]\n" +
         "        resources: {requests: {cpu: " + std::to_string(workload.cpu_milli) + "m, memory: 64Mi}}\n" +
         "        envFrom: [{configMapRef: {name: " + name + "}}]\n";
  if (workload.probes) {
    out += "        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 5}\n"
           "        livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 10, failureThreshold: 2}\n";
  }
  return out;
}

std::string service_yaml(const std::string& name) {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec:\n  selector: {app: " + name +
         "}\n  ports: [{port: 80, targetPort: 8080}]\n";
}

// What the front may reach, by the pods' labels: told to the nodes as addresses.
std::string policy_yaml() {
  return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: orders}\nspec:\n"
         "  podSelector: {matchLabels: {app: orders}}\n"
         "  ingress: [{from: [{podSelector: {matchLabels: {app: front}}}], ports: [{port: 8080}]}]\n";
}

std::string config_yaml(const std::string& name, int value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {value: \"" +
         std::to_string(value) + "\"}\n";
}

}  // namespace

Author::Author(FakeRepository& repository, Rng& rng) : repository_(repository), rng_(rng) {
  for (const char* name : {"cart", "front", "orders", "stock"}) {
    Workload& workload = workloads_[name];
    workload.replicas = static_cast<int>(1 + rng_.below(5));
    workload.probes = rng_.chance(50);
    workload.recreate = rng_.chance(20);
    workload.cpu_milli = static_cast<int>(100 + rng_.below(4) * 100);
    if (rng_.chance(30)) workload.unavailable = "0";
    if (rng_.chance(20)) workload.surge = "2";
    if (rng_.chance(20)) workload.toleration = 0;
    workload.apart = rng_.chance(30);
    workload.even = rng_.chance(30);
    workload.first = rng_.chance(25);
  }
  commit("the shop");
}

std::map<std::string, std::string> Author::files() const {
  std::map<std::string, std::string> out{{"README.md", "the shop\n"}};
  out["apps/policy.yaml"] = policy_yaml();
  out["apps/class.yaml"] =
      "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: first}\nvalue: 1000\n";
  for (const auto& [name, workload] : workloads_) {
    if (!workload.is_declared) continue;
    out["apps/" + name + "/deployment.yaml"] = deployment_yaml(name, workload);
    out["apps/" + name + "/rest.yaml"] = service_yaml(name) + "---\n" + config_yaml(name, workload.config);
  }
  return out;
}

void Author::commit(const std::string& message) {
  good_.push_back(repository_.push(kBranch, files(), message));
}

Workload& Author::any() {
  auto it = workloads_.begin();
  std::advance(it, static_cast<ptrdiff_t>(rng_.below(workloads_.size())));
  return it->second;
}

std::string Author::edit() {
  Workload& workload = any();
  switch (rng_.below(6)) {
    case 0: workload.replicas = static_cast<int>(rng_.below(7)); return "scale";
    case 1: workload.config++; return "config";
    case 2: workload.is_declared = !workload.is_declared; return "declare or delete";
    case 3: workload.annotations.clear(); return "mend";
    default: workload.image++; return "image";
  }
}

std::string Author::break_a_pod() {
  static const std::vector<std::pair<std::string, std::string>> kTraits = {
      {"unready", "true"},      {"unhealthy", "true"}, {"pull-failure", "true"},
      {"run-time", "20s"},      {"exit-code", "1"},    {"stop-delay", "never"},
      {"start-delay", "4s"},    {"stop-delay", "3s"},  {"start-delay", "700ms"}};
  const auto& [name, value] = kTraits[rng_.below(kTraits.size())];
  any().annotations[name] = value;
  return "pods with " + name + " " + value;
}

std::string Author::break_the_tree() {
  std::map<std::string, std::string> broken = files();
  switch (rng_.below(6)) {
    case 0:
      broken["apps/bad.yaml"] =
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad}\nspec: {replicas: two}\n";
      break;
    case 1: broken["apps/bad.yaml"] = "kind: [unclosed\n"; break;
    case 2: broken["apps/twice.yaml"] = service_yaml("cart") + "---\n" + service_yaml("cart"); break;
    case 3: broken = {{"README.md", "moved away\n"}}; break;        // the path is gone
    case 4: broken = {{"apps/README.md", "nothing here\n"}}; break;  // no objects
    default:
      repository_.delete_branch(kBranch);
      return "the branch is deleted";
  }
  repository_.push(kBranch, broken, "broken");
  return "a broken tree";
}

std::string Author::push_something() {
  switch (rng_.below(10)) {
    case 0: return break_the_tree();
    case 1:
      repository_.revert(kBranch, good_[rng_.below(good_.size())]);
      return "revert";
    case 2:
      if (rng_.chance(50)) {
        repository_.force(kBranch, good_[rng_.below(good_.size())]);
      } else {
        good_.push_back(repository_.force(kBranch, files(), "rewritten"));
      }
      return "force-push";
    case 3:
    case 4: {
      std::string what = break_a_pod();
      commit(what);
      return what;
    }
    default: {
      std::string what = edit();
      commit(what);
      return what;
    }
  }
}

void Author::push_good() {
  for (auto& [name, workload] : workloads_) {
    workload.is_declared = true;
    workload.annotations.clear();
    if (workload.replicas == 0) workload.replicas = 1;
  }
  commit("all is well");
}

}  // namespace mainstay::sim
