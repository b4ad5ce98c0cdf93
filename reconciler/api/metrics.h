// What the server tells a Prometheus that asks: requests counted here, all else read when it asks. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/time.h"

namespace mainstay::api {

class Metrics {
 public:
  struct Sample {
    std::string name;     // "mainstay_objects"
    std::string help;
    bool counter = false;  // else a gauge
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
  };

  Metrics();
  ~Metrics();

  // One finished request. `verb` and `resource` come from a bounded set.
  void count_request(std::string_view verb, std::string_view resource, int status, Duration took);
  // Asked at each scrape. Before serving only.
  void add_source(std::function<std::vector<Sample>()> source);
  // The text format, version 0.0.4.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay::api
