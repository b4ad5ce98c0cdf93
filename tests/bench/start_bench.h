// The children of the benchmarks about starts and memory: a process of their own, because what they measure is
// one. `mainstay_bench --child WORD ARGUMENT...` runs them.
#pragma once

#include <string>
#include <vector>

namespace mainstay::bench {

// fill DIR PODS CONFIGMAPS: makes a store with so many of them, all pods running, and kills itself with SIGKILL.
// start DIR: opens the store, turns until all is quiet, prints one line of JSON and kills itself likewise.
// The exit code, if it comes to that.
int run_child(const std::vector<std::string>& words);

}  // namespace mainstay::bench
