#include "reconciler/plan/diff.h"

#include <catch2/catch.hpp>

#include "schema/not_yet.h"
#include "tests/plan/desired.h"

namespace mainstay {
namespace {

const std::string kWeb = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example/web:1
)";
const Key kWebKey{Kind::kDeployment, "default", "web"};

std::string with(std::string text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

const FieldEdit& only_edit(const Plan& plan) {
  INFO(plan_text(plan));
  REQUIRE(plan.changes.changes.size() == 1);
  REQUIRE(plan.changes.changes[0].edits.size() == 1);
  return plan.changes.changes[0].edits[0];
}

TEST_CASE("the first commit creates everything, in order of kind, with defaults") {
  TestApplication app;
  Plan plan = app.sync(kWeb + config_maps("c", 2));
  REQUIRE(plan.changes.changes.size() == 3);
  CHECK(plan.changes.changes[0].key == Key{Kind::kConfigMap, "default", "c0"});
  CHECK(plan.changes.changes[2].key == kWebKey);
  CHECK(plan.changes.changes[2].origin == Origin{"all.yaml", 1});
  const Deployment& web = as<Deployment>(*app.store.head.find(kWebKey));
  CHECK(web.spec.strategy.type == "RollingUpdate");
  CHECK(web.spec.pod_template.spec.restart_policy == "Always");
}

TEST_CASE("planning again after applying finds nothing, with and without the memo") {
  TestApplication app;
  DesiredSet set = desired_set(kWeb + config_maps("c", 3));
  app.sync(set);
  Plan first = app.plan(set);
  CHECK(first.changes.changes.empty());
  CHECK(first.changes.unchanged == 4);
  CHECK(app.memo.size() == 4);
  CHECK(app.plan(set).changes.unchanged == 4);  // from the memo
  app.memo.clear();
  CHECK(app.plan(set).changes.changes.empty());
}

TEST_CASE("an edit names the field, before and after") {
  TestApplication app;
  app.sync(kWeb);
  Plan plan = app.plan(desired_set(with(kWeb, "web:1", "web:2")));
  const FieldEdit& edit = only_edit(plan);
  CHECK(edit.path == "spec.template.spec.containers[name=web].image");
  CHECK(edit.before == Value("example/web:1"));
  CHECK(edit.after == Value("example/web:2"));
}

TEST_CASE("a Service whose manifest leaves its addresses open keeps those it got") {
  const std::string manifest = R"(apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  clusterIP: ""
  ports: [{name: http, port: 80}]
)";
  TestApplication app;
  const Key key{Kind::kService, "default", "web"};
  app.sync(manifest);
  Object given = *app.store.head.find(key);
  as<Service>(given).spec.cluster_ip = "10.96.235.5";
  as<Service>(given).spec.cluster_ips = {"10.96.235.5"};
  as<Service>(given).spec.ports[0].node_port = 30080;
  app.store.update(std::move(given));
  DesiredSet set = desired_set(manifest);
  CHECK(app.plan(set).changes.changes.empty());
  CHECK(drifted(*set.objects.find(key), *app.store.head.find(key)).empty());

  app.sync(with(manifest, "port: 80", "port: 81"));
  const ServiceSpec& spec = as<Service>(*app.store.head.find(key)).spec;
  CHECK(spec.cluster_ip == "10.96.235.5");
  CHECK(spec.cluster_ips == std::vector<std::string>{"10.96.235.5"});
  REQUIRE(spec.ports.size() == 1);
  CHECK(spec.ports[0].port == 81);
  CHECK(spec.ports[0].node_port == 30080);

  Plan moved = app.plan(desired_set(with(manifest, "\"\"", "10.96.0.9")));
  REQUIRE(moved.changes.mistakes.error_count() == 1);
  CHECK(moved.changes.mistakes.all()[0].path == "spec.clusterIPs[0]");
  CHECK(moved.changes.mistakes.all()[0].hint == "give the object a new name, or delete it first");
}

TEST_CASE("a field that others set stays, one that Git drops goes, one that was changed by hand comes back") {
  TestApplication app;
  app.sync(kWeb);
  Object live = *app.store.head.find(kWebKey);
  map_slot(live.meta.annotations, "team") = "red";
  as<Deployment>(live).spec.replicas = 7;
  as<Deployment>(live).status.replicas = 7;
  app.store.update(live);

  DesiredSet same = desired_set(kWeb);
  std::vector<FieldEdit> drift = drifted(*same.objects.begin(), *app.store.head.find(kWebKey));
  REQUIRE(drift.size() == 1);
  CHECK(drift[0].path == "spec.replicas");
  CHECK(drift[0].before == Value(7));
  CHECK(drift[0].after == Value(2));
  CHECK(only_edit(app.sync(same)).path == "spec.replicas");
  CHECK(drifted(*same.objects.begin(), *app.store.head.find(kWebKey)).empty());

  app.sync(with(kWeb, "  labels: {app: web}\n", ""));
  ObjectPtr now = app.store.head.find(kWebKey);
  CHECK(now->meta.labels.empty());
  CHECK(*map_find(now->meta.annotations, "team") == "red");

  Object scaled = *now;  // no longer declared: the autoscaler's
  app.sync(with(kWeb, "  replicas: 2\n", ""));
  scaled = *app.store.head.find(kWebKey);
  as<Deployment>(scaled).spec.replicas = 9;
  app.store.update(scaled);
  CHECK(app.sync(with(kWeb, "  replicas: 2\n", "")).empty());
  CHECK(as<Deployment>(*app.store.head.find(kWebKey)).spec.replicas == 9);
}

TEST_CASE("the memo never hides a change of the live object") {
  TestApplication app;
  DesiredSet set = desired_set(config_maps("c", 1));
  app.sync(set);
  app.plan(set);
  Object live = *app.store.head.find(Kind::kConfigMap, "default", "c0");
  map_slot(as<ConfigMap>(live).data, "value") = "changed";
  app.store.update(live);
  CHECK(only_edit(app.plan(set)).path == "data[value]");
}

TEST_CASE("an object that exists already is adopted, and keeps what Git does not declare") {
  TestApplication app;
  Object mine = config("default", "c0", "mine");
  map_slot(as<ConfigMap>(mine).data, "other") = "kept";
  app.store.create(mine);
  Plan plan = app.sync(config_maps("c", 1));
  CHECK(plan.changes.changes.at(0).adopts);
  const ConfigMap& now = as<ConfigMap>(*app.store.head.find(Kind::kConfigMap, "default", "c0"));
  CHECK(*map_find(now.data, "value") == "1");
  CHECK(*map_find(now.data, "other") == "kept");
}

TEST_CASE("an immutable field is refused with file, line and advice, and nothing else of the set is lost") {
  TestApplication app;
  app.sync(kWeb);
  std::string changed = with(with(kWeb, "matchLabels: {app: web}", "matchLabels: {app: other}"),
                             "      labels: {app: web}", "      labels: {app: other}");
  Plan plan = app.plan(desired_set({{"apps/web.yaml", changed}}));
  CHECK_FALSE(plan.acceptable());
  REQUIRE(plan.changes.mistakes.error_count() == 1);
  const Diagnostic& mistake = plan.changes.mistakes.all()[0];
  CHECK(mistake.file == "apps/web.yaml");
  CHECK(mistake.mark.line >= 8);
  CHECK(mistake.path.starts_with("spec.selector"));
  CHECK(mistake.message.find("immutable") != std::string::npos);
  CHECK_FALSE(mistake.hint.empty());
}

TEST_CASE("an object of another application and one without namespace are mistakes") {
  TestApplication app;
  DesiredSet set = desired_set(config_maps("c", 1) + R"(---
apiVersion: v1
kind: ConfigMap
metadata: {name: lost, namespace: nowhere}
)");
  std::vector<Claim> claims = {{{Kind::kConfigMap, "default", "c0"}, "payments"}};
  ChangeSet changes = diff({set, nullptr, app.store.head, claims});
  REQUIRE(changes.mistakes.error_count() == 2);
  CHECK(changes.mistakes.render().find("payments") != std::string::npos);
  CHECK(changes.mistakes.render().find("namespaces \"nowhere\" not found") != std::string::npos);
  CHECK(changes.mistakes.all()[0].file == "all.yaml");
  CHECK(changes.mistakes.all()[0].mark.line > 0);
}

TEST_CASE("a namespace of the same commit comes before what stands in it") {
  TestApplication app;
  Plan plan = app.sync(R"(apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
)");
  CHECK(plan.changes.changes.at(0).key.kind == Kind::kNamespace);
  CHECK(app.store.head.find(Kind::kConfigMap, "shop", "c"));
}

TEST_CASE("what is no longer declared is pruned last, dependants before what they need") {
  TestApplication app;
  app.sync(kWeb + config_maps("old", 2));
  Plan plan = app.sync(config_maps("new", 1));
  std::vector<std::string> order;
  for (const PlannedChange& change : plan.changes.changes) order.push_back(change.key.name);
  CHECK(order == std::vector<std::string>{"new0", "web", "old1", "old0"});
  CHECK(app.store.head.count(Kind::kConfigMap) == 1);
  CHECK(app.store.head.count(Kind::kDeployment) == 0);
}

TEST_CASE("an object on its way out is waited for, then made again") {
  TestApplication app;
  app.sync(kWeb);
  Object held = *app.store.head.find(kWebKey);
  held.meta.finalizers = {"example.com/wait"};
  app.store.update(held);
  app.store.remove(kWebKey);
  Plan plan = app.sync(kWeb);
  CHECK(plan.empty());
  CHECK(plan.changes.leaving == std::vector<Key>{kWebKey});
  Object freed = *app.store.head.find(kWebKey);
  freed.meta.finalizers.clear();
  app.store.update(freed);
  REQUIRE_FALSE(app.store.head.find(kWebKey));
  CHECK(app.sync(kWeb).counts().create == 1);
}

TEST_CASE("the permanent namespaces are let go, never pruned") {
  TestApplication app;
  app.store.create(namespace_named("default"));
  std::string ns = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {a: b}}\n";
  app.sync(ns + config_maps("c", 1));
  CHECK(app.sync(config_maps("c", 1)).changes.changes.empty());
  CHECK(app.store.head.find(Kind::kNamespace, "", "default"));
}

