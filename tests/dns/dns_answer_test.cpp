// Every kind of record of the Kubernetes DNS specification, as bytes that ldns reads; and that an index made
// from the one before is the index made anew.
#include <catch2/catch.hpp>

#include <set>

#include "nodeagent/dns/dns_zone.h"
#include "tests/dns/dns_packet.h"

using namespace mainstay;

namespace {

using Lines = std::vector<std::string>;
const char kAuthority[] =
    "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 42 7200 1800 86400 5";

DnsZonePtr zone_of(NetworkState state) {
  return DnsZone::make(std::make_shared<const NetworkState>(std::move(state)), nullptr);
}

// Asks as a client does, over our own bytes both ways.
ReadPacket ask(const DnsZonePtr& zone, const std::string& name, const std::string& type) {
  DnsInput input = parse_dns_input(make_question(name, type));
  REQUIRE(input.kind == DnsInput::Kind::kQuestion);
  DnsAnswer out = answer(*zone, input.question);
  REQUIRE(out.kind == DnsAnswer::Kind::kReply);
  ReadPacket packet = read_packet(encode_dns_reply(input.question, out.reply, kDnsTcpSize, true));
  REQUIRE(packet.readable);
  CHECK(packet.answer);
  CHECK(packet.id == 7);
  CHECK(packet.authoritative);
  return packet;
}

DnsAnswer decide(const DnsZonePtr& zone, const std::string& name, const std::string& type) {
  return answer(*zone, parse_dns_input(make_question(name, type)).question);
}

void check_none(const ReadPacket& packet, int rcode) {
  CHECK(packet.rcode == rcode);
  CHECK(packet.answers.empty());
  CHECK(packet.authority == Lines{kAuthority});
}

NetworkState small_cluster() {
  NetworkState state = empty_cluster();
  put(state, cluster_service("default", "web", "10.96.7.1"));
  put(state, slice_of("default", "web", {endpoint_at("10.244.1.5"), endpoint_at("10.244.1.6", "", false)}));
  NetworkService headless = cluster_service("default", "db", "");
  put(state, headless);
  put(state, slice_of("default", "db",
                      {endpoint_at("10.244.1.7", "db-0"), endpoint_at("10.244.2.7", "db-1"),
                       endpoint_at("10.244.2.8"), endpoint_at("10.244.2.9", "db-3", false)}));
  NetworkService outside;
  outside.ns = "default";
  outside.name = "outside";
  outside.type = "ExternalName";
  outside.external_name = "www.Example.com";
  put(state, outside);
  state.nodes["one"] = {"one", "192.168.7.2", "10.244.1.0/24"};
  return state;
}

}  // namespace

TEST_CASE("dns: a service with an address has A, SRV for named ports, and PTR") {
  DnsZonePtr zone = zone_of(small_cluster());
  ReadPacket a = ask(zone, "web.default.svc.cluster.local.", "A");
  CHECK(a.rcode == 0);
  CHECK(a.answers == Lines{"web.default.svc.cluster.local. 5 IN A 10.96.7.1"});
  ReadPacket srv = ask(zone, "_http._tcp.web.default.svc.cluster.local.", "SRV");
  CHECK(srv.answers == Lines{"_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 100 80 "
                             "web.default.svc.cluster.local."});
  CHECK(srv.additional == Lines{"web.default.svc.cluster.local. 5 IN A 10.96.7.1"});
  ReadPacket ptr = ask(zone, "1.7.96.10.in-addr.arpa.", "PTR");
  CHECK(ptr.answers == Lines{"1.7.96.10.in-addr.arpa. 5 IN PTR web.default.svc.cluster.local."});
  CHECK(ask(zone, "10-244-1-5.web.default.svc.cluster.local.", "A").answers.size() == 1);
  check_none(ask(zone, "10-244-1-6.web.default.svc.cluster.local.", "A"), 3);
  check_none(ask(zone, "_https._tcp.web.default.svc.cluster.local.", "SRV"), 3);
  check_none(ask(zone, "_tcp.web.default.svc.cluster.local.", "SRV"), 0);
}

TEST_CASE("dns: an unnamed port has no SRV") {
  NetworkState state = empty_cluster();
  NetworkService service = cluster_service("default", "web", "10.96.7.1");
  service.ports[0].name = "";
  put(state, service);
  check_none(ask(zone_of(state), "_tcp.web.default.svc.cluster.local.", "SRV"), 3);
}

