// What agents say of their nodes and pods, and how often: late, repeated and contradictory reports do no harm.
#include <catch2/catch.hpp>
#include <set>

#include "reconciler/core/core.h"
#include "reconciler/core/report.h"
#include "reconciler/store/lifecycle.h"
#include "tests/core/report_fixture.h"

namespace mainstay {

using test::Fixture;
using test::hello;
using test::pod_on_first_node;

TEST_CASE("a node has the labels it was configured with, as far as they are its own to set") {
  Fixture f;
  NodeReport report = hello("n1", 1);
  report.labels = {{"topology.kubernetes.io/zone", "a"}, {"node-role.kubernetes.io/control-plane", ""}, {"bad label", "x"}};
  f.turn({ReportIn{0, report}});
  f.settle();
  auto label = [&](const char* key) {
    const std::string* found = map_find(f.core->head().find(Kind::kNode, "", "n1")->meta.labels, key);
    return found == nullptr ? std::string("none") : *found;
  };
  CHECK(label("topology.kubernetes.io/zone") == "a");
  CHECK(label("kubernetes.io/hostname") == "n1");
  CHECK(label("node-role.kubernetes.io/control-plane") == "none");
  CHECK(label("bad label") == "none");
  report.sequence = 2;
  report.labels = {{"topology.kubernetes.io/zone", "b"}};
  f.turn({ReportIn{0, report}});
  f.settle();
  CHECK(label("topology.kubernetes.io/zone") == "b");
}

TEST_CASE("reports that are late, repeated or of an earlier agent do no harm") {
  AgentTrack track;
  CHECK(is_news(track, hello("n1", 1), MonoTime{}));
  CHECK(is_news(track, hello("n1", 3), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 3), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 2), MonoTime{}));
  CHECK(is_news(track, hello("n1", 1, "two"), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 9, "one"), MonoTime{}));
  CHECK(is_news(track, hello("n1", 2, "two"), MonoTime{}));
}

TEST_CASE("the ninth agent process makes the first forgotten, and no other") {
  AgentTrack track;
  for (int i = 0; i < 10; ++i) CHECK(is_news(track, hello("n1", 1, "boot" + std::to_string(i)), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 9, "boot1"), MonoTime{}));
  CHECK_FALSE(is_news(track, hello("n1", 9, "boot8"), MonoTime{}));
  CHECK(is_news(track, hello("n1", 9, "boot0"), MonoTime{}));
}

TEST_CASE("a pod that a whole report leaves out is not there any more") {
  Fixture f;
  ObjectPtr pod = pod_on_first_node(f);
  REQUIRE(pod);
  REQUIRE(as<Pod>(*pod).spec.node_name == "n1");
  CHECK(pod->meta.generation == 1);
  NodeReport report = hello("n1", 2);
  report.whole = true;
  SECTION("it may not know the pod yet") {
    report.seen = {1, pod->version - 1};
    f.turn({ReportIn{0, report}});
    f.settle();
    CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Pending");
  }
  SECTION("it was told of it") {
    report.seen = {1, pod->version};
    f.turn({ReportIn{0, report}});
    f.settle();
    CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Failed");
    CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.reason == "PodLost");
  }
  SECTION("one that is being deleted goes") {
    ApiWrite write;
    write.ticket = 2;
    write.verb = ApiWrite::Verb::kDelete;
    write.key = pod->key();
    write.actor = "user:test";
    f.turn({write});
    f.settle();
    ObjectPtr leaving = f.core->head().find(Kind::kPod, "default", "p");
    REQUIRE(leaving);
    report.seen = {1, leaving->version};
    f.turn({ReportIn{0, report}});
    f.settle();
    CHECK_FALSE(f.core->head().find(Kind::kPod, "default", "p"));
  }
}

TEST_CASE("what a node says of another node's pods is not taken") {
  Fixture f;
  ObjectPtr pod = pod_on_first_node(f);
  REQUIRE(pod);
  REQUIRE(as<Pod>(*pod).spec.node_name == "n1");
  auto say = [&](const std::string& node) {
    NodeReport report = hello(node, 2);
    PodReport about;
    about.ns = "default";
    about.name = "p";
    about.uid = pod->meta.uid;
    about.status.phase = "Failed";
    report.pods = {about};
    AgentEvent event;
    event.ns = "default";
    event.name = "p";
    event.uid = pod->meta.uid;
    event.reason = "SaidBy-" + node;
    report.events = {event};
    f.turn({ReportIn{0, report}});
    f.settle();
  };
  auto events = [&](const std::string& reason) {
    size_t found = 0;
    for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) found += as<Event>(*event).reason == reason;
    return found;
  };
  say("n2");
  CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Pending");
  CHECK(events("SaidBy-n2") == 0);
  say("n1");
  CHECK(as<Pod>(*f.core->head().find(Kind::kPod, "default", "p")).status.phase == "Failed");
  CHECK(events("SaidBy-n1") == 1);
}

