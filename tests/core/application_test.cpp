// What the core remembers of an application across its own end.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/core/core_fixture.h"
#include "tests/plan/desired.h"

namespace mainstay {
namespace {

using test::at;

SourceNews broken_tip(const std::string& commit, const std::string& mistake) {
  SourceNews news;
  news.application = "root";
  news.commit.id = commit;
  news.commit.subject = "Oops";
  news.mistakes = {mistake};
  return news;
}

CoreSettings one_application() {
  CoreSettings settings;
  settings.applications.push_back({});
  return settings;
}

// A core that lives as long as a test wants; what was not durable is gone with it.
struct Life : test::CoreLife {
  Life(MemoryJournal& given, Now start, CoreSettings settings = one_application())
      : CoreLife(given, std::move(settings), start) {}
  ~Life() { journal.crash(); }

  bool says(const std::string& part) const {
    return std::any_of(log.begin(), log.end(), [&](auto& line) { return line.find(part) != line.npos; });
  }
};

// One life over `journal`: it takes the news and everything becomes durable.
void live(MemoryJournal& journal, int64_t from, const SourceNews& news) {
  Life life(journal, at(from));
  life.turn({news});
  life.settle();
}

std::vector<CommitRow> commits(MemoryJournal& journal) {
  Result<Loaded> loaded = journal.load();
  REQUIRE(loaded.ok());
  for (const LoadedApplication& one : loaded->applications) {
    if (one.application == "root") return one.commits;
  }
  return {};
}

}  // namespace

TEST_CASE("a commit that is still refused after a restart is told once, with the newest reason") {
  MemoryJournal journal("cluster");
  const std::string first(40, 'a'), second(40, 'b');
  live(journal, 0, broken_tip(first, "web.yaml:3:1: error: no such field"));
  live(journal, 100, broken_tip(first, "web.yaml:3:1: error: unknown field \"replica\""));
  REQUIRE(commits(journal).size() == 1);
  CHECK(commits(journal)[0].result == "refused");
  CHECK(commits(journal)[0].message == "web.yaml:3:1: error: unknown field \"replica\"\n");
  live(journal, 200, broken_tip(second, "web.yaml:4:1: error: no such field"));
  CHECK(commits(journal).size() == 2);
}

namespace {

SourceNews commit_of(char digit, const std::string& manifests) {
  SourceNews news;
  news.application = "root";
  news.commit.id = std::string(40, digit);
  news.commit.subject = "Work";
  news.set = std::make_shared<DesiredSet>(desired_set(manifests));
  return news;
}

ApplicationOrder order(ApplicationOrder::What what, const std::string& commit = "") {
  ApplicationOrder out;
  out.ticket = 9;
  out.application = "root";
  out.what = what;
  out.commit = commit;
  return out;
}

using What = ApplicationOrder::What;

// Commits a and b are applied, and a is asked for again.
void roll_back_second_commit(Life& life) {
  life.turn({commit_of('a', config_maps("c", 2, "1"))});
  life.settle();
  life.turn({commit_of('b', config_maps("c", 2, "2"))});
  life.settle();
  life.turn({order(What::kRollback, std::string(40, 'a'))});
}

}  // namespace

TEST_CASE("an order is answered when it is durable, and holds across a crash though nothing followed from it yet") {
  MemoryJournal journal("cluster");
  {
    Life life(journal, at(0));
    roll_back_second_commit(life);
    REQUIRE(life.reads == std::vector<std::string>{std::string(40, 'a')});  // which has not come yet
    life.turn();
    CHECK(life.answers.empty());
    journal.deliver_all();
    life.turn();
    REQUIRE(life.answers.size() == 1);
    CHECK_FALSE(life.answers[0].error);
  }
  {
    Life life(journal, at(100));
    life.turn({commit_of('b', config_maps("c", 2, "2"))});
    CHECK(life.reads == std::vector<std::string>{std::string(40, 'a')});
    // The other way: a sync before the tip is read again.
    life.turn({order(What::kSync)});
    journal.deliver_all();
    life.turn();
    REQUIRE(life.answers.size() == 1);
  }
  Life life(journal, at(200));
  life.turn({commit_of('b', config_maps("c", 2, "2"))});
  CHECK(life.reads.empty());
}

TEST_CASE("an order that a refused batch took back is answered 503, never silently lost") {
  MemoryJournal journal("cluster");
  Life life(journal, at(0));
  roll_back_second_commit(life);
  journal.refuse_next(1, JournalRefusal::kFull);
  journal.deliver_all();
  life.turn();
  REQUIRE(life.answers.size() == 1);
  REQUIRE(life.answers[0].error);
  CHECK(life.answers[0].error->code == 503);
  life.reads.clear();
  life.settle();
  CHECK(life.reads.empty());  // it is taken back whole
  life.turn({order(What::kRollback, std::string(40, 'a'))});
  life.settle();
  REQUIRE(life.answers.size() == 2);
  CHECK_FALSE(life.answers[1].error);
  CHECK(life.reads == std::vector<std::string>{std::string(40, 'a')});
}

TEST_CASE("without self-heal drift stays until somebody syncs or commits, and goes then") {
  MemoryJournal journal("cluster");
  CoreSettings settings = one_application();
  settings.applications[0].self_heal = false;
  Life life(journal, at(0), settings);
  const std::string declared = config_maps("c", 2, "1");
  life.turn({commit_of('a', declared)});
  life.settle();
  auto count = [&] {
    size_t found = 0;
    for (const ObjectPtr& map : life.core->head().list(Kind::kConfigMap)) found += map->meta.name.starts_with("c");
    return found;
  };
  size_t all = count();
  auto drift = [&] {
    for (const ObjectPtr& map : life.core->head().list(Kind::kConfigMap)) {
      if (!map->meta.name.starts_with("c") || map->meta.ns != "default") continue;
      ApiWrite write;
      write.verb = ApiWrite::Verb::kDelete;
      write.key = map->key();
      write.actor = "user:test";
      life.turn({write});
      break;
    }
    life.settle();
    REQUIRE(count() == all - 1);
  };
  drift();
  life.turn({order(What::kSync)});
  life.settle();
  CHECK(count() == all);
  drift();
  life.turn({commit_of('b', declared)});
  life.settle();
  CHECK(count() == all);
}

TEST_CASE("how long a rollout takes is measured by the clock that does not jump") {
  MemoryJournal journal("cluster");
  Life life(journal, at(0));
  life.turn({commit_of('a', R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  progressDeadlineSeconds: 1000000
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "registry.example.com/web:1"}]}
)")});
  life.settle();
  for (Duration jump : {Duration{3h}, Duration{-5h}}) {
    life.now.wall = life.now.wall + jump;
    life.settle();
    CHECK_FALSE(life.says("failed"));
  }
  life.now.mono = life.now.mono + 9min;
  life.settle();
  CHECK_FALSE(life.says("failed"));
  life.now.mono = life.now.mono + 1min;
  life.settle();
  CHECK(life.says("after 6"));  // 6xx,xxx ms: ten minutes and the turns between
  CHECK(life.says("failed"));
}

