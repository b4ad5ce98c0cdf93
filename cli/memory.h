// How the process holds the memory it does not use at the moment.
#pragma once

namespace mainstay {

// Gives unused pages back to the system soon instead of keeping them for the next burst: for a node's agent, whose
// machine is there for its pods. Nothing without jemalloc (sanitized builds). Call it before threads start.
void keep_little_memory();

}  // namespace mainstay
