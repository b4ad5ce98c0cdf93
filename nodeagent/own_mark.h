// The mark of what the agent itself sends: to the control plane, and its name server's questions to upstreams. Our
// packet rules let it pass, so that no Service and no host port can cut the node off from where it learns of them.
#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace mainstay {

// None of those that kube-proxy, CNI plugins and VPNs are known to use.
inline constexpr uint32_t kOwnMark = 0x1053;
// What an nft chain says first, in nft's own words.
inline constexpr char kOwnMarkPasses[] = "meta mark 0x00001053 return";

// Before the socket is connected. Without CAP_NET_ADMIN nothing is marked: then there are no rules of ours either.
// Any thread.
inline void mark_as_own(int socket) {
  (void)::setsockopt(socket, SOL_SOCKET, SO_MARK, &kOwnMark, sizeof(kOwnMark));
}

}  // namespace mainstay
