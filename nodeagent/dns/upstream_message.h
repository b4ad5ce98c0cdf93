// Answers of upstream name servers, read with ldns and believed only as far as they speak of what was asked.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "nodeagent/dns/dns_message.h"
#include "schema/base/result.h"

namespace mainstay {

struct UpstreamAnswer {
  DnsReply reply;  // answers: the chain of aliases from the question's name and what stands at its end
  bool truncated = false;  // the rest is to be had over TCP
};

// kInvalid: no answer to this question with this id, or malformed: somebody else's packet, so the right one
// may still come.
Result<UpstreamAnswer> parse_upstream_answer(std::string_view packet, uint16_t id,
                                             const DnsQuestion& question);

}  // namespace mainstay
