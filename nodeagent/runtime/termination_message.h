// The last words of a container: the file mounted at its terminationMessagePath, else the end of its log.
// Source: k8s-semantics section 1.3; the kubelet's limits. Any thread.
#pragma once

#include <string>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"

namespace mainstay {

// The host's side of the mount.
std::string termination_message_file(const NodePaths& paths, const ContainerKey& key);

// Makes it, empty and writable for every user of the container.
Status make_termination_message_file(const NodePaths& paths, const ContainerKey& key);

// At most 4096 bytes of UTF-8; "" if there are none. `from_log`: without a message of its own, the last 80
// lines and at most 2048 bytes of the log.
std::string read_termination_message(const NodePaths& paths, const ContainerKey& key, bool from_log);

}  // namespace mainstay
