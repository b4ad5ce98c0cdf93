// From files to desired sets: what is taken, what is refused, what is remembered.
#include <catch2/catch.hpp>

#include <algorithm>

#include "gitsync/desired.h"
#include "gitsync/fake_source.h"
#include "schema/base/rng.h"

using namespace mainstay;

namespace {

std::string config_map(const std::string& name, const std::string& value = "1", const std::string& ns = "") {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n" +
         (ns.empty() ? "" : "  namespace: " + ns + "\n") + "data:\n  key: \"" + value + "\"\n";
}

// A builder with the repository behind it.
struct Tree {
  std::shared_ptr<FakeRepository> repository = std::make_shared<FakeRepository>();
  FakeSource source{repository, "main", {.max_blob_bytes = 100'000}};
  FileSelection selection =
      *FileSelection::create({.path = "apps", .include = {}, .exclude = {"*-skip.yaml"}, .recurse = true});
  DesiredBuilder builder;
  size_t read = 0, updates = 0;
  std::optional<ListedTree> base;  // as SourceReader keeps it

  explicit Tree(ManifestRules rules = {}) : builder(std::move(rules), "apps") {}

  BuiltSet build(const CommitId& commit) {
    REQUIRE(source.fetch(commit).ok());
    read = 0;
    if (base && builder.can_update()) {
      TreeChanges changes = *source.changed_files(*base, commit, selection);
      if (!changes.is_whole) {
        learn(changes.come);
        std::optional<BuiltSet> built = builder.update(changes.gone, changes.come);
        if (built) {
          ++updates;
          base = ListedTree{commit, changes.entries};
          return std::move(*built);
        }
      }
    }
    Listing listing = *source.list_tree(commit, selection);
    learn(listing.files);
    BuiltSet built = builder.build(listing.files);
    base.reset();
    if (built.set && !listing.has_links) base = ListedTree{commit, listing.entries};
    return built;
  }
  void learn(const std::vector<TreeFile>& files) {
    std::vector<DesiredBuilder::Content> contents;
    for (const TreeFile* file : builder.missing(files)) contents.push_back({file, source.read_blob(file->blob)});
    read += contents.size();
    builder.learn(contents, 2);
  }
  BuiltSet build(const std::map<std::string, std::string>& files) {
    return build(repository->push("main", files));
  }
  BuiltSet build_entries(FakeFiles files) {
    return build(repository->push("main", std::move(files), "entries"));
  }
};

std::string service(const std::string& name, const std::string& spec) {
  return "apiVersion: v1\nkind: Service\nmetadata:\n  name: " + name + "\nspec:\n" + spec;
}
std::string node_port(const std::string& name, int number, const std::string& more = "") {
  return service(name, "  type: NodePort\n  ports:\n  - port: 80\n    nodePort: " + std::to_string(number) + "\n" + more);
}

std::vector<std::string> keys(const BuiltSet& built) {
  std::vector<std::string> out;
  if (!built.set) return out;
  for (const DesiredObject& object : built.set->objects) {
    out.push_back(object.key.text() + " " + object.origin.path + ":" + std::to_string(object.origin.line));
  }
  return out;
}

// The one error of a tree with this one file.
Diagnostic only_error(const std::string& name, const std::string& bytes, ManifestRules rules = {}) {
  Tree tree(std::move(rules));
  BuiltSet built = tree.build({{"apps/" + name, bytes}});
  INFO(built.diagnostics.render());
  REQUIRE(built.state == BuiltSet::State::kRefused);
  REQUIRE(built.diagnostics.error_count() == 1);
  CHECK(built.set == nullptr);
  return built.diagnostics.all().at(0);
}

}  // namespace

TEST_CASE("objects of all files become one sorted set with their places") {
  Tree tree;
  BuiltSet built = tree.build({
      {"apps/b.yaml",
       "# words\n---\n" + config_map("two") + "---\n---\n# nothing\n---\n" + config_map("one", "1", "other")},
      {"apps/deep/ns.yml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n"},
      {"apps/c.json", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"json"}})"},
      {"apps/list.yaml", "apiVersion: v1\nkind: List\nitems:\n- " +
                             std::string("{apiVersion: v1, kind: ConfigMap, metadata: {name: l1}}\n") +
                             "- {apiVersion: v1, kind: ConfigMap, metadata: {name: l2}}\n"},
      {"apps/empty.yaml", "# only words\n"},
      {"apps/no-skip.yaml", "{{ not yaml"},
      {"apps/.github/x.yaml", "{{ not yaml"},
      {"apps/README.md", "words"},
      {"elsewhere/x.yaml", "{{ not yaml"},
  });
  INFO(built.diagnostics.render());
  REQUIRE(built.state == BuiltSet::State::kAccepted);
  CHECK(keys(built) == std::vector<std::string>{
                           "Namespace other apps/deep/ns.yml:1",      "ConfigMap default/json apps/c.json:1",
                           "ConfigMap default/l1 apps/list.yaml:4",   "ConfigMap default/l2 apps/list.yaml:5",
                           "ConfigMap default/two apps/b.yaml:3",     "ConfigMap other/one apps/b.yaml:13"});
  const DesiredObject &first = *built.set->objects.begin(), &second = *std::next(built.set->objects.begin());
  CHECK(first.object->meta.ns.empty());
  CHECK(second.object->meta.ns == "default");
  CHECK(second.declared->find_path({"metadata", "namespace"})->as_string() == "default");
}

