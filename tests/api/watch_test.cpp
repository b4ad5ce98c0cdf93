#include <catch2/catch.hpp>

#include "schema/json.h"
#include "tests/api/api_rig.h"

namespace mainstay::test {
namespace {

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

std::string map_json(const std::string& name, const std::string& value, const std::string& labels = "") {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name +
         R"(","namespace":"default","labels":{)" + labels + R"(}},"data":{"k":")" + value + "\"}}";
}

// A watch on a connection of its own, read event by event.
class Watch {
 public:
  Watch(const ApiRig& rig, const std::string& target, const std::string& headers = "")
      : client_(rig.server->port()) {
    client_.send(rig.head("GET", target, headers));
    head_ = client_.read_until("\r\n\r\n");
  }
  const std::string& head() const { return head_; }
  // "ADDED a", "BOOKMARK"; "end" at the final chunk, "broken" if the connection just ends.
  std::string next() {
    while (text_.find('\n') == std::string::npos) {
      std::string size = client_.read_until("\r\n");
      if (size.empty()) return "broken";
      size_t length = std::strtoul(size.c_str(), nullptr, 16);
      std::string chunk = read(length + 2);
      if (length == 0) return "end";
      text_ += chunk.substr(0, length);
    }
    std::string line = text_.substr(0, text_.find('\n'));
    text_.erase(0, line.size() + 1);
    Result<Value> parsed = read_json(line);
    if (!parsed.ok()) return "no JSON: " + line;
    event = *parsed;
    std::string type(event.string_at("type"));
    const Value* name = event.find_path({"object", "metadata", "name"});
    return name ? type + " " + name->as_string() : type;
  }
  void leave() { client_.close(); }
  Client& client() { return client_; }
  Value event;