TEST_CASE("a node that was silent is heard again in the turn of its report") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  auto ready = [&] {
    ObjectPtr node = f.core->head().find(Kind::kNode, "", "n1");
    REQUIRE(node);
    for (const NodeCondition& condition : as<Node>(*node).status.conditions) {
      if (condition.type == "Ready") return condition.status;
    }
    return std::string();
  };
  REQUIRE(ready() == "True");
  auto told = [&](const std::string& reason) {
    std::vector<std::string> by;
    for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) {
      const Event& one = as<Event>(*event);
      if (one.reason == reason) by.push_back(one.type + " " + one.source.component);
    }
    return by;
  };
  CHECK(told("NodeReady") == std::vector<std::string>{"Normal kubelet"});
  for (int i = 0; i < 100 && ready() == "True"; ++i) {
    f.turn();
    f.journal.deliver_all();
  }
  f.settle();
  REQUIRE(ready() == "Unknown");
  CHECK(told("NodeNotReady") == std::vector<std::string>{"Normal node-controller"});
  NodeReport heartbeat = hello("n1", 2);
  heartbeat.node_status.reset();
  f.turn({ReportIn{0, heartbeat}});
  CHECK(ready() == "True");
}

TEST_CASE("what a node says of itself is an event of the Node, by whatever name") {
  Fixture f;
  uint64_t sequence = 0;
  for (const char* name : {"", "n1", "other"}) {
    NodeReport report = hello("n1", ++sequence);
    AgentEvent event;
    event.name = name;
    event.reason = std::string("Named-") + name;
    report.events = {event};
    f.turn({ReportIn{0, report}});
    f.settle();
  }
  std::set<std::string> told;
  for (const ObjectPtr& object : f.core->head().list(Kind::kEvent)) {
    const Event& event = as<Event>(*object);
    if (event.reason.starts_with("Named-")) told.insert(event.involved_object.kind + "/" + event.involved_object.name);
  }
  CHECK(told == std::set<std::string>{"Node/n1"});
}

TEST_CASE("an event that is said again before its report was acknowledged counts once") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  auto say = [&](uint64_t sequence, const std::vector<std::pair<std::string, uint64_t>>& said) {
    NodeReport report = hello("n1", sequence);
    for (const auto& [reason, since] : said) report.events.push_back({"", "", "", "", false, reason, "", since});
    f.turn({ReportIn{0, report}});
  };
  auto times = [&](const std::string& reason) {
    int64_t found = 0;
    for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) {
      if (as<Event>(*event).reason == reason) found += std::max<int64_t>(as<Event>(*event).count, 1);
    }
    return found;
  };
  say(2, {{"Early", 2}});
  say(3, {{"Early", 2}, {"Late", 3}});
  f.settle();
  CHECK(times("Early") == 1);
  CHECK(times("Late") == 1);
  say(4, {{"Early", 4}});  // the same once more
  f.settle();
  CHECK(times("Early") == 2);
  // What a refused batch took back is not yet said.
  f.journal.refuse_next(1, JournalRefusal::kFull);
  say(5, {{"Refused", 5}});
  f.settle();
  CHECK(times("Refused") == 0);
  say(6, {{"Refused", 5}});
  f.settle();
  CHECK(times("Refused") == 1);
}

TEST_CASE("two agents that speak as one node are told of, a late word of one that has ended is not") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1, "a0")}});
  auto conflicts = [&] {
    f.settle();
    const auto events = f.core->head().list(Kind::kEvent);
    return std::count_if(events.begin(), events.end(),
                         [](const ObjectPtr& event) { return as<Event>(*event).reason == "NodeNameConflict"; });
  };
  f.turn({ReportIn{0, hello("n1", 1, "b0")}, ReportIn{0, hello("n1", 2, "a0")}});
  CHECK(conflicts() == 0);
  // As agents do: one that hears of another speaks up as a new process.
  for (int i = 1; i < 6; ++i) {
    std::string was = std::to_string(i - 1), is = std::to_string(i);
    f.turn({ReportIn{0, hello("n1", 1, "a" + is)}, ReportIn{0, hello("n1", 9, "b" + was)}});
    f.turn({ReportIn{0, hello("n1", 1, "b" + is)}, ReportIn{0, hello("n1", 9, "a" + is)}});
  }
  CHECK(conflicts() == 1);
}

