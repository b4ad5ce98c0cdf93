// What a benchmark is: a function that sets something up, measures it beside a limit of the same run, and says
// which ratios must hold. main.cpp runs them, watches the machine's steal and prints JSON. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"
#include "schema/value.h"

namespace mainstay::bench {

struct Setting {
  std::string program;   // this program's own path, for child processes
  bool quick = false;    // sizes divided by 20, one repetition: shows that it works, measures nothing

  size_t sized(size_t full) const { return quick ? std::max<size_t>(full / 20, 20) : full; }
  int repetitions(int full) const { return quick ? 1 : full; }
};

// A bar of issue "tests and bars": `value` at most, or at least, `bound`.
struct Gate {
  std::string what;
  double value = 0;
  double bound = 0;
  bool at_most = true;

  bool holds() const { return at_most ? value <= bound : value >= bound; }
};

struct Finding {
  Value values = Value::map();    // ours; units stand in the names
  Value limits = Value::map();    // measured in the same run
  Value expected = Value::map();  // what we expect to see on a quiet machine; no gate
  std::vector<Gate> gates;
};

struct Benchmark {
  std::string_view name;
  std::string_view what;
  Result<Finding> (*run)(const Setting& setting);
};

Result<Finding> bench_cold_tree(const Setting& setting);
Result<Finding> bench_one_file(const Setting& setting);
Result<Finding> bench_noop_poll(const Setting& setting);
Result<Finding> bench_scale_up(const Setting& setting);
Result<Finding> bench_placement(const Setting& setting);
Result<Finding> bench_restart(const Setting& setting);
Result<Finding> bench_memory(const Setting& setting);
Result<Finding> bench_empty_start(const Setting& setting);
Result<Finding> bench_node(const Setting& setting);
Result<Finding> bench_dns(const Setting& setting);
Result<Finding> bench_network_stream(const Setting& setting);
Result<Finding> bench_service_rules(const Setting& setting);

// The middle one; the mean of the two middle ones of an even number. Requires one at least.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values.at(half) : (values.at(half - 1) + values.at(half)) / 2;
}

inline double milliseconds(Duration span) { return static_cast<double>(span.count()) / 1e3; }
inline double seconds(Duration span) { return static_cast<double>(span.count()) / 1e6; }

// CPU time used so far.
Duration process_cpu();
Duration thread_cpu();

}  // namespace mainstay::bench
