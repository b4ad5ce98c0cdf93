#include "tests/dns/dns_packet.h"

#include <ldns/ldns.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "schema/base/ensure.h"

namespace mainstay {
namespace {

struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, PacketFree>;

std::string text_of(const ldns_rr* rr) {
  char* text = ldns_rr2str(rr);
  std::string out = text;
  std::free(text);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

std::vector<std::string> texts_of(const ldns_rr_list* list) {
  std::vector<std::string> out;
  for (size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) out.push_back(text_of(ldns_rr_list_rr(list, i)));
  std::sort(out.begin(), out.end());
  return out;
}

Packet parse(std::string_view bytes) {
  ldns_pkt* raw = nullptr;
  ldns_status status = ldns_wire2pkt(&raw, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return Packet(status == LDNS_STATUS_OK ? raw : nullptr);
}

std::string wire(const ldns_pkt* packet) {
  uint8_t* bytes = nullptr;
  size_t size = 0;
  ENSURE(ldns_pkt2wire(&bytes, packet, &size) == LDNS_STATUS_OK, "a packet of ours is written");
  std::string out(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return out;
}

}  // namespace

ReadPacket read_packet(std::string_view bytes) {
  ReadPacket out;
  Packet packet = parse(bytes);
  if (!packet) return out;
  out.readable = true;
  out.id = ldns_pkt_id(packet.get());
  out.rcode = ldns_pkt_get_rcode(packet.get()) | ldns_pkt_edns_extended_rcode(packet.get()) << 4;
  out.authoritative = ldns_pkt_aa(packet.get());
  out.truncated = ldns_pkt_tc(packet.get());
  out.recursion_available = ldns_pkt_ra(packet.get());
  out.answer = ldns_pkt_qr(packet.get());
  out.edns = ldns_pkt_edns(packet.get());
  out.udp_size = ldns_pkt_edns_udp_size(packet.get());
  std::vector<std::string> questions = texts_of(ldns_pkt_question(packet.get()));
  if (!questions.empty()) out.question = questions[0];
  out.answers = texts_of(ldns_pkt_answer(packet.get()));
  out.authority = texts_of(ldns_pkt_authority(packet.get()));
  out.additional = texts_of(ldns_pkt_additional(packet.get()));
  return out;
}

std::string make_question(const std::string& name, const std::string& type, uint16_t id, size_t edns) {
  ldns_rdf* owner = ldns_dname_new_frm_str(name.c_str());
  ENSURE(owner != nullptr, "the name in a test is one");
  Packet packet(ldns_pkt_query_new(owner, ldns_get_rr_type_by_name(type.c_str()), LDNS_RR_CLASS_IN, LDNS_RD));
  ldns_pkt_set_id(packet.get(), id);
  if (edns != 0) ldns_pkt_set_edns_udp_size(packet.get(), static_cast<uint16_t>(edns));
  return wire(packet.get());
}

std::string make_answer(std::string_view query, const MadeAnswer& made) {
  Packet packet = parse(query);
  ENSURE(packet != nullptr, "what a server of a test is asked can be read");
  ldns_pkt_set_qr(packet.get(), true);
  ldns_pkt_set_ra(packet.get(), true);
  ldns_pkt_set_tc(packet.get(), made.truncated);
  ldns_pkt_set_rcode(packet.get(), static_cast<uint8_t>(made.rcode));
  auto add = [&](ldns_pkt_section section, const std::vector<std::string>& records) {
    for (const std::string& text : records) {
      ldns_rr* rr = nullptr;
      ENSURE(ldns_rr_new_frm_str(&rr, text.c_str(), 0, nullptr, nullptr) == LDNS_STATUS_OK,
             "a test's record");
      ldns_pkt_push_rr(packet.get(), section, rr);
    }
  };
  add(LDNS_SECTION_ANSWER, made.answers);
  add(LDNS_SECTION_AUTHORITY, made.authority);
  return wire(packet.get());
}

NetworkService cluster_service(const std::string& ns, const std::string& name, const std::string& ip) {
  NetworkService out;
  out.ns = ns;
  out.name = name;
  out.type = "ClusterIP";
  out.cluster_ip = ip;
  out.ports = {{"http", "TCP", 80, 0}};
  return out;
}

NetworkEndpoint endpoint_at(const std::string& ip, const std::string& hostname, bool ready) {
  NetworkEndpoint out;
  out.ip = ip;
  out.hostname = hostname;
  out.ready = ready;
  return out;
}

NetworkSlice slice_of(const std::string& ns, const std::string& service,
                      std::vector<NetworkEndpoint> endpoints, int number) {
  NetworkSlice out;
  out.ns = ns;
  out.name = service + "-" + std::to_string(number);
  out.service = service;
  out.ports = {{"http", "TCP", 8080}};
  out.endpoints = std::move(endpoints);
  return out;
}

void put(NetworkState& state, const NetworkService& service) {
  state.services[service.ns + "/" + service.name] = service;
}
void put(NetworkState& state, const NetworkSlice& slice) {
  state.slices[slice.ns + "/" + slice.name] = slice;
}

NetworkState empty_cluster() {
  NetworkState out;
  out.at = {1, 42};
  out.cluster_cidr = "10.244.0.0/16";
  out.service_cidr = "10.96.0.0/12";
  out.dns_address = "10.96.0.10";
  return out;
}

}  // namespace mainstay
