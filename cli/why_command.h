// `mainstay why OBJECT`: owners up to the line in Git, conditions, what each node says about a waiting pod, events.
#pragma once

#include <string>

#include "cli/client_commands.h"

namespace mainstay {

// `object` as "pod/web", or the name of a pod.
int why_command(const ClientOptions& options, const std::string& object);

// The events about the object with this uid: a list of {"type","reason","message","count","last"}. Those about
// objects without a namespace ("") stand in "default".
Value events_about(const Client& client, const std::string& ns, const std::string& uid);
void print_events(const Value& events);

}  // namespace mainstay
