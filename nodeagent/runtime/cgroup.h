// The cgroup hierarchies of the node (v1, v2 or both side by side), for looking and cleaning; limits are set
// by the OCI runtime. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

enum class CgroupMode { kV1, kV2, kHybrid };

CgroupMode cgroup_mode();

// The existing directories of a cgroup path ("/mainstay/uid") in every hierarchy.
std::vector<std::string> cgroup_dirs(const std::string& path);

// Removes the cgroup and those below it in every hierarchy; fine if there is none. kBusy: processes are in
// it.
Status remove_cgroup(const std::string& path);

// Processes in exactly this cgroup.
std::vector<int64_t> cgroup_processes(const std::string& path);

// Whether a process is in this cgroup in some hierarchy; false if there is no such process, or it has ended. This is
// how a recorded process id is told from a later one with the same number.
bool process_in_cgroup(int64_t pid, const std::string& path);

// SIGKILL for every process in exactly this cgroup.
void kill_processes(const std::string& path);
// The same until none is left. kBusy: some are after ten seconds.
Status end_processes(const std::string& path);

}  // namespace mainstay
