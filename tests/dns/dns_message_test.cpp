// Questions and replies as bytes; what upstreams say; how long it is remembered.
#include <catch2/catch.hpp>

#include <map>

#include "nodeagent/dns/dns_cache.h"
#include "nodeagent/dns/dns_message.h"
#include "nodeagent/dns/resolver_config.h"
#include "nodeagent/dns/socket.h"
#include "nodeagent/dns/upstream_message.h"
#include "tests/dns/dns_packet.h"

using namespace mainstay;

namespace {

std::string bytes_of(std::initializer_list<int> list) {
  std::string out;
  for (int one : list) out += static_cast<char>(one);
  return out;
}

DnsReply addresses(size_t count) {
  DnsReply out;
  for (size_t i = 0; i < count; ++i) {
    out.answers.push_back(
        {"", kDnsA, 5, bytes_of({10, 0, static_cast<int>(i / 256), static_cast<int>(i % 256)})});
  }
  return out;
}

DnsQuestion question_of(const std::string& name, const std::string& type, size_t edns = 0) {
  DnsInput input = parse_dns_input(make_question(name, type, 7, edns));
  REQUIRE(input.kind == DnsInput::Kind::kQuestion);
  return input.question;
}

MonoTime at(int64_t seconds) { return {std::chrono::seconds{1000 + seconds}}; }

}  // namespace

TEST_CASE("dns: a question is read as it was asked") {
  DnsQuestion question = question_of("WWW.Example.com.", "AAAA", 4000);
  CHECK(question.name ==
        bytes_of({3}) + "www" + bytes_of({7}) + "example" + bytes_of({3}) + "com" + bytes_of({0}));
  CHECK(question.type == kDnsAaaa);
  CHECK(question.edns);
  CHECK(question.udp_size == kDnsUdpSize);
  CHECK(question.recursion_desired);
  CHECK(question_of("a.", "A", 100).udp_size == 512);
  CHECK(question_of("a.", "A").udp_size == 512);
}

TEST_CASE("dns: what is no question is dropped or refused with its code") {
  std::string good = make_question("a.b.", "A", 0x1234);
  CHECK(parse_dns_input("").kind == DnsInput::Kind::kDrop);
  CHECK(parse_dns_input(good.substr(0, 11)).kind == DnsInput::Kind::kDrop);
  std::string reply = good;
  reply[2] = static_cast<char>(reply[2] | 0x80);
  CHECK(parse_dns_input(reply).kind == DnsInput::Kind::kDrop);
  auto code = [](const std::string& packet) {
    DnsInput input = parse_dns_input(packet);
    CHECK(input.kind == DnsInput::Kind::kRefuse);
    std::string refusal = encode_dns_refusal(input);
    ReadPacket read = read_packet(refusal);
    CHECK(read.readable);
    CHECK(read.answer);
    CHECK(read.id == 0x1234);
    CHECK(parse_dns_input(refusal).kind == DnsInput::Kind::kDrop);
    return read.rcode;
  };
  CHECK(code(good.substr(0, good.size() - 1)) == 1);
  std::string two = good;
  two[5] = 2;
  CHECK(code(two) == 1);
  std::string pointer = good;
  pointer[12] = static_cast<char>(0xc0);
  CHECK(code(pointer) == 1);
  std::string update = good;
  update[2] = 5 << 3;
  CHECK(code(update) == 4);
  std::string chaos = good;
  chaos[good.size() - 1] = 3;
  CHECK(code(chaos) == 5);
  CHECK(code(make_question("a.", "AXFR", 0x1234)) == 5);
  std::string version = make_question("a.b.", "A", 0x1234, 1232);
  version[version.size() - 5] = 1;
  CHECK(code(version) == 16);
  std::string twice = make_question("a.b.", "A", 0x1234, 1232);
  twice += twice.substr(twice.size() - 11);
  twice[11] = 2;
  CHECK(code(twice) == 1);
}

TEST_CASE("dns: a reply that does not fit has whole records and says so") {
  DnsQuestion plain = question_of("db.default.svc.cluster.local.", "A");
  std::string bytes = encode_dns_reply(plain, addresses(100), plain.udp_size, true);
  CHECK(bytes.size() <= 512);
  ReadPacket read = read_packet(bytes);
  REQUIRE(read.readable);
  CHECK(read.truncated);
  CHECK(read.answers.size() == (512 - 12 - plain.raw.size()) / 16);
  DnsQuestion large = question_of("db.default.svc.cluster.local.", "A", 1232);
  read = read_packet(encode_dns_reply(large, addresses(60), large.udp_size, true));
  CHECK_FALSE(read.truncated);
  CHECK(read.answers.size() == 60);
  CHECK(read.edns);
  CHECK(read.udp_size == kDnsUdpSize);
  read = read_packet(encode_dns_reply(plain, addresses(3000), kDnsTcpSize, true));
  CHECK_FALSE(read.truncated);
  CHECK(read.answers.size() == 3000);
}