TEST_CASE("dns: a headless service is its ready endpoints") {
  DnsZonePtr zone = zone_of(small_cluster());
  CHECK(ask(zone, "db.default.svc.cluster.local.", "A").answers ==
        Lines{"db.default.svc.cluster.local. 5 IN A 10.244.1.7",
              "db.default.svc.cluster.local. 5 IN A 10.244.2.7",
              "db.default.svc.cluster.local. 5 IN A 10.244.2.8"});
  CHECK(ask(zone, "db-1.db.default.svc.cluster.local.", "A").answers ==
        Lines{"db-1.db.default.svc.cluster.local. 5 IN A 10.244.2.7"});
  CHECK(ask(zone, "10-244-2-8.db.default.svc.cluster.local.", "A").answers.size() == 1);
  check_none(ask(zone, "db-3.db.default.svc.cluster.local.", "A"), 3);
  ReadPacket srv = ask(zone, "_http._tcp.db.default.svc.cluster.local.", "SRV");
  CHECK(srv.answers == Lines{"_http._tcp.db.default.svc.cluster.local. 5 IN SRV 0 33 8080 "
                             "10-244-2-8.db.default.svc.cluster.local.",
                             "_http._tcp.db.default.svc.cluster.local. 5 IN SRV 0 33 8080 "
                             "db-0.db.default.svc.cluster.local.",
                             "_http._tcp.db.default.svc.cluster.local. 5 IN SRV 0 33 8080 "
                             "db-1.db.default.svc.cluster.local."});
  CHECK(srv.additional.size() == 3);
  // A name that is there has none of another type; it is not taken for one that is not there.
  for (const char* type : {"SRV", "PTR", "AAAA"}) {
    check_none(ask(zone, "db-1.db.default.svc.cluster.local.", type), 0);
    check_none(ask(zone, "10-244-2-8.db.default.svc.cluster.local.", type), 0);
  }
  check_none(ask(zone, "db.default.svc.cluster.local.", "SRV"), 0);
  check_none(ask(zone, "_http._tcp.db.default.svc.cluster.local.", "A"), 0);
  check_none(ask(zone, "_http._udp.db.default.svc.cluster.local.", "SRV"), 3);
  CHECK(ask(zone, "7.1.244.10.in-addr.arpa.", "PTR").answers ==
        Lines{"7.1.244.10.in-addr.arpa. 5 IN PTR db-0.db.default.svc.cluster.local."});
}

TEST_CASE(
    "dns: a headless service without ready endpoints is not there; publishNotReadyAddresses names them all") {
  NetworkState state = empty_cluster();
  NetworkService service = cluster_service("default", "db", "");
  put(state, service);
  put(state, slice_of("default", "db", {endpoint_at("10.244.1.7", "db-0", false)}));
  check_none(ask(zone_of(state), "db.default.svc.cluster.local.", "A"), 3);
  service.publish_not_ready = true;
  put(state, service);
  CHECK(ask(zone_of(state), "db-0.db.default.svc.cluster.local.", "A").answers.size() == 1);
}

TEST_CASE("dns: one host name with several addresses, one address in several services") {
  NetworkState state = empty_cluster();
  put(state, cluster_service("default", "db", ""));
  put(state, cluster_service("default", "also", ""));
  put(state, slice_of("default", "db", {endpoint_at("10.244.1.7", "x"), endpoint_at("10.244.1.8", "x")}, 0));
  put(state, slice_of("default", "db", {endpoint_at("10.244.1.7", "x")}, 1));
  put(state, slice_of("default", "also", {endpoint_at("10.244.1.7", "x")}));
  DnsZonePtr zone = zone_of(state);
  CHECK(ask(zone, "x.db.default.svc.cluster.local.", "A").answers.size() == 2);
  CHECK(ask(zone, "db.default.svc.cluster.local.", "A").answers.size() == 2);
  CHECK(ask(zone, "7.1.244.10.in-addr.arpa.", "PTR").answers ==
        Lines{"7.1.244.10.in-addr.arpa. 5 IN PTR x.also.default.svc.cluster.local.",
              "7.1.244.10.in-addr.arpa. 5 IN PTR x.db.default.svc.cluster.local."});
}

