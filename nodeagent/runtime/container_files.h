// One container attempt on disk and in the kernel: what state it is in, its root file system, its removal.
// Used by the runtime door only. Any thread, one at a time per pod.
#pragma once

#include <string>

#include "nodeagent/doors.h"
#include "nodeagent/node_paths.h"
#include "nodeagent/runtime/records.h"

namespace mainstay {

// The record as written by start(). kNotFound: no such attempt; kCorrupt: unreadable (a power failure).
Result<ContainerRecord> load_container(const NodePaths& paths, const ContainerKey& key);
Status save_container(const NodePaths& paths, const ContainerRecord& record);

// Read from the kernel and the monitor's files, never from memory.
ProcessStatus observe_container(const NodePaths& paths, const ContainerRecord& record);

// Ends a running container whose monitor is gone: nobody reads its output any more, and nobody would tell its end.
// Its end is then one that nobody saw (ProcessStatus::exit_unknown), of now. kBusy: it does not die.
Status end_unwatched(const NodePaths& paths, const ContainerKey& key);

// Directories, overlay mount at bundle/rootfs. Repeatable.
Status make_root_filesystem(const NodePaths& paths, const ContainerKey& key,
                            const std::vector<std::string>& layers);

// A file of the container's root file system as the container would see it ("" if there is none).
std::string read_in_root(const std::string& rootfs, const std::string& path);

// Sends a signal to the first process, if it is still the container's.
Status signal_container(const NodePaths& paths, const ContainerRecord& record, int signal);

// SIGKILL to the first process (which takes its PID namespace with it) and everything in the cgroup.
Status kill_container(const NodePaths& paths, const ContainerKey& key);

// Kills what runs, ends the monitor, deletes runtime state, cgroup, mounts, bundle, writable layer. With
// `keep_log`, the log stays (for another try of the same attempt).
Status discard_container(const NodePaths& paths, const std::string& oci_runtime, const ContainerKey& key,
                         bool keep_log);
// The same for one that was not let go, or came to nothing: its record goes first, so that nobody who looks meanwhile
// takes the end of what was made for the end of a container that ran.
Status unmake_container(const NodePaths& paths, const std::string& oci_runtime, const ContainerKey& key,
                        bool keep_log);

}  // namespace mainstay