TEST_CASE("dns: additional records that do not fit are left out without a word") {
  DnsQuestion question = question_of("a.", "A");
  DnsReply reply = addresses(20);
  reply.additional = addresses(100).answers;
  ReadPacket read = read_packet(encode_dns_reply(question, reply, 512, true));
  CHECK_FALSE(read.truncated);
  CHECK(read.answers.size() == 20);
  CHECK_FALSE(read.additional.empty());
}

TEST_CASE("dns: every order of a set comes up") {
  std::map<std::string, int> firsts;
  Rng rng(5);
  for (int i = 0; i < 600; ++i) {
    DnsReply reply = addresses(3);
    shuffle_answers(reply, rng);
    std::string order;
    for (const DnsRecord& record : reply.answers) order += std::to_string(record.rdata[3]);
    ++firsts[order];
  }
  CHECK(firsts.size() == 6);
  DnsReply chain;
  chain.answers = {{"", kDnsCname, 5, *dns_name("b")}, {*dns_name("b"), kDnsCname, 5, *dns_name("c")}};
  DnsReply same = chain;
  shuffle_answers(same, rng);
  CHECK(same.answers == chain.answers);
}

TEST_CASE("dns: names") {
  CHECK(dns_name("web.default") == dns_name("WEB.default."));
  CHECK_FALSE(dns_name("a..b"));
  CHECK_FALSE(dns_name(std::string(64, 'a')));
  CHECK(dns_name(std::string(63, 'a')));
  CHECK_FALSE(dns_name(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                       std::string(63, 'd')));
  CHECK(dns_text(*dns_name("web.default")) == "web.default.");
  CHECK(dns_text(bytes_of({2, '.', 7, 0})) == "\\046\\007.");
  CHECK(dns_is_below(*dns_name("a.b.c"), *dns_name("b.c")));
  CHECK(dns_is_below(*dns_name("b.c"), *dns_name("b.c")));
  CHECK_FALSE(dns_is_below(*dns_name("xb.c"), *dns_name("b.c")));
}

TEST_CASE("dns: any bytes are read without harm, and what is answered can be read") {
  uint64_t seed = GENERATE(11, 12, 13);
  INFO("seed " << seed);
  Rng rng(seed);
  std::string base = make_question("a.web.default.svc.cluster.local.", "A", 9, 1232);
  for (int i = 0; i < 20000; ++i) {
    std::string packet = base;
    for (uint64_t n = rng.below(6); n > 0; --n)
      packet[rng.below(packet.size())] = static_cast<char>(rng.below(256));
    if (rng.chance(20)) packet.resize(rng.below(packet.size() + 1));
    DnsInput input = parse_dns_input(packet);
    if (input.kind == DnsInput::Kind::kDrop) continue;
    std::string out = input.kind == DnsInput::Kind::kRefuse
                          ? encode_dns_refusal(input)
                          : encode_dns_reply(input.question, addresses(5), input.question.udp_size, true);
    REQUIRE(read_packet(out).readable);
  }
}

TEST_CASE("dns: an upstream is believed only about what it was asked") {
  DnsQuestion question = question_of("www.example.com.", "A");
  std::string sent = encode_upstream_question(77, question, true);
  MadeAnswer made;
  made.answers = {"www.example.com. 300 IN CNAME cdn.example.net.", "cdn.example.net. 60 IN A 192.0.2.1",
                  "bank.example.org. 9999 IN A 192.0.2.66"};
  Result<UpstreamAnswer> answer = parse_upstream_answer(make_answer(sent, made), 77, question);
  REQUIRE(answer.ok());
  REQUIRE(answer->reply.answers.size() == 2);
  CHECK(answer->reply.answers[0].type == kDnsCname);
  CHECK(answer->reply.answers[1].ttl == 60);
  CHECK_FALSE(parse_upstream_answer(make_answer(sent, made), 78, question).ok());
  CHECK_FALSE(parse_upstream_answer(sent, 77, question).ok());
  DnsQuestion other = question_of("www.example.org.", "A");
  CHECK_FALSE(parse_upstream_answer(make_answer(sent, made), 77, other).ok());
  CHECK_FALSE(
      parse_upstream_answer(make_answer(sent, made), 77, question_of("www.example.com.", "AAAA")).ok());
  CHECK_FALSE(parse_upstream_answer("nonsense", 77, question).ok());
}

