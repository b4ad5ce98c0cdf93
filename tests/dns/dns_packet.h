// DNS for tests, read and written by ldns: an opinion on our bytes that is not our own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/network_state.h"

namespace mainstay {

struct ReadPacket {
  bool readable = false;
  uint16_t id = 0;
  int rcode = 0;  // upper bits from OPT included
  bool authoritative = false, truncated = false, recursion_available = false, answer = false;
  bool edns = false;
  size_t udp_size = 0;
  std::string question;  // "web.default.svc.cluster.local. IN A", case as it stands
  std::vector<std::string> answers, authority, additional;  // sorted, "name. ttl IN TYPE data"
};
ReadPacket read_packet(std::string_view bytes);

// A question as a client sends it. `edns` is the size it takes; 0: none.
std::string make_question(const std::string& name, const std::string& type, uint16_t id = 7, size_t edns = 0);

// An answer as a server sends it, to the question of `query`; records in ldns' text form.
struct MadeAnswer {
  int rcode = 0;
  bool truncated = false;
  std::vector<std::string> answers, authority;
};
std::string make_answer(std::string_view query, const MadeAnswer& made);

// Builders of cluster state.
NetworkService cluster_service(const std::string& ns, const std::string& name, const std::string& ip);
NetworkSlice slice_of(const std::string& ns, const std::string& service,
                      std::vector<NetworkEndpoint> endpoints, int number = 0);
NetworkEndpoint endpoint_at(const std::string& ip, const std::string& hostname = "", bool ready = true);
void put(NetworkState& state, const NetworkService& service);
void put(NetworkState& state, const NetworkSlice& slice);
// Domain cluster.local, pods 10.244.0.0/16, services 10.96.0.0/12, DNS 10.96.0.10.
NetworkState empty_cluster();

}  // namespace mainstay
