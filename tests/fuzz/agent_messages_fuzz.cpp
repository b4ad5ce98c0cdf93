// Any bytes as a message between control plane and agent: no crash, and what is understood is written and
// understood again as the same. The first byte says which message it is.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/agent_messages.h"
#include "schema/base/ensure.h"
#include "schema/network_state.h"

using namespace mainstay;

namespace {

template <typename Message, typename Decode>
void check(std::string_view json, Decode decode_message) {
  Result<Message> first = decode_message(json);
  if (!first.ok()) return;
  std::string written = encode(*first);
  Result<Message> second = decode_message(written);
  ENSURE(second.ok(), "a written message is understood");
  ENSURE(encode(*second) == written, "a message is written in one way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: check<Assignment>(json, decode_assignment); break;
    case 1: check<NodeReport>(json, decode_node_report); break;
    case 2: check<AgentPollAnswer>(json, decode_poll_answer); break;
    default: {
      check<NetworkUpdate>(json, decode_network_update);
      Result<NetworkUpdate> update = decode_network_update(json);
      if (update.ok()) (void)applied(NetworkState{}, *update).ok();
    }
  }
  return 0;
}