TEST_CASE("dns: answers are kept as long as their TTLs say, and grow older") {
  DnsCache cache({});
  DnsReply reply;
  std::string name = *dns_name("www.example.com");
  reply.answers = {{name, kDnsCname, 100, *dns_name("b")}, {*dns_name("b"), kDnsA, 30, "\1\2\3\4"}};
  cache.put("k", kDnsA, reply, at(0));
  CHECK(cache.find("k", at(10))->answers[1].ttl == 20);
  CHECK(cache.find("k", at(10))->answers[0].ttl == 20);
  CHECK_FALSE(cache.find("k", at(30)));
  CHECK(cache.size() == 0);
  reply.answers[1].ttl = 0;
  cache.put("k", kDnsA, reply, at(0));
  CHECK_FALSE(cache.find("k", at(0)));
  reply.answers[0].ttl = reply.answers[1].ttl = 1000000;
  cache.put("k", kDnsA, reply, at(0));
  CHECK(cache.find("k", at(3599)));
  CHECK_FALSE(cache.find("k", at(3600)));
}

TEST_CASE("dns: \"there is none\" is kept as its SOA says (RFC 2308)") {
  auto soa = [](uint32_t ttl, uint8_t minimum) {
    return DnsRecord{*dns_name("example.com"), kDnsSoa, ttl,
                     std::string(20, '\0') + bytes_of({0, 0, 0, minimum})};
  };
  DnsReply reply;
  reply.rcode = DnsRcode::kNoName;
  DnsCacheLimits limits;
  CHECK(dns_lifetime(reply, kDnsA, limits) == 0);
  reply.authority = {soa(100, 60)};
  CHECK(dns_lifetime(reply, kDnsA, limits) == 60);
  reply.authority = {soa(20, 60)};
  CHECK(dns_lifetime(reply, kDnsA, limits) == 20);
  reply.rcode = DnsRcode::kNoError;
  reply.answers = {{"", kDnsCname, 7, *dns_name("b")}};
  CHECK(dns_lifetime(reply, kDnsA, limits) == 7);
  CHECK(dns_lifetime(reply, kDnsCname, limits) == 7);
  reply.rcode = DnsRcode::kServerFailure;
  CHECK(dns_lifetime(reply, kDnsA, limits) == limits.failure);
  reply.rcode = DnsRcode::kRefused;
  CHECK(dns_lifetime(reply, kDnsA, limits) == 0);
}

TEST_CASE("dns: the cache keeps its bounds and forgets what nobody asks for") {
  DnsCacheLimits limits;
  limits.entries = 10;
  DnsCache cache(limits);
  DnsReply reply = addresses(1);
  for (int i = 0; i < 10; ++i) cache.put("k" + std::to_string(i), kDnsA, reply, at(0));
  CHECK(cache.find("k0", at(0)));
  cache.put("k10", kDnsA, reply, at(0));
  CHECK(cache.size() == 10);
  CHECK(cache.find("k0", at(0)));
  CHECK_FALSE(cache.find("k1", at(0)));
  limits.bytes = 20000;
  limits.entries = 100000;
  DnsCache small(limits);
  for (int i = 0; i < 1000; ++i) small.put("k" + std::to_string(i), kDnsA, addresses(10), at(0));
  CHECK(small.bytes() <= 20000);
  CHECK(small.size() > 3);
}

TEST_CASE("dns: addresses of servers") {
  CHECK(to_text(*parse_address("10.0.0.2", 53)) == "10.0.0.2:53");
  CHECK(to_text(*parse_address("10.0.0.2:5353", 53)) == "10.0.0.2:5353");
  CHECK(to_text(*parse_address("fd00::2", 53)) == "[fd00::2]:53");
  CHECK(to_text(*parse_address("[fd00::2]:54", 53)) == "[fd00::2]:54");
  for (const char* bad :
       {"", "dns.example", "10.0.0.2:", "10.0.0.2:0", "10.0.0.2:99999", "[fd00::2", "1.2.3"}) {
    INFO(bad);
    CHECK_FALSE(parse_address(bad, 53).ok());
  }
  ResolverConfig config = parse_resolv_conf("nameserver 1.1.1.1\nsearch a b\noptions ndots:2 # x\n");
  CHECK(render_resolv_conf(config) == "search a b\nnameserver 1.1.1.1\noptions ndots:2\n");
}
