// The first process of a PID namespace that the containers of a pod share: it only has to be there, and to reap
// what loses its parent. A namespace of this kind cannot be kept by a mount alone, as the others are. It
// outlives this process; a file names it. Any thread, one at a time per pod.
#pragma once

#include <string>

#include "schema/base/result.h"

namespace mainstay {

// Makes the namespace, pinned at `pin`, and its first process, named in the file `record`; nothing to do if
// both are there. What a killed earlier attempt left is replaced. kUnsupported: the machine has no `sleep`.
Status make_pause(const std::string& record, const std::string& pin);

// True if that process lives and the pin is of its namespace.
bool pause_alive(const std::string& record, const std::string& pin);

// Ends the process, and with it everything in its namespace, and removes both files. Fine if there is nothing.
Status end_pause(const std::string& record, const std::string& pin);

}  // namespace mainstay
