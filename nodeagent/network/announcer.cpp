#include "nodeagent/network/announcer.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "nodeagent/disk.h"
#include "nodeagent/network/announce_plan.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

namespace mainstay {
namespace {

// Said at once and twice more: the first may get lost where a switch has not learned yet.
constexpr int kTimes = 3;
constexpr Duration kBetween = std::chrono::seconds{1};
// With contact comes news: what is wanted may be from before.
constexpr Duration kSettle = std::chrono::seconds{1};

std::string hardware_address(const sockaddr* address) {
  const auto* link = reinterpret_cast<const sockaddr_ll*>(address);
  if (link->sll_hatype != 1 || link->sll_halen != 6) return "";  // ARPHRD_ETHER
  return std::string(reinterpret_cast<const char*>(link->sll_addr), 6);
}

uint32_t number_of(const sockaddr* address) {
  return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

// The node's interfaces with a segment that others are on, too.
std::vector<Segment> read_segments() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return {};
  std::map<std::string, std::string> macs;
  for (ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr && one->ifa_addr->sa_family == AF_PACKET) macs[one->ifa_name] = hardware_address(one->ifa_addr);
  }
  std::vector<Segment> out;
  for (ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    bool wanted = one->ifa_addr && one->ifa_addr->sa_family == AF_INET && one->ifa_netmask &&
                  (one->ifa_flags & IFF_UP) != 0 &&
                  (one->ifa_flags & (IFF_LOOPBACK | IFF_NOARP | IFF_POINTOPOINT)) == 0;
    if (!wanted || macs[one->ifa_name].empty()) continue;
    uint32_t own = number_of(one->ifa_addr), mask = number_of(one->ifa_netmask);
    if (mask == UINT32_MAX) continue;  // a pod's side
    out.push_back({one->ifa_name, static_cast<int>(if_nametoindex(one->ifa_name)), macs[one->ifa_name], own,
                   {own & mask, own | ~mask}});
  }
  freeifaddrs(all);
  return out;
}

struct Claim {
  Segment segment;
  int to_say = kTimes;
  MonoTime next;
};

}  // namespace

struct Announcer::State {
  explicit State(std::string name) : node(std::move(name)) {}

  const std::string node;
  Fd socket, wake;
  std::mutex mutex;
  std::map<uint32_t, Segment> wanted;  // all below guarded by mutex
  std::map<uint32_t, Claim> claims;    // what we announce
  bool contact = false, stopping = false;
  MonoTime contact_since;
  std::thread thread;

  Status open();
  void run();
  void begin_claims(MonoTime now);
  int say_due(MonoTime now);
  void hear(const ArpPacket& packet, int interface);
  void send_arp(const Segment& segment, const ArpPacket& packet);
  void rouse() {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = write(wake.get(), &one, sizeof one);
  }
};

Status Announcer::State::open() {
  if (socket.open()) return {};
  socket = Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP)));
  wake = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!socket.open() || !wake.open()) return errno_error("opening a socket for ARP", errno);
  thread = std::thread([this] { run(); });
  return {};
}

void Announcer::State::send_arp(const Segment& segment, const ArpPacket& packet) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ARP);
  to.sll_ifindex = segment.index;
  to.sll_halen = 6;
  const std::string& mac = packet.reply ? packet.target_mac : std::string(6, '\xff');
  std::memcpy(to.sll_addr, mac.data(), 6);
  std::string bytes = encode_arp(packet);
  sendto(socket.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
}

// What is wanted and not announced yet is begun, if we may.
void Announcer::State::begin_claims(MonoTime now) {
  if (!contact || now < contact_since + kSettle) return;
  for (const auto& [address, segment] : wanted) {
    if (claims.count(address) == 0) claims[address] = {segment, kTimes, now};
  }
}

// Milliseconds until the next is due; -1: none.
int Announcer::State::say_due(MonoTime now) {
  std::optional<MonoTime> until;
  if (contact && now < contact_since + kSettle) until = contact_since + kSettle;
  for (auto& [address, claim] : claims) {
    if (claim.to_say == 0) continue;
    if (claim.next <= now) {
      send_arp(claim.segment, {false, claim.segment.mac, std::string(6, '\0'), address, address});
      --claim.to_say;
      claim.next = now + kBetween;
    }
    if (claim.to_say > 0) until = std::min(until.value_or(claim.next), claim.next);
  }
  if (!until) return -1;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*until - now).count());
}

void Announcer::State::hear(const ArpPacket& packet, int interface) {
  auto said = claims.find(packet.sender);
  bool foreign = said != claims.end() && said->second.segment.index == interface &&
                 packet.sender_mac != said->second.segment.mac;
  if (foreign && packet.sender == packet.target) {
    if (contact) {
      // Not before a second after the last time: the other may do the same.
      said->second.to_say = std::max(said->second.to_say, 1);
    } else {
      log::warning("network", "another node announces " + ipv4_text(packet.sender) +
                                  ", and the control plane does not answer this one: it gives the address up");
      claims.erase(said);
    }
  }
  auto asked = claims.find(packet.target);
  if (packet.reply || asked == claims.end() || packet.sender == packet.target) return;
  const Segment& segment = asked->second.segment;
  if (segment.index != interface || packet.sender_mac == segment.mac) return;
  send_arp(segment, {true, segment.mac, packet.sender_mac, packet.target, packet.sender});
}

void Announcer::State::run() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    MonoTime now = read_clock().mono;
    begin_claims(now);
    int wait = say_due(now);
    lock.unlock();
    pollfd ready[] = {{wake.get(), POLLIN, 0}, {socket.get(), POLLIN, 0}};
    poll(ready, 2, wait);
    uint64_t count = 0;
    if (ready[0].revents != 0) [[maybe_unused]] ssize_t got = read(wake.get(), &count, sizeof count);
    lock.lock();
    char bytes[128];
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    for (int i = 0; i < 64 && ready[1].revents != 0; ++i) {
      ssize_t got = recvfrom(socket.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) break;
      if (from.sll_pkttype == PACKET_OUTGOING) continue;
      std::optional<ArpPacket> packet = parse_arp({bytes, static_cast<size_t>(got)});
      if (packet) hear(*packet, from.sll_ifindex);
    }
  }
}

Announcer::Announcer(std::string node) : state_(std::make_unique<State>(std::move(node))) {}

Announcer::~Announcer() {
  if (!state_->thread.joinable()) return;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->rouse();
  state_->thread.join();
}

Status Announcer::apply(const NetworkState& state) {
  std::map<uint32_t, Segment> wanted;
  if (state.announce) {
    for (const Segment& segment : read_segments()) {
      for (uint32_t address : announced_addresses(state, state_->node, segment)) wanted.emplace(address, segment);
    }
  }
  if (!wanted.empty()) RETURN_IF_ERROR(state_->open());
  {
    std::lock_guard lock(state_->mutex);
    std::erase_if(state_->claims, [&](const auto& claim) {
      auto now = wanted.find(claim.first);
      return now == wanted.end() || !(now->second == claim.second.segment);
    });
    state_->wanted = std::move(wanted);
  }
  if (state_->wake.open()) state_->rouse();
  return {};
}

void Announcer::in_contact(bool yes) {
  std::lock_guard lock(state_->mutex);
  bool news = state_->contact != yes;
  state_->contact = yes;
  if (news) state_->contact_since = read_clock().mono;
  if (news && state_->wake.open()) state_->rouse();
}

}  // namespace mainstay