TEST_CASE("dns: NXDOMAIN where no name is, NODATA where a name has nothing of the type") {
  DnsZonePtr zone = zone_of(small_cluster());
  check_none(ask(zone, "web.default.svc.cluster.local.", "AAAA"), 0);
  check_none(ask(zone, "web.default.svc.cluster.local.", "MX"), 0);
  check_none(ask(zone, "nobody.default.svc.cluster.local.", "A"), 3);
  check_none(ask(zone, "web.elsewhere.svc.cluster.local.", "A"), 3);
  check_none(ask(zone, "default.svc.cluster.local.", "A"), 0);
  check_none(ask(zone, "elsewhere.svc.cluster.local.", "A"), 3);
  check_none(ask(zone, "svc.cluster.local.", "A"), 0);
  check_none(ask(zone, "a.b.web.default.svc.cluster.local.", "A"), 3);
  check_none(ask(zone, "example.com.default.svc.cluster.local.", "A"), 3);
  check_none(ask(zone, "cluster.local.", "A"), 0);
  check_none(ask(zone, "whatever.cluster.local.", "A"), 3);
}

TEST_CASE("dns: the zone's own records") {
  DnsZonePtr zone = zone_of(small_cluster());
  CHECK(ask(zone, "dns-version.cluster.local.", "TXT").answers ==
        Lines{"dns-version.cluster.local. 5 IN TXT \"1.1.0\""});
  CHECK(ask(zone, "cluster.local.", "SOA").answers == Lines{kAuthority});
  CHECK(ask(zone, "cluster.local.", "NS").answers == Lines{"cluster.local. 5 IN NS ns.dns.cluster.local."});
  CHECK(ask(zone, "ns.dns.cluster.local.", "A").answers == Lines{"ns.dns.cluster.local. 5 IN A 10.96.0.10"});
  check_none(ask(zone, "dns.cluster.local.", "A"), 0);
}

TEST_CASE("dns: a pod's dashed address, of addresses a pod can have") {
  DnsZonePtr zone = zone_of(small_cluster());
  CHECK(ask(zone, "10-244-3-4.default.pod.cluster.local.", "A").answers ==
        Lines{"10-244-3-4.default.pod.cluster.local. 5 IN A 10.244.3.4"});
  CHECK(ask(zone, "192-168-7-2.default.pod.cluster.local.", "A").answers.size() == 1);
  check_none(ask(zone, "10-244-3-4.default.pod.cluster.local.", "AAAA"), 0);
  check_none(ask(zone, "8-8-8-8.default.pod.cluster.local.", "A"), 3);
  check_none(ask(zone, "10-244-3.default.pod.cluster.local.", "A"), 3);
  check_none(ask(zone, "x.10-244-3-4.default.pod.cluster.local.", "A"), 3);
}

TEST_CASE("dns: addresses of ours without a name do not exist, others are asked outside") {
  DnsZonePtr zone = zone_of(small_cluster());
  ReadPacket none = ask(zone, "9.9.244.10.in-addr.arpa.", "PTR");
  CHECK(none.rcode == 3);
  REQUIRE(none.authority.size() == 1);
  CHECK(none.authority[0].starts_with("9.244.10.in-addr.arpa. 5 IN SOA"));
  CHECK(decide(zone, "8.8.8.8.in-addr.arpa.", "PTR").kind == DnsAnswer::Kind::kForward);
  CHECK(decide(zone, "01.7.96.10.in-addr.arpa.", "PTR").kind == DnsAnswer::Kind::kForward);
  CHECK(decide(zone, "7.96.10.in-addr.arpa.", "PTR").kind == DnsAnswer::Kind::kForward);
  CHECK(decide(zone, "www.example.com.", "A").kind == DnsAnswer::Kind::kForward);
  CHECK(decide(zone, "notcluster.local.", "A").kind == DnsAnswer::Kind::kForward);
}

TEST_CASE("dns: ExternalName is an alias; for an address its target is asked outside") {
  DnsZonePtr zone = zone_of(small_cluster());
  CHECK(ask(zone, "outside.default.svc.cluster.local.", "CNAME").answers ==
        Lines{"outside.default.svc.cluster.local. 5 IN CNAME www.example.com."});
  DnsAnswer chased = decide(zone, "outside.default.svc.cluster.local.", "A");
  CHECK(chased.kind == DnsAnswer::Kind::kChase);
  CHECK(dns_text(chased.target) == "www.example.com.");
  CHECK(chased.reply.answers.size() == 1);
  CHECK(decide(zone, "outside.default.svc.cluster.local.", "AAAA").kind == DnsAnswer::Kind::kChase);
}

