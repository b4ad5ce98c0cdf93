#include "reconciler/api/server.h"

#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "reconciler/api/pki.h"
#include "schema/base/clock.h"
#include "tests/api/loopback.h"

namespace mainstay::api {
namespace {

using namespace mainstay::test;

std::unique_ptr<HttpServer> start(Handler handler, ServerOptions options = {}) {
  Result<std::unique_ptr<HttpServer>> server = HttpServer::start(std::move(options), std::move(handler));
  REQUIRE(server.ok());
  REQUIRE((*server)->port() != 0);
  return std::move(server).value();
}

// Says what arrived.
Reply echo(Request request) {
  return text_response(200, request.method + " " + request.path + " [" + request.body + "]");
}

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_CASE("a connection carries one request after another") {
  auto server = start(echo);
  Client client(server->port());
  REQUIRE(client.send(kGet));
  CHECK(client.read_response().ends_with("GET /a []"));
  REQUIRE(client.send("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
  CHECK(client.read_response().ends_with("POST /b [abc]"));
  REQUIRE(client.send(kGet + kGet + "POST /c HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(client.read_response().ends_with("GET /a []"));
  CHECK(client.read_response().ends_with("GET /a []"));
  CHECK(client.read_response().ends_with("POST /c []"));
  REQUIRE(client.send("HEAD /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  std::string head = client.read_all();
  CHECK(head.find("Content-Length: 10") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(server->stats().requests == 6);
  CHECK(server->stats().accepted == 1);
}

TEST_CASE("HTTP/1.0 is answered and closed") {
  auto server = start(echo);
  Client client(server->port());
  client.send("GET /old HTTP/1.0\r\n\r\n");
  CHECK(client.read_all().ends_with("GET /old []"));
}

TEST_CASE("what is too large or malformed is refused with a Status before a handler sees it") {
  std::atomic<int> seen{0};
  ServerOptions options;
  options.max_body = 1000;
  auto server = start([&](Request request) { ++seen; return echo(std::move(request)); }, options);
  {
    Client client(server->port());
    client.send("POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
    std::string answer = client.read_all();
    CHECK(answer.starts_with("HTTP/1.1 413 "));
    CHECK(answer.find(R"("reason":"RequestEntityTooLarge")") != std::string::npos);
    CHECK(answer.find("Connection: close") != std::string::npos);
  }
  {
    Client client(server->port());
    client.send("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
    CHECK(client.read_all().starts_with("HTTP/1.1 431 "));
  }
  {
    Client client(server->port());
    client.send("nonsense\r\n\r\n");
    CHECK(client.read_response().starts_with("HTTP/1.1 400 "));
  }
  CHECK(seen == 0);
  Client client(server->port());
  client.send("POST / HTTP/1.1\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(std::string(1000, 'x'));
  CHECK(client.read_response().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a client that never finishes its request is dropped") {
  ServerOptions options;
  options.request_timeout = 200ms;
  options.handshake_timeout = 200ms;
  auto server = start(echo, options);
  Client client(server->port());
  client.send("GET / HTTP/1.1\r\nHost:");
  CHECK(client.read_all().empty());
  CHECK(server->stats().timed_out == 1);
}

TEST_CASE("connections above the limit are closed at once") {
  ServerOptions options;
  options.max_connections = 2;
  auto server = start(echo, options);
  Client one(server->port()), two(server->port());
  one.send(kGet);
  CHECK(one.read_response().starts_with("HTTP/1.1 200"));
  two.send(kGet);
  CHECK(two.read_response().starts_with("HTTP/1.1 200"));
  Client three(server->port());
  CHECK(three.read_all().empty());
  one.close();
  CHECK(eventually([&] {
    Client next(server->port());
    next.send(kGet);
    return next.read_response().starts_with("HTTP/1.1 200");
  }));
}

TEST_CASE("a deferred answer is sent when it is completed, from any thread, once") {
  std::mutex mutex;
  std::vector<std::shared_ptr<Deferred>> waiting;
  ServerOptions options;
  options.worker_threads = 1;
  auto server = start(
      [&](Request request) -> Reply {
        if (request.path == "/now") return echo(std::move(request));
        auto later = std::make_shared<Deferred>();
        std::lock_guard lock(mutex);
        waiting.push_back(later);
        return later;
      },
      options);
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(server->port());
    clients.back().send("GET /later HTTP/1.1\r\n\r\n");
  }
  REQUIRE(eventually([&] { std::lock_guard lock(mutex); return waiting.size() == 50; }));
  Client quick(server->port());  // fifty waiting requests hold no worker
  quick.send("GET /now HTTP/1.1\r\n\r\n");
  CHECK(quick.read_response().ends_with("GET /now []"));
  for (const auto& later : waiting) {
    later->complete(text_response(200, "done"));
    later->complete(text_response(500, "twice"));
  }
  for (Client& client : clients) CHECK(client.read_response().ends_with("\r\n\r\ndone"));
}

TEST_CASE("a deferred answer hears that its client has left") {
  auto later = std::make_shared<Deferred>();
  std::atomic<bool> left{false};
  later->on_gone([&] { left = true; });
  auto server = start([&](Request) -> Reply { return later; });
  {
    Client client(server->port());
    client.send(kGet);
    REQUIRE(eventually([&] { return server->stats().requests == 1; }));
  }
  CHECK(eventually([&] { return left.load(); }));
  CHECK(later->gone());
  later->complete(text_response(200, "to nobody"));
}

TEST_CASE("a stream is chunked, ends properly, and the connection goes on") {
  auto stream = std::make_shared<Stream>(Stream::Options{});
  std::atomic<bool> ended{false};
  stream->on_end([&] { ended = true; });
  auto server = start([&](Request request) -> Reply {
    if (request.path == "/a") return stream;
    return echo(std::move(request));
  });
  CHECK(stream->push("before\n"));  // nobody is connected yet
  Client client(server->port());
  client.send(kGet);
  std::string head = client.read_until("\r\n\r\n");
  CHECK(head.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(client.read_until("before\n\r\n") == "7\r\nbefore\n\r\n");
  CHECK(stream->push("after"));
  CHECK(client.read_until("after\r\n") == "5\r\nafter\r\n");
  stream->close();
  CHECK(client.read_until("0\r\n\r\n") == "0\r\n\r\n");
  CHECK(eventually([&] { return ended.load(); }));
  CHECK_FALSE(stream->push("late"));
  client.send("GET /b HTTP/1.1\r\n\r\n");
  CHECK(client.read_response().ends_with("GET /b []"));
}

TEST_CASE("a thousand idle watches hold no thread") {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2200) {
    WARN("SKIPPED: fewer than 2200 file descriptors");
    return;
  }
  std::mutex mutex;
  std::vector<std::shared_ptr<Stream>> streams;
  size_t before = thread_count();
  auto server = start([&](Request) -> Reply {
    auto stream = std::make_shared<Stream>(Stream::Options{});
    std::lock_guard lock(mutex);
    streams.push_back(stream);
    return stream;
  });
  std::vector<Client> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.emplace_back(server->port());
    clients.back().send(kGet);
  }
  REQUIRE(eventually([&] { std::lock_guard lock(mutex); return streams.size() == 1000; }));
  CHECK(thread_count() <= before + 5);
  Bytes shared = make_bytes("event\n");
  for (const auto& stream : streams) CHECK(stream->push(shared));
  for (Client& client : clients) CHECK(client.read_until("event\n\r\n").ends_with("6\r\nevent\n\r\n"));
  CHECK(server->stats().streams == 1000);
  clients.clear();
  CHECK(eventually([&] { return server->stats().streams == 0; }));
  for (const auto& stream : streams) CHECK_FALSE(stream->open());
}

TEST_CASE("a client that does not read is cut off, and others are not disturbed") {
  Stream::Options options;
  options.limit = 1 << 20;
  auto stream = std::make_shared<Stream>(options);
  auto server = start([&](Request request) -> Reply {
    if (request.path == "/a") return stream;
    return echo(std::move(request));
  });
  Client slow(server->port(), 4096);
  slow.send(kGet);
  slow.read_until("\r\n\r\n");
  Bytes block = make_bytes(std::string(64 << 10, 'x'));
  // The kernel's buffers take some megabytes; then the stream's own limit is reached.
  CHECK(eventually([&] {
    for (int i = 0; i < 64; ++i) {
      if (!stream->push(block)) return true;
    }
    return false;
  }));
  CHECK(eventually([&] { return server->stats().cut_slow == 1; }));
  CHECK_FALSE(slow.read_all().ends_with("0\r\n\r\n"));  // the body is visibly broken
  Client other(server->port());
  other.send("GET /b HTTP/1.1\r\n\r\n");
  CHECK(other.read_response().ends_with("GET /b []"));
}

TEST_CASE("a stream tells when its queue has drained") {
  auto stream = std::make_shared<Stream>(Stream::Options{});
  std::atomic<int> drained{0};
  stream->on_drain(10, [&] { ++drained; });
  auto server = start([&](Request) -> Reply { return stream; });
  stream->push(std::string(100, 'x'));
  CHECK(stream->queued() == 100);
  Client client(server->port());
  client.send(kGet);
  CHECK(eventually([&] { return drained == 1; }));
  CHECK(stream->queued() == 0);
}

TEST_CASE("an upgraded connection carries raw bytes both ways, with back-pressure") {
  Stream::Options options;
  options.upgrade = "mainstay-stream";
  auto stream = std::make_shared<Stream>(options);
  std::mutex mutex;
  std::string got;
  stream->on_data([&](std::string_view bytes) {
    std::lock_guard lock(mutex);
    got += bytes;
  });
  stream->pause_reading();
  auto server = start([&](Request) -> Reply { return stream; });
  Client client(server->port());
  client.send("GET /s HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: mainstay-stream\r\n\r\nearly ");
  std::string head = client.read_until("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 101 "));
  CHECK(head.find("Upgrade: mainstay-stream") != std::string::npos);
  stream->push("down");
  CHECK(client.read_until("down") == "down");
  client.send("late");
  {
    std::lock_guard lock(mutex);
    CHECK(got.empty());
  }
  stream->resume_reading();
  CHECK(eventually([&] { std::lock_guard lock(mutex); return got == "early late"; }));
  stream->close();
  CHECK(client.read_all().empty());
}

TEST_CASE("stopping ends streams properly and answers requests under way") {
  auto stream = std::make_shared<Stream>(Stream::Options{});
  auto later = std::make_shared<Deferred>();
  auto server = start([&](Request request) -> Reply {
    if (request.path == "/a") return stream;
    return later;
  });
  Client watcher(server->port()), waiter(server->port()), idle(server->port());
  watcher.send(kGet);
  watcher.read_until("\r\n\r\n");
  waiter.send("GET /later HTTP/1.1\r\n\r\n");
  REQUIRE(eventually([&] { return server->stats().requests == 2; }));
  std::thread completer([&] {
    pause_briefly();
    later->complete(text_response(200, "in time"));
  });
  server->stop(10s);
  completer.join();
  CHECK(watcher.read_all() == "0\r\n\r\n");
  CHECK(waiter.read_all().ends_with("in time"));
  CHECK(idle.read_all().empty());
  Client refused(server->port());
  CHECK_FALSE(refused.send(kGet));
  server->stop(0s);
}

TEST_CASE("stopping without grace tells everyone who waits") {
  auto later = std::make_shared<Deferred>();
  auto server = start([&](Request) -> Reply { return later; });
  Client client(server->port());
  client.send(kGet);
  REQUIRE(eventually([&] { return server->stats().requests == 1; }));
  server.reset();
  CHECK(later->gone());
  CHECK(client.read_all().empty());
}

TEST_CASE("a port in use is an error that names it") {
  auto server = start(echo);
  ServerOptions options;
  options.port = server->port();
  auto second = HttpServer::start(options, echo);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::kBusy);
  CHECK(second.error().message.find("127.0.0.1:" + std::to_string(server->port())) != std::string::npos);
}

TEST_CASE("curl speaks to it over TLS with our authority") {
  if (!have_program("curl")) {
    WARN("SKIPPED: no curl");
    return;
  }
  TemporaryDirectory dir;
  Result<Pki> pki = open_pki(dir.path(), {"127.0.0.1", "localhost"}, read_clock().wall);
  REQUIRE(pki.ok());
  ServerOptions options;
  options.certificate_pem = pki->server.certificate_pem;
  options.private_key_pem = pki->server.key_pem;
  std::string large(5'000'000, 'z');
  auto server = start(
      [&](Request request) -> Reply {
        if (request.path == "/large") return text_response(200, large);
        if (request.path == "/length") return text_response(200, std::to_string(request.body.size()));
        return echo(std::move(request));
      },
      options);
  std::string base = "https://127.0.0.1:" + std::to_string(server->port());
  std::string curl = "curl -sS --max-time 30 --cacert " + dir.path() + "/pki/ca.crt ";
  ProgramResult hello = run_program(curl + base + "/hello " + base + "/again");
  CHECK(hello.output == "GET /hello []GET /again []");
  CHECK(server->stats().accepted == 1);  // the second request used the same connection
  ProgramResult size = run_program(curl + base + "/large | wc -c");
  CHECK(size.output == "5000000\n");
  run_program("head -c 2500000 /dev/zero > " + dir.path() + "/body");
  ProgramResult sent = run_program(curl + "--data-binary @" + dir.path() + "/body " + base + "/length");
  CHECK(sent.output == "2500000");
  ProgramResult chunked = run_program(curl + "-T - " + base + "/length < " + dir.path() + "/body");
  CHECK(chunked.output == "2500000");
  CHECK(run_program("curl -sS --max-time 30 " + base + "/hello").status != 0);  // unknown authority

  // A new certificate serves new connections.
  Result<Pki> renewed = open_pki(dir.path(), {"127.0.0.1", "localhost", "more.example"}, read_clock().wall);
  REQUIRE(renewed.ok());
  REQUIRE(renewed->server_renewed);
  REQUIRE(server->replace_certificate(renewed->server.certificate_pem, renewed->server.key_pem).ok());
  CHECK(run_program(curl + base + "/hello").output == "GET /hello []");
  CHECK(run_program(curl + "--resolve more.example:" + std::to_string(server->port()) +
                    ":127.0.0.1 https://more.example:" + std::to_string(server->port()) + "/hello").output ==
        "GET /hello []");
  CHECK_FALSE(server->replace_certificate("nonsense", "nonsense").ok());
}

TEST_CASE("bytes that are no TLS do no harm") {
  TemporaryDirectory dir;
  Result<Pki> pki = open_pki(dir.path(), {"127.0.0.1"}, read_clock().wall);
  REQUIRE(pki.ok());
  ServerOptions options;
  options.certificate_pem = pki->server.certificate_pem;
  options.private_key_pem = pki->server.key_pem;
  options.handshake_timeout = 200ms;
  auto server = start(echo, options);
  Client client(server->port());
  client.send(kGet);
  CHECK(client.read_all().find("200 OK") == std::string::npos);
  Client silent(server->port());
  CHECK(silent.read_all().empty());
}

}  // namespace mainstay::api