namespace {

const char* kShop = R"(
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
)";
const char* kOtherSelector = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: "web:2"}]}
)";
const char* kNowhere = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: nowhere}\n";

// A commit with a mistake in one file; the rest of it could be read.
SourceNews half_read(char digit, const std::string& rest, std::set<std::string> unread = {}) {
  SourceNews news = broken_tip(std::string(40, digit), "a.yaml:1:1: error: spec.foo: unknown field \"foo\"");
  DesiredSet part = desired_set(rest);
  part.is_partial = true;
  part.unread = std::move(unread);
  news.readable = std::make_shared<const DesiredSet>(std::move(part));
  return news;
}

std::string refusal(MemoryJournal& journal) {
  std::vector<CommitRow> rows = commits(journal);
  REQUIRE_FALSE(rows.empty());
  CHECK(rows[0].result == "refused");
  return rows[0].message;
}

}  // namespace

TEST_CASE("a refused tree is told with what the live objects say against the rest of it, and nothing moves") {
  MemoryJournal journal("cluster");
  Life life(journal, at(0));
  life.turn({commit_of('a', kShop)});
  life.settle();
  ObjectPtr before = life.core->head().find(Kind::kDeployment, "shop", "web");
  REQUIRE(before);
  life.turn({half_read('b', std::string(kOtherSelector) + kNowhere)});
  life.settle();
  std::string told = refusal(journal);
  INFO(told);
  CHECK(told.find("unknown field \"foo\"") != told.npos);
  CHECK(told.find("field is immutable") != told.npos);
  CHECK(told.find("namespaces \"nowhere\" not found") != told.npos);
  CHECK(std::count(told.begin(), told.end(), '\n') == 3);
  // Neither is the image changed nor the namespace, which is declared no longer, taken away.
  ObjectPtr after = life.core->head().find(Kind::kDeployment, "shop", "web");
  REQUIRE(after);
  CHECK(as<Deployment>(*after).spec.pod_template.spec.containers[0].image == "web:1");
  CHECK(after->meta.generation == before->meta.generation);
  CHECK(life.core->head().find(Kind::kNamespace, "", "shop")->meta.deletion_timestamp == WallTime{});
}

TEST_CASE("a namespace that may be declared where nothing could be read is not called missing") {
  MemoryJournal journal("cluster");
  Life life(journal, at(0));
  life.turn({half_read('a', kNowhere, {"nowhere"})});
  life.settle();
  CHECK(refusal(journal).find("nowhere") == std::string::npos);
  life.turn({half_read('b', kNowhere, {""})});
  life.settle();
  CHECK(refusal(journal).find("nowhere") == std::string::npos);
  life.turn({half_read('c', kNowhere, {"elsewhere"})});
  life.settle();
  CHECK(refusal(journal).find("namespaces \"nowhere\" not found") != std::string::npos);
}

TEST_CASE("what nothing follows from is told beside the health of the rest") {
  MemoryJournal journal("cluster");
  Life life(journal, at(0));
  auto warning = [&]() -> std::string {
    ObjectPtr application = life.core->head().find(Kind::kApplication, "mainstay", "root");
    for (const ApplicationCondition& condition : as<Application>(*application).status.conditions) {
      if (condition.type == "ExcludedResourceWarning") return condition.message;
    }
    return "";
  };
  std::string text = config_maps("c", 1);
  life.turn({commit_of('a', text)});
  life.settle();
  CHECK(warning().empty());
  text += "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {selector: {}, template: {}}\n";
  life.turn({commit_of('b', text)});
  life.settle();
  CHECK(warning().starts_with("1 kept and served, but nothing follows from them:\nStatefulSet default/db ("));
  for (int i = 0; i < 15; ++i) {
    text += "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: j" + std::to_string(i) + "}\nspec: {template: {}}\n";
  }
  life.turn({commit_of('d', text)});
  life.settle();
  CHECK(warning().starts_with("16 kept"));
  CHECK(warning().ends_with("\nand 6 more"));
}

}  // namespace mainstay
