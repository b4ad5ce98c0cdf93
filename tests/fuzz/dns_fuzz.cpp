// Any bytes as a question, as an upstream's answer and as resolv.conf: no crash, every reply of ours keeps
// its size and is never itself taken for a question, and what is believed of an upstream follows from the
// question.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nodeagent/dns/dns_cache.h"
#include "nodeagent/dns/dns_zone.h"
#include "nodeagent/dns/resolver_config.h"
#include "nodeagent/dns/upstream_message.h"
#include "schema/base/ensure.h"

using namespace mainstay;

namespace {

DnsZonePtr make_fuzzed_zone() {
  auto state = std::make_shared<NetworkState>();
  state->cluster_cidr = "10.244.0.0/16";
  state->service_cidr = "10.96.0.0/12";
  NetworkService headless;
  headless.ns = "n";
  headless.name = "d";
  headless.type = "ClusterIP";
  headless.ports = {{"p", "TCP", 1, 0}};
  state->services["n/d"] = headless;
  NetworkService plain = headless;
  plain.name = "w";
  plain.cluster_ip = "10.96.0.1";
  state->services["n/w"] = plain;
  NetworkSlice slice;
  slice.ns = "n";
  slice.name = "d-1";
  slice.service = "d";
  slice.ports = {{"p", "TCP", 2}};
  for (int i = 0; i < 100; ++i) {
    NetworkEndpoint endpoint;
    endpoint.ip = "10.244.0." + std::to_string(i);
    if (i % 2 == 0) endpoint.hostname = "h" + std::to_string(i);
    slice.endpoints.push_back(endpoint);
  }
  state->slices["n/d-1"] = slice;
  return DnsZone::make(std::move(state), nullptr);
}

void check_reply(const std::string& reply, size_t limit) {
  ENSURE(reply.size() >= 12 && reply.size() <= limit, "a reply keeps its size");
  ENSURE(parse_dns_input(reply).kind == DnsInput::Kind::kDrop, "a reply is answered by nobody");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const DnsZonePtr zone = make_fuzzed_zone();
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  DnsInput input = parse_dns_input(bytes);
  if (input.kind == DnsInput::Kind::kRefuse) check_reply(encode_dns_refusal(input), kDnsUdpSize);
  if (input.kind == DnsInput::Kind::kQuestion) {
    DnsAnswer out = answer(*zone, input.question);
    Rng rng(size);
    shuffle_answers(out.reply, rng);
    size_t limit = input.question.udp_size;
    check_reply(encode_dns_reply(input.question, out.reply, limit, true), limit);
    check_reply(encode_dns_reply(input.question, out.reply, kDnsTcpSize, true), kDnsTcpSize);
    dns_text(input.question.name);
    std::string asked = encode_upstream_question(1, input.question, true);
    ENSURE(parse_dns_input(asked).question.name == input.question.name,
           "a question of ours says what was asked");
  }
  // As the answer to a question of its own: the first name in it.
  if (size < 12) return 0;
  DnsQuestion question = input.question;
  if (question.name.empty()) question.name = *dns_name("www.example.com");
  if (question.type == 0) question.type = kDnsA;
  std::string packet(bytes);
  packet[2] = static_cast<char>(packet[2] | 0x80);
  auto id = static_cast<uint16_t>(static_cast<uint8_t>(packet[0]) << 8 | static_cast<uint8_t>(packet[1]));
  Result<UpstreamAnswer> answered = parse_upstream_answer(packet, id, question);
  if (answered.ok()) {
    DnsCache cache({});
    cache.put("k", question.type, answered->reply, MonoTime{});
    cache.find("k", MonoTime{});
    question.raw = question.name + std::string(4, '\0');
    check_reply(encode_dns_reply(question, answered->reply, kDnsUdpSize, true), kDnsUdpSize);
  }
  ResolverConfig config = parse_resolv_conf(packet);
  ENSURE(parse_resolv_conf(render_resolv_conf(config)) == config, "resolv.conf is written as it is read");
  return 0;
}
