// Commit statuses: requests per forge, the queue, and posting to a real HTTP server on loopback.
#include <catch2/catch.hpp>

#include "gitsync/forge.h"
#include "tests/support/processes.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

CommitId commit(char c) { return *CommitId::parse(std::string(40, c)); }

CommitStatus status(char c, CommitState state = CommitState::kPending,
                    std::string description = "rolling out") {
  return {commit(c), "mainstay/root", state, std::move(description), "https://mainstay.example.com/x"};
}

Now at(Duration since) { return {WallTime{since}, MonoTime{since}}; }

}  // namespace

TEST_CASE("the forge and its repository are read from the address") {
  struct Row {
    std::string url;
    std::optional<ForgeKind> kind;
    std::string api, repository;
  };
  for (const Row& row : std::vector<Row>{
           {"https://github.com/o/app.git", {}, "https://api.github.com", "o/app"},
           {"git@github.com:o/app.git", {}, "https://api.github.com", "o/app"},
           {"https://gitlab.com/g/sub/app.git", {}, "https://gitlab.com/api/v4", "g/sub/app"},
           {"https://codeberg.org/o/app", {}, "https://codeberg.org/api/v1", "o/app"},
           {"https://bitbucket.org/o/app.git", {}, "https://api.bitbucket.org/2.0", "o/app"},
           {"https://git.example.com:8443/o/app.git", ForgeKind::kGitea,
            "https://git.example.com:8443/api/v1", "o/app"},
           {"ssh://git@git.example.com:2222/o/app.git", ForgeKind::kForgejo, "https://git.example.com/api/v1",
            "o/app"},
           {"https://ghe.example.com/o/app", ForgeKind::kGitHub, "https://ghe.example.com/api/v3", "o/app"},
           {"https://bb.example.com/scm/prj/app.git", ForgeKind::kBitbucket,
            "https://bb.example.com/rest/api/1.0", "prj/app"},
       }) {
    INFO(row.url);
    Result<ForgeTarget> target = forge_target(row.url, row.kind, "/token");
    if (!target.ok()) FAIL(target.error().message);
    CHECK(target->api_url == row.api);
    CHECK(target->repository == row.repository);
  }
  CHECK_FALSE(forge_target("https://git.example.com/o/app", {}, "").ok());
  CHECK_FALSE(forge_target("https://github.com/app", {}, "").ok());
  CHECK_FALSE(forge_target("https://github.com/a/b/c", {}, "").ok());
  CHECK_FALSE(forge_target("/srv/app", ForgeKind::kGitea, "").ok());
}