TEST_CASE("a plan that looks at suspects only says what one that looks at everything says") {
  for (uint64_t seed : test_seeds(20)) {
    INFO("MAINSTAY_SEED=" << seed);
    Rng rng(seed);
    TestApplication app;
    app.sync(config_maps("c", 20));
    std::set<Key> suspects;
    for (int i = 0; i < 3; ++i) {
      Key key{Kind::kConfigMap, "default", "c" + std::to_string(rng.below(20))};
      suspects.insert(key);
      ObjectPtr live = app.store.head.find(key);
      if (!live || rng.chance(30)) continue;
      if (rng.chance(30)) {
        app.store.remove(key);
        continue;
      }
      Object next = *live;
      map_slot(as<ConfigMap>(next).data, "value") = "drifted";
      app.store.update(next);
    }
    // What did not change keeps its very object, as in the sets that gitsync makes.
    DesiredSet desired = app.last;
    DesiredSet fresh = desired_set(config_maps("c", 10 + rng.below(12), "2"));
    for (const DesiredObject& object : fresh.objects) {
      if (rng.chance(20)) desired.objects.set(object);
    }
    if (rng.chance(50)) desired.objects.erase({Kind::kConfigMap, "default", "c7"});
    PlanInput input{"root", "a", "b", desired, &app.last, app.store.head};
    Plan all = make_plan(input);
    input.suspects = &suspects;
    Plan some = make_plan(input);
    REQUIRE(plan_text(some) == plan_text(all));
    REQUIRE(some.counts().unchanged == all.counts().unchanged);
  }
}

