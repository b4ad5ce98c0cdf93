#include <catch2/catch.hpp>

#include "schema/base/rng.h"
#include "schema/kinds/meta.h"
#include "schema/selector.h"

using namespace mainstay;

namespace {
const StringMap kLabels = {{"app", "web"}, {"empty", ""}, {"n", "5"}, {"tier", "front"}};

bool selects(std::string_view text) {
  Result<Selector> selector = parse_selector(text);
  INFO(text << (selector.ok() ? "" : selector.error().message));
  REQUIRE(selector.ok());
  return selector->matches(kLabels);
}
}  // namespace

TEST_CASE("label selectors match as Kubernetes' do") {
  for (const char* text : {"",
                           "  ",
                           "app=web",
                           "app==web",
                           "app = web",
                           "app!=db",
                           "missing!=x",
                           "app in (web)",
                           "app in (db,web)",
                           "app in ( db , web )",
                           "app notin (db)",
                           "missing notin (a,b)",
                           "app",
                           "!missing",
                           "! missing",
                           "empty=",
                           "empty in ()",
                           "empty in (,a)",
                           "app=web,tier=front",
                           "app=web,!missing,n",
                           "n>4",
                           "n<6",
                           "n > 4,n < 6",
                           "a.b/c!=d"}) {
    INFO(text);
    CHECK(selects(text));
  }
  for (const char* text :
       {"app=db", "app!=web", "app in (db)", "app notin (web,db)", "missing", "!app",
        "missing=", "missing in (a)", "app=web,tier=back", "n>5", "n<5", "app>1", "missing>1", "empty!="}) {
    INFO(text);
    CHECK(!selects(text));
  }
}

TEST_CASE("words of the grammar are also keys and values") {
  CHECK(parse_selector("in in (in)")->all[0] == Requirement{"in", Requirement::Op::kIn, {"in"}});
  CHECK(parse_selector("notin=in")->all[0] == Requirement{"notin", Requirement::Op::kIn, {"in"}});
  CHECK(parse_selector("x notin (notin)")->all[0] == Requirement{"x", Requirement::Op::kNotIn, {"notin"}});
}

TEST_CASE("bad label selectors are refused in words") {
  for (const char* text : {"=",       "a=b,",  ",a=b",  "a=b c", "a in b",      "a in (b", "a in (b c)",
                           "a notin", "!a=b",  "a!b",   "a>b",   "a>",          "-a=b",    "a=-b",
                           "a/b/c=d", "A/b=c", "a=b=c", "()",    "a in (b),,c", "a==",     "x>1.5"}) {
    Result<Selector> selector = parse_selector(text);
    INFO(text);
    if (std::string_view(text) == "a==") {
      CHECK(selector.ok());
      continue;
    }
    REQUIRE(!selector.ok());
    CHECK(selector.error().code == ErrorCode::kInvalid);
    CHECK(!selector.error().message.empty());
  }
  CHECK(parse_selector("a in b").error().message == "selector \"a in b\": found \"b\", expected '('");
  CHECK(parse_selector("a=b,").error().message ==
        "selector \"a=b,\": found the end, expected a requirement after ','");
}

TEST_CASE("selectors print as kubectl prints them, and parse again") {
  CHECK(parse_selector("b=1 , a in (y,x,x),!c,d, e!=f,g notin (h,i),j>3")->text() ==
        "a in (x,y),b=1,!c,d,e!=f,g notin (h,i),j>3");
  uint64_t seed = 99;
  INFO("seed " << seed);
  Rng rng(seed);
  auto word = [&] { return std::string(1, static_cast<char>('a' + rng.below(4))); };
  for (int i = 0; i < 2000; ++i) {
    Selector selector;
    for (uint64_t left = rng.below(4); left > 0; --left) {
      Requirement one{word(), static_cast<Requirement::Op>(rng.below(6))};
      if (one.op == Requirement::Op::kIn || one.op == Requirement::Op::kNotIn) {
        for (uint64_t values = 1 + rng.below(3); values > 0; --values) {
          one.values.push_back(std::string(values, 'v'));
        }
        std::sort(one.values.begin(), one.values.end());
      } else if (one.op == Requirement::Op::kGreater || one.op == Requirement::Op::kLess) {
        one.values.push_back(std::to_string(rng.below(9)));
      }
      selector.all.push_back(std::move(one));
    }
    Result<Selector> back = parse_selector(selector.text());
    INFO(selector.text());
    REQUIRE(back.ok());
    StringMap labels;
    for (uint64_t left = rng.below(4); left > 0; --left) {
      map_slot(labels, word()) = std::string(rng.below(4), 'v');
    }
    REQUIRE(back->matches(labels) == selector.matches(labels));
  }
}