 private:
  std::string read(size_t size) {
    std::string out;
    while (out.size() < size) {
      std::string more = client_.read_until("\n");
      if (more.empty()) break;
      out += more;
    }
    return out;
  }
  Client client_;
  std::string head_, text_;
};

std::string version_of(const ApiRig& rig) { return std::to_string(rig.core.current()->view.version()); }

}  // namespace

TEST_CASE("a watch from nowhere begins with what is there, then follows changes") {
  ApiRig rig;
  rig.core.put(map_json("a", "1"));
  for (const char* query : {"?watch=true", "?watch=1&resourceVersion=0"}) {
    INFO(query);
    Watch watch(rig, kMaps + query);
    CHECK(watch.head().find("Content-Type: application/json\r\n") != std::string::npos);
    CHECK(watch.next() == "ADDED a");
    CHECK(watch.event.find_path({"object", "kind"})->as_string() == "ConfigMap");
    rig.core.put(map_json("b", "1"));
    CHECK(watch.next() == "ADDED b");
    rig.core.put(map_json("b", "2"));
    CHECK(watch.next() == "MODIFIED b");
    rig.core.remove({Kind::kConfigMap, "default", "b"});
    CHECK(watch.next() == "DELETED b");
    CHECK(watch.event.find_path({"object", "metadata", "resourceVersion"})->as_string() == version_of(rig));
    CHECK(watch.event.find_path({"object", "data", "k"})->as_string() == "2");
  }
}

TEST_CASE("a watch from a version gets exactly what came after it") {
  ApiRig rig;
  rig.core.put(map_json("a", "1"));
  std::string version = version_of(rig);
  rig.core.put(map_json("b", "1"));
  rig.core.put(map_json("a", "2"));
  Watch watch(rig, kMaps + "?watch=true&resourceVersion=" + version);
  CHECK(watch.next() == "ADDED b");
  CHECK(watch.next() == "MODIFIED a");
  rig.core.put(map_json("c", "1"));
  CHECK(watch.next() == "ADDED c");
}

TEST_CASE("who enters or leaves a selection is added or deleted there") {
  ApiRig rig;
  rig.core.put(map_json("a", "1"));
  Watch watch(rig, kMaps + "?watch=true&labelSelector=x%3Dy&resourceVersion=" + version_of(rig));
  rig.core.put(map_json("a", "2", R"("x":"y")"));
  CHECK(watch.next() == "ADDED a");
  rig.core.put(map_json("a", "3", R"("x":"y")"));
  CHECK(watch.next() == "MODIFIED a");
  rig.core.put(map_json("a", "4"));
  CHECK(watch.next() == "DELETED a");
  rig.core.put(map_json("a", "5"));
  rig.core.put(map_json("b", "1", R"("x":"y")"));
  CHECK(watch.next() == "ADDED b");
}

TEST_CASE("one object is watched by name, in either form") {
  ApiRig rig;
  rig.core.put(map_json("a", "1"));
  rig.core.put(map_json("b", "1"));
  Watch field(rig, kMaps + "?watch=true&fieldSelector=metadata.name%3Db"), path(rig, kMaps + "/b?watch=true");
  CHECK(field.next() == "ADDED b");
  CHECK(path.next() == "ADDED b");
  rig.core.put(map_json("a", "2"));
  rig.core.put(map_json("b", "2"));
  CHECK(field.next() == "MODIFIED b");
  CHECK(path.next() == "MODIFIED b");
}

TEST_CASE("a streaming list ends its initial events with a bookmark") {
  ApiRig rig;
  rig.core.put(map_json("a", "1"));
  Watch watch(rig, kMaps + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  CHECK(watch.next() == "ADDED a");
  CHECK(watch.next() == "BOOKMARK");
  const Value* mark = watch.event.find_path({"object", "metadata", "annotations", "k8s.io/initial-events-end"});
  REQUIRE(mark);
  CHECK(mark->as_string() == "true");
  CHECK(watch.event.find_path({"object", "metadata", "resourceVersion"})->as_string() == version_of(rig));
  rig.core.put(map_json("b", "1"));
  CHECK(watch.next() == "ADDED b");
  CHECK(rig.get(kMaps + "?watch=true&sendInitialEvents=true").status == 422);
}

TEST_CASE("bookmarks come when allowed") {
  api::ServiceSettings settings;
  settings.watches.bookmark_every = 1ms;
  ApiRig rig(false, settings);
  rig.core.put(map_json("a", "1"));
  Watch watch(rig, kMaps + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version_of(rig));
  CHECK(watch.next() == "BOOKMARK");
  CHECK(watch.event.find_path({"object", "metadata", "resourceVersion"})->as_string() == version_of(rig));
  CHECK(watch.event.find_path({"object", "kind"})->as_string() == "ConfigMap");
}

TEST_CASE("a watch ends properly at its time-out and when the server stops") {
  ApiRig rig;
  Watch timed(rig, kMaps + "?watch=true&timeoutSeconds=1");
  CHECK(timed.next() == "end");
  auto watchers = [&](const char* count) {
    std::string wanted = std::string("mainstay_watchers ") + count;
    return eventually([&] { return rig.service->metrics().text().find(wanted) != std::string::npos; });
  };
  REQUIRE(watchers("0"));  // its client may hear of the end before it is counted out
  Watch stopped(rig, kMaps + "?watch=true");
  REQUIRE(watchers("1"));
  rig.service->stop();
  CHECK(stopped.next() == "end");
}

TEST_CASE("versions that are too old or do not exist yet are refused") {
  api::ServiceSettings settings;
  settings.watches.log_changes = 3;
  ApiRig rig(false, settings);
  for (int i = 0; i < 10; ++i) rig.core.put(map_json("m" + std::to_string(i), "1"));
  Watch old(rig, kMaps + "?watch=true&resourceVersion=1");
  CHECK(old.next() == "ERROR");
  CHECK(old.event.find_path({"object", "code"})->as_int() == 410);
  CHECK(old.event.find_path({"object", "reason"})->as_string() == "Expired");
  CHECK(old.next() == "end");
  CHECK(rig.get(kMaps + "?watch=true&resourceVersion=99999").status == 504);
  CHECK(rig.get(kMaps + "?watch=true&resourceVersion=x").status == 400);
}

TEST_CASE("a slow reader holds up nobody and loses nothing that is still in the log") {
  api::ServiceSettings settings;
  settings.watches.window = 64 << 10;
  ApiRig rig(false, settings);
  Watch slow(rig, kMaps + "?watch=true"), quick(rig, kMaps + "?watch=true");
  std::string large(50'000, 'x');
  for (int i = 0; i < 400; ++i) {
    rig.core.put(map_json("m" + std::to_string(i), large));
    REQUIRE(quick.next() == "ADDED m" + std::to_string(i));
  }
  for (int i = 0; i < 400; ++i) REQUIRE(slow.next() == "ADDED m" + std::to_string(i));
}

TEST_CASE("a reader who falls behind the log is told to list again") {
  api::ServiceSettings settings;
  settings.watches.window = 64 << 10;
  settings.watches.log_changes = 20;
  ApiRig rig(false, settings);
  Watch slow(rig, kMaps + "?watch=true");
  std::string large(200'000, 'x');
  for (int i = 0; i < 300; ++i) rig.core.put(map_json("m" + std::to_string(i), large));
  std::string last;
  int seen = 0;
  for (std::string one = slow.next(); one != "end" && one != "broken"; one = slow.next()) {
    last = one;
    ++seen;
  }
  CHECK(last == "ERROR");
  CHECK(seen < 300);
}

TEST_CASE("watchers of one thing share its bytes and hold no thread") {
  ApiRig rig;
  size_t threads = thread_count();
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 200; ++i) watches.push_back(std::make_unique<Watch>(rig, kMaps + "?watch=true"));
  CHECK(thread_count() == threads);
  rig.core.put(map_json("a", "1"));
  for (auto& watch : watches) REQUIRE(watch->next() == "ADDED a");
  watches.clear();
  CHECK(eventually([&] {
    return rig.service->metrics().text().find("mainstay_watchers 0") != std::string::npos;
  }));
}

TEST_CASE("a watch in table form has one row an event") {
  ApiRig rig;
  Watch watch(rig, kMaps + "?watch=true", "Accept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n");
  rig.core.put(map_json("a", "1"));
  CHECK(watch.next() == "ADDED");
  CHECK(watch.event.find_path({"object", "kind"})->as_string() == "Table");
  const Value* rows = watch.event.find_path({"object", "rows"});
  REQUIRE(rows);
  REQUIRE(rows->as_list().size() == 1);
  CHECK(rows->as_list()[0].find("cells")->as_list()[0] == Value("a"));
}

}  // namespace mainstay::test
