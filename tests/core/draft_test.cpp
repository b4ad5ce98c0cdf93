// Large commits are planned by a worker: what may happen between the request for a draft and its arrival.
#include <catch2/catch.hpp>

#include "tests/core/core_fixture.h"
#include "tests/plan/desired.h"

namespace mainstay {
namespace {

CoreSettings two_at_once() {
  CoreSettings settings;
  settings.applications.push_back({});
  settings.applications[0].planned_at_once = 2;
  return settings;
}

// A core whose one application has everything above two objects planned by a worker: this fixture.
struct Planned : test::CoreFixture {
  Planned() : CoreFixture(two_at_once()) {}

  Message next_draft() {
    REQUIRE_FALSE(drafts.empty());
    Draft draft = make_draft(drafts.front());
    drafts.erase(drafts.begin());
    return draft;
  }
  ObjectPtr config_map(const std::string& name) const { return core->head().find(Kind::kConfigMap, "default", name); }
  std::string datum(const std::string& name, const std::string& key) const {
    ObjectPtr object = config_map(name);
    if (!object) return "(none)";
    for (const auto& [each, value] : as<ConfigMap>(*object).data) {
      if (each == key) return value;
    }
    return "";
  }
};

SourceNews commit(const std::string& id, const std::string& yaml) {
  SourceNews news;
  news.application = "root";
  news.commit.id = std::string(40 - id.size(), '0') + id;
  news.set = std::make_shared<const DesiredSet>(desired_set(yaml));
  return news;
}

ApiWrite create(Kind kind, const std::string& ns, const std::string& name) {
  ApiWrite write;
  write.ticket = 1;
  write.actor = "user:test";
  write.key = {kind, ns, name};
  Object object = make_object(kind, ns, name);
  if (kind == Kind::kConfigMap) as<ConfigMap>(object).data.emplace_back("theirs", "kept");
  write.object = std::make_shared<const Object>(std::move(object));
  return write;
}

}  // namespace

TEST_CASE("a small commit is applied in the turn that hears of it, a large one waits for its draft") {
  Planned f;
  f.turn({commit("a", config_maps("c", 2))});
  CHECK(f.config_map("c0"));
  CHECK(f.drafts.empty());
  f.settle();
  f.turn({commit("b", config_maps("c", 5))});
  REQUIRE(f.drafts.size() == 1);
  CHECK_FALSE(f.config_map("c4"));
  f.turn({create(Kind::kConfigMap, "default", "other")});  // nobody waits for the draft
  CHECK(f.config_map("other"));
  f.settle();
  CHECK(f.drafts.size() == 1);
  CHECK_FALSE(f.config_map("c4"));
  f.turn({f.next_draft()});
  CHECK(f.config_map("c2"));
  CHECK(f.config_map("c4"));
}

TEST_CASE("what moved while the draft was made is merged anew") {
  Planned f;
  f.turn({commit("a", config_maps("c", 5))});
  f.turn({create(Kind::kConfigMap, "default", "c1")});
  REQUIRE(f.datum("c1", "value").empty());
  f.turn({f.next_draft()});
  CHECK(f.datum("c1", "value") == "1");
  CHECK(f.datum("c1", "theirs") == "kept");
  f.settle();
  f.turn({commit("b", config_maps("c", 5, "2"))});
  ApiWrite gone;
  gone.ticket = 2;
  gone.verb = ApiWrite::Verb::kDelete;
  gone.actor = "user:test";
  gone.key = {Kind::kConfigMap, "default", "c3"};
  f.turn({gone});
  f.turn({f.next_draft()});
  CHECK(f.datum("c3", "value") == "2");
}

TEST_CASE("a newer commit takes the place of the one that is being planned") {
  Planned f;
  f.turn({commit("a", config_maps("old", 5))});
  f.turn({commit("b", config_maps("new", 5))});
  REQUIRE(f.drafts.size() == 2);
  f.turn({f.next_draft()});
  CHECK_FALSE(f.config_map("old0"));
  CHECK_FALSE(f.config_map("new0"));
  f.turn({f.next_draft()});
  CHECK_FALSE(f.config_map("old0"));
  CHECK(f.config_map("new0"));
}

TEST_CASE("a draft that was made of a refused speculation does not count") {
  Planned f;
  f.journal.refuse_next(1, JournalRefusal::kFull);
  f.turn({create(Kind::kConfigMap, "default", "c0"), commit("a", config_maps("c", 5))});
  Message stale = f.next_draft();  // it has seen a c0 that never was
  f.journal.deliver_all();
  f.turn();
  f.settle();
  REQUIRE(f.drafts.size() == 1);
  f.turn({stale});
  CHECK_FALSE(f.config_map("c4"));
  f.turn({f.next_draft()});
  CHECK(f.config_map("c4"));
  CHECK(f.datum("c0", "theirs").empty());
}

TEST_CASE("a namespace that goes while the draft is made refuses the commit, and nothing moves") {
  Planned f;
  f.turn({create(Kind::kNamespace, "", "shop")});
  f.settle();
  std::string yaml;
  for (std::string name : {"a", "b", "c"}) {
    yaml += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: shop}\n";
  }
  f.turn({commit("a", yaml)});
  ApiWrite gone;
  gone.ticket = 2;
  gone.verb = ApiWrite::Verb::kDelete;
  gone.actor = "user:test";
  gone.key = {Kind::kNamespace, "", "shop"};
  f.turn({gone});
  f.settle();
  REQUIRE_FALSE(f.core->head().find(Kind::kNamespace, "", "shop"));
  f.turn({f.next_draft()});
  f.turn({f.next_draft()});
  CHECK_FALSE(f.core->head().find(Kind::kConfigMap, "shop", "a"));
  f.settle();
  CHECK(f.drafts.empty());
}

TEST_CASE("what could be read of a large refused commit is looked at by a worker, too, and never applied") {
  Planned f;
  SourceNews news = commit("a", config_maps("c", 5) + "---\napiVersion: v1\nkind: ConfigMap\n" +
                                    "metadata: {name: c, namespace: nowhere}\n");
  DesiredSet part = *std::exchange(news.set, nullptr);
  part.is_partial = true;
  news.readable = std::make_shared<const DesiredSet>(std::move(part));
  news.mistakes = {"a.yaml:1:1: error: no such field"};
  f.turn({news});
  REQUIRE(f.drafts.size() == 1);
  auto told = [&](const std::string& part_of_it) {
    return std::any_of(f.log.begin(), f.log.end(), [&](auto& line) { return line.find(part_of_it) != line.npos; });
  };
  CHECK_FALSE(told("is refused"));
  f.turn({f.next_draft()});
  f.settle();
  CHECK(told("no such field"));
  CHECK(told("namespaces \"nowhere\" not found"));
  CHECK_FALSE(f.config_map("c0"));
  CHECK(f.drafts.empty());
  f.turn({commit("b", config_maps("c", 2))});
  CHECK(f.config_map("c0"));
}

}  // namespace mainstay
