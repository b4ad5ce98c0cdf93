// The unmodified kubectl against the whole server over TLS: what people will type. The core behind it is
// FakeCore, so nothing reconciles: that is for tests/e2e.
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

class Kubectl {
 public:
  explicit Kubectl(const ApiRig& rig) : dir_(rig.dir.path()) {
    std::ofstream(dir_ + "/kubeconfig") << rig.kubeconfig();
  }
  ProgramResult run(const std::string& arguments, const std::string& input = "") const {
    std::string command = "timeout 60 kubectl --kubeconfig " + dir_ + "/kubeconfig --cache-dir " + dir_ +
                          "/cache " + arguments;
    if (!input.empty()) {
      std::ofstream(dir_ + "/input") << input;
      command += " < " + dir_ + "/input";
    }
    return run_program("HOME=" + dir_ + " " + command);
  }
  // The output, with "[N]" in front of what failed with status N.
  std::string operator()(const std::string& arguments, const std::string& input = "") const {
    ProgramResult result = run(arguments, input);
    return result.status == 0 ? result.output : "[" + std::to_string(result.status) + "] " + result.output;
  }

 private:
  std::string dir_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool skip() {
  if (have_program("kubectl")) return false;
  WARN("SKIPPED: no kubectl");
  return true;
}

const std::string kDeployment =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2\n  selector:\n"
    "    matchLabels: {app: web}\n  template:\n    metadata:\n      labels: {app: web}\n    spec:\n"
    "      containers:\n      - name: c\n        image: example/web:1\n        ports:\n        - containerPort: 80\n";

const std::string kPod =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p1","namespace":"default","labels":{"app":"web"}},)"
    R"("spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running","podIP":"10.0.0.7",)"
    R"("containerStatuses":[{"name":"c","image":"i","imageID":"","ready":true,"restartCount":3,"state":{"running":{}}}]}})";

}  // namespace

TEST_CASE("kubectl reads") {
  if (skip()) return;
  ApiRig rig(true);
  Kubectl kubectl(rig);
  rig.core.put(kPod);
  rig.core.put(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}})");
  CHECK(has(kubectl("version"), "Server Version: v1.33.0"));
  CHECK(has(kubectl("api-resources"), "deployments"));
  CHECK(has(kubectl("api-versions"), "argoproj.io/v1alpha1"));
  std::string pods = kubectl("get pods");
  CHECK(has(pods, "NAME"));
  CHECK(has(pods, "READY"));
  CHECK(has(pods, "1/1"));
  CHECK(has(pods, "Running"));
  CHECK(has(kubectl("get pods -o wide"), "10.0.0.7"));
  CHECK(has(kubectl("get pods -A"), "default"));
  CHECK(has(kubectl("get pods -l app=web --show-labels"), "app=web"));
  CHECK(has(kubectl("get pods -l app=none"), "No resources found"));
  CHECK(has(kubectl("get pods --sort-by=.metadata.name"), "p1"));
  CHECK(has(kubectl("get pod p1 -o yaml"), "podIP: 10.0.0.7"));
  CHECK(kubectl("get pod p1 -o jsonpath='{.status.podIP}'") == "10.0.0.7");
  CHECK(has(kubectl("get all"), "pod/p1"));
  CHECK(has(kubectl("get pod none"), "Error from server (NotFound): pods \"none\" not found"));
  CHECK(has(kubectl("get deploy,po"), "pod/p1"));
  CHECK(has(kubectl("get nodes"), "n1"));
  CHECK(has(kubectl("describe pod p1"), "10.0.0.7"));
  CHECK(has(kubectl("describe node n1"), "Name:"));
  CHECK(has(kubectl("events"), "No events found"));
  CHECK(kubectl("get --raw /readyz") == "ok");
  CHECK(has(kubectl("auth can-i create pods"), "yes"));
  CHECK(has(kubectl("auth whoami"), "admin"));
  CHECK(has(kubectl("cluster-info"), "is running at"));
  CHECK(has(kubectl("get pods -w --request-timeout=2s"), "p1"));
}