TEST_CASE("the LabelSelector of a manifest") {
  LabelSelector selector;
  CHECK(selector_of(selector)->matches_everything());
  CHECK(matches(selector, kLabels));
  selector.match_labels = {{"app", "web"}};
  selector.match_expressions = {{"tier", "In", {"front", "back"}},
                                {"missing", "NotIn", {"x"}},
                                {"n", "Exists", {}},
                                {"zz", "DoesNotExist", {}}};
  CHECK(matches(selector, kLabels));
  CHECK(selector_of(selector)->matches(kLabels));
  CHECK(selector_of(selector)->text() == "app=web,missing!=x,n,tier in (back,front),!zz");
  selector.match_expressions[2].op = "DoesNotExist";
  CHECK(!matches(selector, kLabels));
  selector.match_expressions[2].op = "Sometimes";
  CHECK(!matches(selector, kLabels));
  CHECK(selector_of(selector).error().message ==
        "operator \"Sometimes\" is not known; use In, NotIn, Exists or DoesNotExist");
  selector.match_expressions = {{"a", "In", {}}};
  CHECK(selector_of(selector).error().message == "operator In of \"a\" needs values");
  selector.match_expressions = {{"a", "Exists", {"b"}}};
  CHECK(!selector_of(selector).ok());
  CHECK(has_labels(kLabels, {}));
  CHECK(has_labels(kLabels, {{"app", "web"}, {"n", "5"}}));
  CHECK(!has_labels(kLabels, {{"app", "db"}}));
}

TEST_CASE("label syntax") {
  CHECK(label_key_problem("app").empty());
  CHECK(label_key_problem("app.kubernetes.io/name").empty());
  CHECK(label_key_problem("A_b-c.d").empty());
  CHECK(!label_key_problem("").empty());
  CHECK(!label_key_problem("/a").empty());
  CHECK(!label_key_problem("a/").empty());
  CHECK(!label_key_problem("-a").empty());
  CHECK(!label_key_problem("a b").empty());
  CHECK(!label_key_problem("Upper.io/a").empty());
  CHECK(label_key_problem(std::string(63, 'a')).empty());
  CHECK(!label_key_problem(std::string(64, 'a')).empty());
  CHECK(label_value_problem("").empty());
  CHECK(label_value_problem(std::string(63, 'a')).empty());
  CHECK(!label_value_problem(std::string(64, 'a')).empty());
  CHECK(!label_value_problem("a ").empty());
}

TEST_CASE("field selectors") {
  auto value = [](std::string_view field) {
    return std::string(field == "spec.nodeName" ? "n1" : field == "a" ? "x,y=z\\" : "");
  };
  auto selects_field = [&](std::string_view text) {
    auto selector = parse_field_selector(text);
    INFO(text << (selector.ok() ? "" : selector.error().message));
    REQUIRE(selector.ok());
    return selector->matches(value);
  };
  CHECK(selects_field(""));
  CHECK(selects_field("spec.nodeName=n1"));
  CHECK(selects_field("spec.nodeName==n1,status.phase!=Failed"));
  CHECK(!selects_field("spec.nodeName!=n1"));
  CHECK(selects_field("status.phase="));
  CHECK(selects_field("a=x\\,y\\=z\\\\"));
  for (const char* text : {"a", "=b", "!=b", "a=b=c", "a=b\\c", "a=b\\", "a<b"}) {
    INFO(text);
    CHECK(!parse_field_selector(text).ok());
  }
}
