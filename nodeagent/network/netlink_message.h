// Netlink messages as bytes, and asking the kernel's packet filter with them. Used by what libnftables has no words
// for, or too many. A socket stays in the network namespace it was opened in. One thread at a time per socket; calls
// block until the kernel has answered.
#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "nodeagent/disk.h"
#include "schema/base/result.h"

namespace mainstay {

Result<Fd> open_netfilter_socket();

// Attributes are padded to four bytes; a nested one holds attributes.
void add_attribute(std::string& out, uint16_t type, std::string_view payload);
void add_nested(std::string& out, uint16_t type, std::string_view attributes);
// With the zero at its end, as the kernel wants names.
void add_name(std::string& out, uint16_t type, const std::string& name);
// In network order, as numbers in attributes are.
void add_number(std::string& out, uint16_t type, uint32_t number);

// The payload of the first attribute of this type; empty if there is none.
std::string_view find_attribute(std::string_view attributes, uint16_t type);
// One call per attribute, in their order.
void each_attribute(std::string_view attributes, const std::function<void(uint16_t, std::string_view)>& each);

// Missing or too short: 0.
template <typename T>
T read_number(std::string_view payload) {
  T out{};
  if (payload.size() < sizeof out) return 0;
  std::memcpy(&out, payload.data(), sizeof out);
  if constexpr (sizeof out == 4) return ntohl(out);
  if constexpr (sizeof out == 2) return ntohs(out);
  return out;
}

struct NetfilterMessage {
  uint16_t type = 0;   // subsystem << 8 | message; the bare number of those that frame a batch
  uint16_t flags = 0;  // besides NLM_F_REQUEST
  uint8_t family = 2;  // AF_INET
  uint16_t resource = 0;
  std::string attributes;
};
std::string encode_message(const NetfilterMessage& message);

// Sends messages; what an earlier answer left unread is forgotten.
Status send_messages(const Fd& socket, std::string_view bytes);
// Reads one answer: every message's attributes until the kernel says it is done; without `many`, one message of a
// request that has only one answer. The kernel's error number as the error; kConflict for ERESTART and EINTR: what
// was asked about changed meanwhile.
Status read_answers(const Fd& socket, bool many, const std::function<void(std::string_view)>& each);

}  // namespace mainstay