TEST_CASE("dns: ExternalName inside the cluster is followed, a circle of them ends") {
  NetworkState state = small_cluster();
  auto alias = [&](const std::string& name, const std::string& target) {
    NetworkService service;
    service.ns = "default";
    service.name = name;
    service.type = "ExternalName";
    service.external_name = target;
    put(state, service);
  };
  alias("front", "web.default.svc.cluster.local");
  alias("twice", "front.default.svc.cluster.local");
  alias("lost", "nobody.default.svc.cluster.local");
  alias("far", "outside.default.svc.cluster.local");
  alias("ring", "ring2.default.svc.cluster.local");
  alias("ring2", "ring.default.svc.cluster.local");
  alias("self", "self.default.svc.cluster.local");
  DnsZonePtr zone = zone_of(state);
  CHECK(ask(zone, "twice.default.svc.cluster.local.", "A").answers ==
        Lines{"front.default.svc.cluster.local. 5 IN CNAME web.default.svc.cluster.local.",
              "twice.default.svc.cluster.local. 5 IN CNAME front.default.svc.cluster.local.",
              "web.default.svc.cluster.local. 5 IN A 10.96.7.1"});
  ReadPacket lost = ask(zone, "lost.default.svc.cluster.local.", "A");
  CHECK(lost.rcode == 3);
  CHECK(lost.answers.size() == 1);
  DnsAnswer far = decide(zone, "far.default.svc.cluster.local.", "A");
  CHECK(far.kind == DnsAnswer::Kind::kChase);
  CHECK(far.reply.answers.size() == 2);
  CHECK(decide(zone, "ring.default.svc.cluster.local.", "A").reply.rcode == DnsRcode::kServerFailure);
  CHECK(decide(zone, "self.default.svc.cluster.local.", "A").reply.rcode == DnsRcode::kServerFailure);
}

TEST_CASE("dns: names match in any case and are echoed in the asker's") {
  DnsZonePtr zone = zone_of(small_cluster());
  ReadPacket packet = ask(zone, "WeB.DEFAULT.svc.Cluster.LOCAL.", "A");
  CHECK(packet.question.starts_with("WeB.DEFAULT.svc.Cluster.LOCAL."));
  REQUIRE(packet.answers.size() == 1);
  CHECK(packet.answers[0] == "WeB.DEFAULT.svc.Cluster.LOCAL. 5 IN A 10.96.7.1");
}

TEST_CASE("dns: another cluster domain") {
  NetworkState state = small_cluster();
  state.cluster_domain = "Example.Test";
  DnsZonePtr zone = zone_of(state);
  CHECK(ask(zone, "web.default.svc.example.test.", "A").answers.size() == 1);
  CHECK(decide(zone, "web.default.svc.cluster.local.", "A").kind == DnsAnswer::Kind::kForward);
}

TEST_CASE("dns: an index made from the one before is the one made anew") {
  uint64_t seed = GENERATE(1, 2, 3, 4, 5, 6, 7, 8);
  INFO("seed " << seed);
  Rng rng(seed);
  NetworkState state = empty_cluster();
  DnsZonePtr grown = zone_of(state);
  std::vector<std::string> names;
  for (int step = 0; step < 150; ++step) {
    std::string ns = "n" + std::to_string(rng.below(3)), name = "s" + std::to_string(rng.below(6));
    std::string address = "10.244.0." + std::to_string(rng.below(20));
    switch (rng.below(4)) {
      case 0: {
        NetworkService service = cluster_service(ns, name, "10.96.0." + std::to_string(rng.below(30)));
        if (rng.chance(40)) service.cluster_ip = "";
        service.publish_not_ready = rng.chance(20);
        put(state, service);
        break;
      }
      case 1:
        state.services.erase(ns + "/" + name);
        break;
      case 2:
        put(state, slice_of(ns, name, {endpoint_at(address, rng.chance(50) ? "h" : "", rng.chance(80))},
                            static_cast<int>(rng.below(2))));
        break;
      default:
        state.slices.erase(ns + "/" + name + "-" + std::to_string(rng.below(2)));
    }
    grown = DnsZone::make(std::make_shared<const NetworkState>(state), grown);
    names.push_back(name + "." + ns + ".svc.cluster.local.");
    names.push_back("h." + names.back());
    names.push_back(std::to_string(rng.below(20)) + ".0.244.10.in-addr.arpa.");
    names.push_back(ns + ".svc.cluster.local.");
  }
  DnsZonePtr anew = zone_of(state);
  for (const std::string& name : names) {
    for (const char* type : {"A", "PTR", "SRV"}) {
      INFO(name << " " << type);
      ReadPacket a = ask(grown, name, type), b = ask(anew, name, type);
      CHECK(a.rcode == b.rcode);
      CHECK(a.answers == b.answers);
    }
  }
}