TEST_CASE("objects without a namespace go to the application's destination") {
  Tree tree({.default_namespace = "shop", .unknown_fields = UnknownFields::kError});
  BuiltSet built = tree.build({{"apps/a.yaml", config_map("a") + "---\n" + config_map("b", "1", "own")}});
  CHECK(keys(built) ==
        std::vector<std::string>{"ConfigMap own/b apps/a.yaml:8", "ConfigMap shop/a apps/a.yaml:1"});
}

TEST_CASE("every mistake of a tree is reported at once, with its place, and nothing is taken") {
  Tree tree;
  BuiltSet built = tree.build({
      {"apps/a.yaml", config_map("a") + "extra: 1\n"},
      {"apps/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\ndata: [1]\n"},
      {"apps/c.yaml", "apiVersion: v1\nkind: Deplyment\nmetadata: {name: c}\n"},
      {"apps/d.yaml", "a: [1\n"},
      {"apps/good.yaml", config_map("good")},
  });
  CHECK(built.state == BuiltSet::State::kRefused);
  CHECK(built.set == nullptr);
  std::vector<std::string> places;
  for (const Diagnostic& each : built.diagnostics.all())
    places.push_back(each.file + ":" + std::to_string(each.mark.line));
  std::sort(places.begin(), places.end());
  INFO(built.diagnostics.render());
  CHECK(std::count(places.begin(), places.end(), "apps/a.yaml:7") == 1);
  CHECK(std::count(places.begin(), places.end(), "apps/b.yaml:5") == 1);
  CHECK(std::count(places.begin(), places.end(), "apps/c.yaml:2") == 1);
  CHECK(built.diagnostics.render().find("apps/d.yaml:") != std::string::npos);
  CHECK(built.diagnostics.render().find("good.yaml") == std::string::npos);
}

TEST_CASE("a misspelt field hides no other mistake of its object, and nothing of the object is taken") {
  Tree tree;
  BuiltSet built = tree.build(
      {{"apps/a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: Bad_Name}\nspec:\n  foo: 1\n"
                       "  ports:\n  - port: 0\n"},
       {"apps/b.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: b-}\nspec:\n  hostUsers: false\n"
                       "  containers:\n  - {name: c, imgae: i}\n"},
       {"apps/good.yaml", config_map("good")}});
  INFO(built.diagnostics.render());
  CHECK(built.state == BuiltSet::State::kRefused);
  CHECK(built.set == nullptr);
  std::vector<std::string> places;
  for (const Diagnostic& each : built.diagnostics.all())
    places.push_back(each.file + ":" + std::to_string(each.mark.line) + " " + each.path);
  std::sort(places.begin(), places.end());
  CHECK(places == std::vector<std::string>{
                      "apps/a.yaml:3 metadata.name", "apps/a.yaml:5 spec.foo", "apps/a.yaml:7 spec.ports[0].port",
                      "apps/a.yaml:7 spec.ports[0].targetPort",
                      "apps/b.yaml:3 metadata.generateName", "apps/b.yaml:5 spec.hostUsers",
                      "apps/b.yaml:7 spec.containers[0].imgae"});
}

