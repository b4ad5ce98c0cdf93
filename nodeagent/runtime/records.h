// What the runtime writes down about a sandbox and a container before it makes them, so that list() can name
// whatever it finds after a kill -9 at any point. Pure: text in and out.
#pragma once

#include <string>
#include <string_view>

#include "nodeagent/doors.h"

namespace mainstay {

struct ContainerRecord {
  RuntimeContainer container;  // all but status and id
  std::string stop_signal;     // as the image says it
  bool host_pid = false;         // its PID namespace does not end with it: the host's, or the pod's
  bool message_from_log = false;
  WallTime started_at;         // zero until it is known
};

std::string encode_record(const SandboxSpec& spec);
Result<SandboxSpec> decode_sandbox_record(std::string_view text);

std::string encode_record(const ContainerRecord& record);
Result<ContainerRecord> decode_container_record(std::string_view text);

// "SIGTERM", "TERM", "15", "RTMIN+3" ...; SIGTERM for "" and for what it does not know.
int signal_number(std::string_view name);

}  // namespace mainstay