TEST_CASE("requests are what each forge documents") {
  CommitStatus good = status('a', CommitState::kSuccess, "12 objects");
  std::string id = commit('a').text();
  ForgeRequest github = status_request({ForgeKind::kGitHub, "https://api.github.com", "o/app", "", ""}, good);
  CHECK(github.url == "https://api.github.com/repos/o/app/statuses/" + id);
  CHECK(
      github.body ==
      R"({"state":"success","context":"mainstay/root","description":"12 objects",)"
        R"("target_url":"https://mainstay.example.com/x"})");
  ForgeRequest gitea = status_request({ForgeKind::kGitea, "https://g/api/v1", "o w/app", "", ""}, good);
  CHECK(gitea.url == "https://g/api/v1/repos/o%20w/app/statuses/" + id);
  ForgeRequest gitlab =
      status_request({ForgeKind::kGitLab, "https://gitlab.com/api/v4", "g/sub/app", "", ""}, status('a'));
  CHECK(gitlab.url == "https://gitlab.com/api/v4/projects/g%2Fsub%2Fapp/statuses/" + id);
  CHECK(
      gitlab.body ==
      R"({"state":"running","name":"mainstay/root","description":"rolling out",)"
        R"("target_url":"https://mainstay.example.com/x"})");
  ForgeRequest cloud =
      status_request({ForgeKind::kBitbucket, "https://api.bitbucket.org/2.0", "o/app", "", ""},
                     {commit('a'), "mainstay/root", CommitState::kFailure, "bad", ""});
  CHECK(cloud.url == "https://api.bitbucket.org/2.0/repositories/o/app/commit/" + id + "/statuses/build");
  CHECK(
      cloud.body ==
      R"({"state":"FAILED","key":"mainstay/root","name":"mainstay/root","description":"bad",)"
            R"("url":"https://bitbucket.org/o/app/commits/)" +
          id + "\"}");
  ForgeRequest server =
      status_request({ForgeKind::kBitbucket, "https://bb.example.com/rest/api/1.0", "p/app", "", ""}, good);
  CHECK(server.url == "https://bb.example.com/rest/build-status/1.0/commits/" + id);
  std::string shortest =
      status_request({ForgeKind::kGitHub, "https://x", "o/a", "", ""},
                     status('a', CommitState::kError, std::string(138, 'x') + "\xc3\xa4\xc3\xa4"))
          .body;
  CHECK(shortest.find(std::string(137, 'x') + "...\"") != std::string::npos);
}

TEST_CASE("a status is posted with the token, and each refusal is told apart without it") {
  TempDir dir;
  write_file(dir / "token", "canary-token\n");
  std::string answer = TinyHttp::response(201, "", "{}");
  TinyHttp server([&](const std::string&) { return answer; });
  ForgeTarget target{ForgeKind::kGitHub, "http://127.0.0.1:" + std::to_string(server.port()), "o/app",
                     dir / "token", ""};
  auto sink = std::move(make_forge_sink(target, 5s)).value();
  Status posted = sink->post(status('a'));
  if (!posted.ok()) FAIL(posted.error().message);
  std::string request = server.requests().at(0);
  CHECK(request.starts_with("POST /repos/o/app/statuses/" + commit('a').text() + " HTTP/1.1\r\n"));
  CHECK(request.find("Authorization: Bearer canary-token\r\n") != std::string::npos);
  CHECK(request.ends_with("}"));

  struct Row {
    int http;
    ErrorCode code;
  };
  for (Row row : {Row{401, ErrorCode::kDenied}, Row{403, ErrorCode::kDenied}, Row{404, ErrorCode::kNotFound},
                  Row{422, ErrorCode::kInvalid}, Row{429, ErrorCode::kUnavailable},
                  Row{500, ErrorCode::kUnavailable}, Row{503, ErrorCode::kUnavailable}}) {
    INFO(row.http);
    answer = TinyHttp::response(row.http, "", "canary-token is wrong");
    Status refused = sink->post(status('a'));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == row.code);
    CHECK(refused.error().message.find("canary") == std::string::npos);
  }
  answer = TinyHttp::response(200, "", std::string(1 << 20, 'x'));
  CHECK(sink->post(status('a')).ok());

  TinyHttp thief([](const std::string&) { return TinyHttp::response(201, "", ""); });
  answer =
      TinyHttp::response(307, "Location: http://localhost:" + std::to_string(thief.port()) + "/\r\n", "");
  CHECK(sink->post(status('a')).error().code == ErrorCode::kInvalid);
  CHECK(thief.requests().empty());

  answer.clear();  // silence
  CHECK(std::move(make_forge_sink(target, 200ms)).value()->post(status('a')).error().code ==
        ErrorCode::kTimeout);
  target.api_url = "http://127.0.0.1:" + std::to_string(free_port());
  CHECK(std::move(make_forge_sink(target)).value()->post(status('a')).error().code ==
        ErrorCode::kUnavailable);
  target.token_file = dir / "none";
  CHECK(std::move(make_forge_sink(target)).value()->post(status('a')).error().code == ErrorCode::kNotFound);
  target.api_url = "http://git.example.com";
  CHECK_FALSE(make_forge_sink(target).ok());
  target.api_url = "http://localhost.example.com";
  CHECK_FALSE(make_forge_sink(target).ok());
}

TEST_CASE("each forge gets the token in its own way") {
  TempDir dir;
  write_file(dir / "token", "abc");
  TinyHttp server([&](const std::string&) { return TinyHttp::response(201, "", ""); });
  std::string api = "http://127.0.0.1:" + std::to_string(server.port());
  struct Row {
    ForgeKind kind;
    std::string user, header;
  };
  for (const Row& row :
       std::vector<Row>{{ForgeKind::kGitLab, "", "PRIVATE-TOKEN: abc\r\n"},
                        {ForgeKind::kGitea, "", "Authorization: token abc\r\n"},
                        {ForgeKind::kForgejo, "", "Authorization: token abc\r\n"},
                        {ForgeKind::kBitbucket, "", "Authorization: Bearer abc\r\n"},
                        {ForgeKind::kBitbucket, "ann", "Authorization: Basic YW5uOmFiYw==\r\n"}}) {
    CHECK(std::move(make_forge_sink({row.kind, api, "o/app", dir / "token", row.user}))
              .value()
              ->post(status('a'))
              .ok());
    INFO(server.requests().back());
    CHECK(server.requests().back().find(row.header) != std::string::npos);
  }
}

TEST_CASE("the queue posts the newest status once, retries with back-off, and gives up on what cannot work") {
  StatusQueue queue;
  Rng rng(1);
  Error away = error(ErrorCode::kUnavailable, "away");
  CHECK_FALSE(queue.due());
  queue.add(status('a'), at(0s));
  queue.add(status('a', CommitState::kSuccess), at(0s));
  CHECK(queue.pending() == 1);
  std::optional<CommitStatus> next = queue.next(at(0s));
  REQUIRE(next);
  CHECK(next->state == CommitState::kSuccess);
  queue.done(*next);
  CHECK_FALSE(queue.next(at(0s)));
  queue.add(status('a', CommitState::kSuccess), at(1s));
  CHECK(queue.pending() == 0);

  queue.add(status('b'), at(1s));
  Duration now = 1s, waited = 0s;
  unsigned tries = 0;
  while (queue.pending() > 0) {
    REQUIRE(queue.next(at(now)));
    ++tries;
    bool again = queue.failed(*queue.next(at(now)), away, at(now), rng);
    if (!again) break;
    CHECK_FALSE(queue.next(at(now)));
    Duration wait = queue.due()->since_start - now;
    CHECK(wait >= waited * 4 / 5);
    CHECK(wait <= 6min);
    waited = wait;
    now = queue.due()->since_start;
  }
  CHECK(tries == StatusQueue::kMaxTries);

  queue.add(status('c'), at(now));
  CHECK_FALSE(queue.failed(status('c'), error(ErrorCode::kDenied, "no"), at(now), rng));
  CHECK(queue.pending() == 0);

  // A newer status that comes while the old one is on its way is not lost, whatever becomes of the old one.
  queue.add(status('d'), at(now));
  CommitStatus sent = *queue.next(at(now));
  queue.add(status('d', CommitState::kSuccess), at(now));
  SECTION("posted") { queue.done(sent); }
  SECTION("refused") { CHECK(queue.failed(sent, error(ErrorCode::kDenied, "no"), at(now), rng)); }
  CHECK(queue.next(at(now + 10min))->state == CommitState::kSuccess);
  // Back to what the forge shows already: nothing to say.
  queue.done(*queue.next(at(now + 10min)));
  queue.add(status('d', CommitState::kFailure), at(now));
  queue.add(status('d', CommitState::kSuccess), at(now));
  CHECK(queue.pending() == 0);
}

TEST_CASE("the queue is bounded; the oldest give way") {
  StatusQueue queue;
  for (size_t i = 0; i < StatusQueue::kMaxPending + 10; ++i) {
    CommitStatus each = status('a');
    each.context = "mainstay/" + std::to_string(i);
    queue.add(each, at(Duration(static_cast<int64_t>(i))));
  }
  CHECK(queue.pending() == StatusQueue::kMaxPending);
  CHECK(queue.next(at(1h))->context == "mainstay/10");
}