TEST_CASE("kubectl writes") {
  if (skip()) return;
  ApiRig rig(true);
  Kubectl kubectl(rig);
  CHECK(has(kubectl("apply -f -", kDeployment), "deployment.apps/web created"));
  CHECK(has(kubectl("apply -f -", kDeployment), "unchanged"));
  std::string changed = kDeployment;
  changed.replace(changed.find("web:1"), 5, "web:2");
  CHECK(has(kubectl("apply -f -", changed), "configured"));
  CHECK(kubectl("get deploy web -o jsonpath='{.spec.template.spec.containers[0].image}'") == "example/web:2");
  CHECK(has(kubectl("apply --server-side --force-conflicts -f -", changed), "serverside-applied"));
  CHECK(has(kubectl("scale deploy web --replicas=5"), "scaled"));
  CHECK(has(kubectl("scale deploy web --current-replicas=5 --replicas=4"), "scaled"));
  CHECK(kubectl("get deploy web -o jsonpath='{.spec.replicas}'") == "4");
  CHECK(has(kubectl("rollout restart deploy web"), "restarted"));
  CHECK(has(kubectl("get deploy web -o yaml"), "kubectl.kubernetes.io/restartedAt"));
  CHECK(has(kubectl("label deploy web x=y"), "labeled"));
  CHECK(has(kubectl("annotate deploy web a=b"), "annotated"));
  CHECK(has(kubectl("set image deploy/web c=example/web:3"), "image updated"));
  CHECK(has(kubectl("patch deploy web --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/labels/x\"}]'"), "patched"));
  CHECK(has(kubectl("delete deploy web"), "deleted"));
  CHECK(has(kubectl("get deploy"), "No resources found"));
  std::string bad = kDeployment;
  bad.replace(bad.find("replicas"), 8, "replicaz");
  CHECK(has(kubectl("apply -f -", bad), "unknown field \"spec.replicaz\""));
}

TEST_CASE("kubectl's generators send protobuf") {
  if (skip()) return;
  ApiRig rig(true);
  Kubectl kubectl(rig);
  CHECK(has(kubectl("create namespace other"), "created"));
  CHECK(has(kubectl("create deployment gen --image=example/x:1 --replicas=3 --port=8080"), "created"));
  CHECK(kubectl("get deploy gen -o jsonpath='{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort} "
                "{.spec.selector.matchLabels.app}'") == "3 8080 gen");
  CHECK(has(kubectl("create configmap cm --from-literal=a=b"), "created"));
  CHECK(kubectl("get cm cm -o jsonpath='{.data.a}'") == "b");
  CHECK(has(kubectl("create secret generic s --from-literal=k=v"), "created"));
  CHECK(kubectl("get secret s -o jsonpath='{.data.k}'") == "dg==");
  CHECK(has(kubectl("create service clusterip svc --tcp=80:8080"), "created"));
  CHECK(kubectl("get svc svc -o jsonpath='{.spec.ports[0].targetPort}'") == "8080");
  CHECK(has(kubectl("create serviceaccount robot"), "created"));
  CHECK(has(kubectl("create job j --image=example/x:1 -- echo hi"), "created"));
  CHECK(kubectl("get job j -o jsonpath='{.spec.template.spec.containers[0].command[1]}'") == "hi");
  CHECK(has(kubectl("create quota q --hard=cpu=1,memory=1Gi"), "created"));
  CHECK(kubectl("get quota q -o jsonpath='{.spec.hard.memory}'") == "1Gi");
}

TEST_CASE("kubectl cordons, deletes pods and waits") {
  if (skip()) return;
  ApiRig rig(true);
  Kubectl kubectl(rig);
  rig.core.put(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}})");
  CHECK(has(kubectl("cordon n1"), "node/n1 cordoned"));
  CHECK(has(kubectl("get nodes"), "SchedulingDisabled"));
  CHECK(has(kubectl("taint node n1 a=b:NoSchedule"), "tainted"));
  rig.core.put(kPod);
  CHECK(has(kubectl("delete pod p1 --grace-period=0 --force"), "deleted"));
  CHECK(has(kubectl("wait --for=delete pod/p1 --timeout=5s"), ""));
  CHECK(has(kubectl("logs none"), "not found"));
}

}  // namespace mainstay::test