TEST_CASE("a wave of events is taken in whole, and those beyond the limit go when it has passed") {
  Fixture f;
  NodeReport wave = hello("n1", 1);
  for (size_t i = 0; i < kEventLimit + 100; ++i) {
    AgentEvent event;
    event.ns = "default";
    event.name = "pod-" + std::to_string(i);
    event.reason = "Started";
    wave.events.push_back(std::move(event));
  }
  f.turn({ReportIn{0, std::move(wave)}});
  CHECK(f.core->head().count(Kind::kEvent) > kEventLimit);
  REQUIRE(f.core->next_wake());
  CHECK(*f.core->next_wake() - f.now.mono < std::chrono::seconds{1});
  f.settle();
  CHECK(f.core->head().count(Kind::kEvent) <= kEventLimit);
}

TEST_CASE("an agent taken for the one before it is told so, and is heard again as a new one") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1, "living")}});
  f.turn({ReportIn{0, hello("n1", 9, "late")}});  // last words of the process before, after the first of the next
  f.settle();
  auto answered = [&](const NodeReport& report) {
    f.answers.clear();
    f.turn({ReportIn{1, report}});
    f.settle();
    REQUIRE(f.answers.size() == 1);
    return f.answers[0].error ? f.answers[0].error->code : 200;
  };
  CHECK(answered(hello("n1", 2, "living")) == 409);
  CHECK(answered(hello("n1", 3, "living anew")) == 200);
  CHECK(answered(hello("n1", 10, "late")) == 409);
  CHECK(answered(hello("n1", 4, "living anew")) == 200);
}

TEST_CASE("an agent that another process of ours knew says everything again") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  f.answers.clear();
  NodeReport next = hello("n1", 7, "two");
  next.seen = {1, 5};
  f.turn({ReportIn{1, next}});
  f.settle();
  REQUIRE(f.answers.size() == 1);
  REQUIRE(f.answers[0].error);
  CHECK(f.answers[0].error->code == 409);
  for (bool whole : {true, false}) {
    ++next.sequence;
    next.whole = whole;
    f.answers.clear();
    f.turn({ReportIn{2, next}});
    f.settle();
    REQUIRE(f.answers.size() == 1);
    CHECK_FALSE(f.answers[0].error);
  }
}

TEST_CASE("a report of a node that somebody deleted is refused until it registers the node again") {
  Fixture f;
  f.turn({ReportIn{0, hello("n1", 1)}});
  f.settle();
  ApiWrite gone;
  gone.verb = ApiWrite::Verb::kDelete;
  gone.key = {Kind::kNode, "", "n1"};
  gone.actor = "user:test";
  f.turn({gone});
  f.settle();
  REQUIRE_FALSE(f.core->head().find(Kind::kNode, "", "n1"));
  NodeReport heartbeat = hello("n1", 2);
  heartbeat.node_status.reset();
  f.answers.clear();
  f.turn({ReportIn{1, heartbeat}, ReportIn{2, heartbeat}, ReportIn{3, hello("n1", 3)}});
  f.settle();
  REQUIRE(f.answers.size() == 3);
  for (int repeated : {0, 1}) {
    REQUIRE(f.answers[repeated].error);
    CHECK(f.answers[repeated].error->code == 404);
  }
  CHECK_FALSE(f.answers[2].error);
  CHECK(f.core->head().find(Kind::kNode, "", "n1"));
}

TEST_CASE("a node that was deleted and joins anew has seen nothing that this store does not hold") {
  Fixture f;
  REQUIRE(pod_on_first_node(f));
  uint64_t given = f.core->head().version();
  ApiWrite removal;
  removal.ticket = 5;
  removal.verb = ApiWrite::Verb::kDelete;
  removal.key = {Kind::kNode, "", "n1"};
  removal.actor = "user:test";
  f.turn({removal});
  f.settle();
  NodeReport anew = hello("n1", 2);
  anew.whole = true;
  anew.seen = {1, given + 1};  // what it was given, and that it was taken away
  f.turn({ReportIn{0, anew}});
  for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) CHECK(as<Event>(*event).reason != "StoreWentBack");
}

TEST_CASE("an agent that has seen a later state raises the epoch") {
  Fixture f;
  NodeReport report = hello("n1", 1);
  report.seen = {1, 1'000'000};
  Effects effects = f.turn({ReportIn{0, report}});
  REQUIRE(effects.batch);
  REQUIRE(effects.batch->epoch.has_value());
  CHECK(*effects.batch->epoch == 2);
  size_t said = 0;
  for (const ObjectPtr& event : f.core->head().list(Kind::kEvent)) said += as<Event>(*event).reason == "StoreWentBack";
  CHECK(said == 1);
  f.journal.deliver_all();
  effects = f.turn();
  REQUIRE(effects.publication);
  CHECK(effects.publication->epoch == 2);
}

}  // namespace mainstay
