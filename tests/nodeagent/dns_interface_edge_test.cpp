// The node's DNS interface in a network namespace of its own, and the server on it.
#include <sched.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "nodeagent/dns/dns_server.h"
#include "nodeagent/network/dns_interface.h"

using namespace mainstay;

TEST_CASE("dns server: on its own interface of a network namespace") {
  if (geteuid() != 0) {
    WARN("SKIPPED: a network namespace needs root");
    return;
  }
  // A thread has a network namespace of its own to itself.
  std::string problem;
  std::thread inside([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      problem = "SKIPPED: no network namespace can be made here";
      return;
    }
    Status made = ensure_dns_interface("10.96.0.10");
    Status again = ensure_dns_interface("10.96.0.10");
    Status moved = ensure_dns_interface("10.97.0.10");
    if (!made.ok()) problem = made.error().message;
    if (!again.ok()) problem = again.error().message;
    if (!moved.ok()) problem = moved.error().message;
    DnsServerSettings settings;
    settings.addresses = {"10.97.0.10"};
    settings.resolv_conf = "/nonexistent";
    DnsServer server;
    Status started = server.start(settings);
    if (!started.ok()) problem = started.error().message;
    settings.addresses = {"10.96.0.10"};
    DnsServer before;
    if (before.start(settings).ok()) problem = "the address before is still there";
    server.stop();
    if (!remove_dns_interface().ok() || !remove_dns_interface().ok()) problem = "it cannot be removed twice";
    if (ensure_dns_interface("x").ok()) problem = "x is no address";
  });
  inside.join();
  if (problem.starts_with("SKIPPED")) {
    WARN(problem);
    return;
  }
  INFO(problem);
  CHECK(problem.empty());
}