TEST_CASE("of a refused tree the part that is right is kept apart, with the names that others may wait for") {
  Tree tree;
  auto part = [&](std::map<std::string, std::string> files) {
    files["apps/good.yaml"] = config_map("good");
    BuiltSet built = tree.build(files);
    REQUIRE(built.state == BuiltSet::State::kRefused);
    CHECK(built.set == nullptr);
    REQUIRE(built.readable);
    CHECK(built.readable->is_partial);
    CHECK(built.readable->objects.find(Key{Kind::kConfigMap, "default", "good"}) != nullptr);
    CHECK(built.readable->objects.size() == 1);
    return built.readable;
  };
  using Names = std::set<std::string>;
  CHECK(part({{"apps/a.yaml", config_map("a") + "extra: 1\n"}})->unread.empty());
  CHECK(part({{"apps/a.yaml", "a: [1\n"}})->unread.empty());
  CHECK(part({{"apps/twice.yaml", config_map("good", "2")}})->unread.empty());
  CHECK(part({{"apps/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, lables: {}}\n"}})->unread ==
        Names{"shop"});
  CHECK(part({{"apps/a.yaml", "apiVersion: v1\nkind: Namespce\nmetadata: {name: shop}\n"}})->unread ==
        Names{"shop"});
  CHECK(part({{"apps/a.yaml", "kind: Namespace\nmetadata: {name: [shop\n"}})->may_be_unread("shop"));
  CHECK(part({{"apps/a.yaml", std::string(100'001, '#')}})->may_be_unread("shop"));
  CHECK(tree.build({{"apps/a.yaml", config_map("a")}}).readable == nullptr);
}

TEST_CASE("files that are no manifests are errors that name the exclude") {
  const std::string hint = "add \"x.yaml\" to the application's directory.exclude";
  auto check = [&](const std::string& bytes, const std::string& message, uint32_t line) {
    Diagnostic problem = only_error("x.yaml", bytes);
    INFO(problem.text());
    CHECK(problem.file == "apps/x.yaml");
    CHECK(problem.mark.line == line);
    CHECK(problem.message.find(message) != std::string::npos);
    CHECK(problem.hint.find(hint) != std::string::npos);
  };
  check("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "LFS", 1);
  check(std::string("a\0b", 3), "NUL", 1);
  check(std::string("\0GITCRYPT\0", 10), "NUL", 1);
  check("image: nginx\nreplicas: 3\n", "no apiVersion", 1);
  check("- a\n- b\n", "no Kubernetes object", 1);
  check("just words\n", "no Kubernetes object", 1);
  check(config_map("a") + "sops:\n  mac: x\n", "SOPS", 8);
}

TEST_CASE("conflict markers, kustomizations and charts are named for what they are") {
  Diagnostic conflict =
      only_error("x.yaml", config_map("a") + "<<<<<<< HEAD\nx: 1\n=======\nx: 2\n>>>>>>> branch\n");
  CHECK(conflict.message.find("merge conflict") != std::string::npos);
  CHECK(conflict.mark.line == 7);
  CHECK(only_error("kustomization.yaml", "resources: [a.yaml]\n").message.find("kustomization") !=
        std::string::npos);
  CHECK(only_error("Chart.yaml", "name: x\n").message.find("Helm") != std::string::npos);
  Tree tree;  // text that only looks like it inside a value
  CHECK(tree.build({{"apps/a.yaml",
                     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n    <<<<<<< a\n   "
                     " >>>>>>> b\n"}})
            .state == BuiltSet::State::kAccepted);
}

TEST_CASE("links, submodules, bad names and large files are errors that name the exclude") {
  Tree tree;
  using Kind = TreeFile::Kind;
  BuiltSet built = tree.build_entries({{"apps/good.yaml", {config_map("good")}},
                                       {"apps/link.yaml", {"/etc/passwd", Kind::kSymlink}},
                                       {"apps/module", {"", Kind::kSubmodule}},
                                       {"apps/shared", {"../shared", Kind::kDirectorySymlink}},
                                       {"apps/large.yaml", {std::string(100'001, '#')}}});
  CHECK(built.state == BuiltSet::State::kRefused);
  CHECK(built.diagnostics.error_count() == 4);
  for (const Diagnostic& each : built.diagnostics.all()) {
    INFO(each.text());
    CHECK(each.hint.find("\"" + each.file.substr(5) + "\" to the application's directory.exclude") !=
          std::string::npos);
  }
}

TEST_CASE("an object declared twice is an error that names both places") {
  Tree tree;
  BuiltSet built = tree.build({{"apps/a.yaml", config_map("x") + "---\n" + config_map("same")},
                               {"apps/b.yaml", config_map("same", "2", "default")}});
  REQUIRE(built.state == BuiltSet::State::kRefused);
  REQUIRE(built.diagnostics.error_count() == 1);
  Diagnostic problem = built.diagnostics.all().at(0);
  CHECK(problem.file == "apps/b.yaml");
  CHECK(problem.message == "ConfigMap default/same is declared twice; the other is apps/a.yaml:8");
}

TEST_CASE("two Services that ask for the same are an error that names both places") {
  Tree tree;
  BuiltSet built = tree.build({{"apps/b.yaml", config_map("x") + "---\n" + node_port("a", 30080)},
                               {"apps/a.yaml", node_port("b", 30080)},
                               {"apps/c.yaml", service("c", "  clusterIP: 10.96.0.7\n  ports: [{port: 80}]\n")},
                               {"apps/d.yaml", service("d", "  ports: [{port: 80}]\n  clusterIP: 10.96.0.7\n")}});
  REQUIRE(built.state == BuiltSet::State::kRefused);
  REQUIRE(built.diagnostics.error_count() == 2);
  Diagnostic port = built.diagnostics.all().at(0), address = built.diagnostics.all().at(1);
  CHECK(port.file == "apps/a.yaml");
  CHECK(port.mark.line == 9);
  CHECK(port.path == "spec.ports[0].nodePort");
  CHECK(port.message == "Service default/b: Invalid value: 30080: provided port is already allocated; the other is Service "
                        "default/a, apps/b.yaml:16");
  CHECK(address.file == "apps/d.yaml");
  CHECK(address.mark.line == 7);
  CHECK(address.message == "Service default/d: Invalid value: [\"10.96.0.7\"]: failed to allocate IP 10.96.0.7: provided IP "
                           "is already allocated; the other is Service default/c, apps/c.yaml:6");

  // The same number by another protocol is another port, and so is nothing at all.
  CHECK(tree.build({{"apps/a.yaml", node_port("a", 30053)},
                    {"apps/b.yaml", node_port("b", 30053, "    protocol: UDP\n")},
                    {"apps/c.yaml", service("c", "  clusterIP: None\n") + "---\n" + service("d", "  clusterIP: None\n")}})
            .state == BuiltSet::State::kAccepted);
  // What serves a load balancer's question whether a node has endpoints serves nothing else.
  CHECK(tree.build({{"apps/a.yaml", node_port("a", 30100)},
                    {"apps/b.yaml", service("b", "  type: LoadBalancer\n  externalTrafficPolicy: Local\n"
                                                 "  healthCheckNodePort: 30100\n  ports: [{port: 80}]\n")}})
            .diagnostics.error_count() == 1);
}

TEST_CASE("what one commit asks for the next may ask for elsewhere") {
  Tree tree;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 5; ++i) files["apps/" + std::to_string(i) + ".yaml"] = node_port("s" + std::to_string(i), 30080 + i);
  REQUIRE(tree.build(files).state == BuiltSet::State::kAccepted);
  std::swap(files["apps/0.yaml"], files["apps/1.yaml"]);
  files["apps/2.yaml"] = node_port("s2", 30090);
  files["apps/5.yaml"] = node_port("s5", 30082);
  CHECK(tree.build(files).state == BuiltSet::State::kAccepted);
  CHECK(tree.updates == 1);
  files["apps/6.yaml"] = node_port("s6", 30082);
  BuiltSet built = tree.build(files);
  CHECK(tree.updates == 1);
  REQUIRE(built.diagnostics.error_count() == 1);
  CHECK(built.diagnostics.all()[0].message.find("the other is Service default/s5, apps/5.yaml:9") != std::string::npos);
}

TEST_CASE("no objects is an outcome of its own") {
  Tree tree;
  CHECK(tree.build({{"apps/README.md", "words"}}).state == BuiltSet::State::kNoObjects);
  CHECK(tree.build({{"apps/a.yaml", "# nothing\n"}}).state == BuiltSet::State::kNoObjects);
  CHECK(tree.build({{"apps/a.yaml", "apiVersion: v1\nkind: List\nitems: []\n"}}).state ==
        BuiltSet::State::kNoObjects);
}

TEST_CASE("fieldValidation Warn takes what Strict refuses") {
  std::string bytes = config_map("a") + "extra: 1\n";
  CHECK(only_error("a.yaml", bytes).path.find("extra") != std::string::npos);
  Tree tree({.default_namespace = "default", .unknown_fields = UnknownFields::kWarn});
  BuiltSet built = tree.build({{"apps/a.yaml", bytes}});
  CHECK(built.state == BuiltSet::State::kAccepted);
  CHECK(built.diagnostics.warning_count() == 1);
  CHECK(built.set->objects.begin()->declared->find("extra") == nullptr);
}

TEST_CASE("what a server assigns and the status are not taken from Git") {
  Tree tree;
  BuiltSet plain = tree.build({{"apps/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n"}});
  BuiltSet copied = tree.build(
      {{"apps/a.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  uid: 1-2\n  resourceVersion: \"7\"\n"
        "  creationTimestamp: \"2020-01-01T00:00:00Z\"\n  generation: 3\nstatus:\n  phase: Active\n"}});
  INFO(copied.diagnostics.render());
  REQUIRE(copied.state == BuiltSet::State::kAccepted);
  CHECK(copied.set->hash == plain.set->hash);
  CHECK(copied.set->objects.begin()->object->meta.uid.empty());
  CHECK(copied.diagnostics.warning_count() == 1);
}

TEST_CASE("an object in Git needs a fixed name") {
  Diagnostic problem =
      only_error("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  generateName: a-\n");
  CHECK(problem.path == "metadata.generateName");
  CHECK(problem.mark.line == 4);
}

TEST_CASE("the set's hash is of content: not of files, order, style, comments or defaults") {
  Tree tree;
  auto hash = [&](const std::map<std::string, std::string>& files) {
    BuiltSet built = tree.build(files);
    INFO(built.diagnostics.render());
    REQUIRE(built.state == BuiltSet::State::kAccepted);
    return built.set->hash;
  };
  Digest base = hash({{"apps/a.yaml", config_map("a") + "---\n" + config_map("b")}});
  CHECK(hash({{"apps/a.yaml", config_map("b")}, {"apps/z/y.yaml", config_map("a")}}) == base);
  CHECK(
      hash(
          {{"apps/a.yaml", "# words\n" + config_map("b")},
           {"apps/b.json",
            R"({"kind":"ConfigMap","data":{"key":"1"},"metadata":{"name":"a","namespace":"default"},)"
                R"("apiVersion":"v1"})"}}) ==
      base);
  CHECK(hash({{"apps/a.yaml", config_map("a", "2") + "---\n" + config_map("b")}}) != base);
  CHECK(hash({{"apps/a.yaml", config_map("a")}}) != base);
  CHECK(hash({{"apps/a.yaml", config_map("a") + "---\n" + config_map("c")}}) != base);
  CHECK(hash({{"apps/a.yaml", config_map("a") + "---\n" + config_map("b", "1", "other")}}) != base);
}

TEST_CASE("only changed blobs are read again, and memory does not grow with history") {
  Tree tree;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 300; ++i)
    files["apps/" + std::to_string(i) + ".yaml"] = config_map("c" + std::to_string(i));
  BuiltSet first = tree.build(files);
  CHECK(tree.read == 300);
  for (int i = 0; i < 50; ++i) {
    files["apps/7.yaml"] = config_map("c7", std::to_string(100 + i));
    CHECK(tree.build(files).state == BuiltSet::State::kAccepted);
    CHECK(tree.read == 1);
  }
  CHECK(tree.builder.remembered() <= 303);
  files["apps/7.yaml"] = config_map("c7");
  BuiltSet reverted = tree.build(files);
  CHECK(reverted.set->hash == first.set->hash);
  // A moved file is the same blob at another place.
  files["apps/moved/8.yaml"] = files["apps/8.yaml"];
  files.erase("apps/8.yaml");
  BuiltSet moved = tree.build(files);
  CHECK(tree.read == 0);
  CHECK(moved.set->hash == first.set->hash);
  auto place = std::find_if(moved.set->objects.begin(), moved.set->objects.end(),
                            [](const DesiredObject& o) { return o.key.name == "c8"; });
  CHECK(place->origin.path == "apps/moved/8.yaml");
}

TEST_CASE("remembered mistakes name the file they are in now") {
  Tree tree;
  CHECK(tree.build({{"apps/a.yaml", "image: x\n"}}).diagnostics.all().at(0).file == "apps/a.yaml");
  Diagnostic moved = tree.build({{"apps/dir/b.yaml", "image: x\n"}}).diagnostics.all().at(0);
  CHECK(tree.read == 0);
  CHECK(moved.file == "apps/dir/b.yaml");
  CHECK(moved.hint.find("\"dir/b.yaml\"") != std::string::npos);
}

// A kind that is carried, so that the file has a warning.
const std::string kIngress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
                             "spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}\nmetadata: {name: i";

TEST_CASE("sets of two commits share what did not change") {
  Tree tree;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 300; ++i)
    files["apps/" + std::to_string(i) + ".yaml"] = config_map("c" + std::to_string(i));
  BuiltSet first = tree.build(files);
  files["apps/7.yaml"] = config_map("c7", "other");
  files.erase("apps/8.yaml");
  BuiltSet second = tree.build(files);
  CHECK(tree.updates == 1);
  std::vector<std::string> differ;
  DesiredObjects::for_each_difference(first.set->objects, second.set->objects, [&](const auto* a, const auto* b) {
    differ.push_back(b != nullptr ? b->key.name : "-" + a->key.name);
  });
  CHECK(differ == std::vector<std::string>{"c7", "-c8"});
}

TEST_CASE("property: random walks over trees; a builder with memory and a fresh one agree") {
  const uint64_t seed = 4711;
  INFO("seed " << seed);
  Rng rng(seed);
  Tree tree;
  std::map<std::string, std::string> files = {{"apps/keep.yaml", config_map("keep")}};
  std::map<std::string, Digest> known;
  for (int step = 0; step < 150; ++step) {
    std::string name = std::to_string(rng.below(12));
    std::string path = "apps/" + std::string(rng.chance(50) ? "x/" : "") + name + ".yaml";
    if (rng.chance(30)) files.erase(path);
    else if (rng.chance(3)) files[path] = "image: broken\n";
    else if (rng.chance(10)) files[path] = config_map("c" + name) + "---\n" + kIngress + name + "}\n";
    else if (rng.chance(20)) files[path] = node_port("s" + name, 30000 + static_cast<int>(rng.below(30)));
    else files[path] = config_map("c" + name, std::to_string(rng.below(3)));
    BuiltSet remembered = tree.build(files);
    Tree fresh;
    BuiltSet anew = fresh.build(files);
    REQUIRE(remembered.state == anew.state);
    REQUIRE(remembered.diagnostics.render() == anew.diagnostics.render());
    if (!anew.set) continue;
    REQUIRE(remembered.set->hash == anew.set->hash);
    REQUIRE(keys(remembered) == keys(anew));
    for (const DesiredObject& object : anew.set->objects) {
      REQUIRE(remembered.set->objects.find(object.key)->hash == object.hash);
    }
    REQUIRE(std::is_sorted(anew.set->objects.begin(), anew.set->objects.end(),
                           [](const DesiredObject& a, const DesiredObject& b) { return a.key < b.key; }));
  }
  CHECK(tree.updates > 10);
}
