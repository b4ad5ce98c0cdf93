// hostPort: ports of the node that lead to its pods, as an nft table of its own that changes element by element.
//
//   at, any           -> maps: (address, protocol, port), or (protocol, port) on every address of the node, to the
//                        pod's address and port
//   kept              -> where the cluster itself answers (kept_addresses.h): nothing leads away from there
//   prerouting, output -> what comes from outside, and from the node itself (not from 127/8, which is not routed, and
//                        not what the agent sends, own_mark.h)
//   postrouting       -> a pod that reaches itself is masqueraded, so that the answer comes back this way
//
// The table exists while some pod has such a port. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "nodeagent/doors.h"
#include "nodeagent/network/nft_table.h"
#include "schema/base/result.h"

namespace mainstay {

// What leads to one pod.
struct PodPorts {
  std::string ip;
  std::vector<PodHostPort> ports;
  bool operator==(const PodPorts&) const = default;
};

// The table's content; of two pods that claim one port, the first by uid has it. Pure.
NftTable host_port_table(const std::map<std::string, PodPorts>& pods, const std::vector<KeptAddress>& kept = {});

class HostPorts {
 public:
  // `pods`: what is so already, by uid; repair() brings it about.
  HostPorts(std::string table, std::map<std::string, PodPorts> pods)
      : table_(std::move(table)), pods_(std::move(pods)) {}

  // On return, exactly these ports lead to the pod; none with an empty list.
  Status set(const std::string& uid, PodPorts ports);
  // On return no port leads away from these, and of those before only if they are among them.
  Status keep_clear(std::vector<KeptAddress> kept);
  // Loads the table anew if it is not as it should be; returns whether it was not.
  Result<bool> repair();
  // Takes the table away.
  Status remove();

 private:
  Status bring(const NftTable& want);

  const std::string table_;
  std::mutex mutex_;
  std::map<std::string, PodPorts> pods_;
  std::vector<KeptAddress> kept_;
  bool looked_ = false;  // what an agent before has left is known
  NftTable have_;    // what the kernel was given
  NftListing said_;  // its own words for that
};

}  // namespace mainstay