TEST_CASE("fields that are not acted on are named") {
  DesiredSet set = desired_set(R"(apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  runtimeClassName: gvisor
  containers:
    - {name: a, image: i, securityContext: {seLinuxOptions: {level: s0}}}
    - {name: b, image: i, securityContext: {seLinuxOptions: {level: s0}}}
)");
  CHECK(not_enforced(Kind::kPod, *set.objects.begin()->declared) ==
        std::vector<std::string>{"spec.containers.securityContext.seLinuxOptions", "spec.runtimeClassName"});
  CHECK(not_enforced(Kind::kIngress, Value::map()) == std::vector<std::string>{"(the whole object)"});
}

TEST_CASE("no secret value stands in any form of a plan") {
  TestApplication app;
  auto secret = [](std::string_view canary) {
    std::string text(canary);
    return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations: {token: " + text +
           "}\nstringData: {password: " + text + "}\ndata: {key: " + base64(text) + "}\n";
  };
  app.sync(secret("canary-one"));
  Plan plan = app.plan(desired_set(secret("canary-two")));
  CHECK(plan.counts().update == 1);
  for (const std::string& text : {plan_text(plan), plan_markdown(plan), to_json(plan_json(plan))}) {
    INFO(text);
    CHECK(text.find("data") != std::string::npos);
    for (const std::string canary : {"canary-one", "canary-two"}) {
      CHECK(text.find(canary) == std::string::npos);
      CHECK(text.find(base64(canary)) == std::string::npos);
    }
  }
  for (const FieldEdit& edit : drifted(*app.last.objects.begin(), *plan.changes.changes[0].next)) CHECK(edit.hidden);
}

}  // namespace
}  // namespace mainstay
