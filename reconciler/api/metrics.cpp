#include "reconciler/api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace mainstay::api {

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("mainstay_api_requests_total")
          .Help("Requests answered, by verb, resource and status.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("mainstay_api_request_seconds")
          .Help("Time from a whole request to its answer, without streams.")
          .Register(registry);
  std::vector<std::function<std::vector<Sample>()>> sources;
};

namespace {

const prometheus::Histogram::BucketBoundaries kBuckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                          0.1,    0.25,  0.5,    1,     2.5,  10};

prometheus::MetricFamily& family_of(std::map<std::string, prometheus::MetricFamily>& families,
                                    const Metrics::Sample& sample) {
  prometheus::MetricFamily& family = families[sample.name];
  family.name = sample.name;
  family.help = sample.help;
  family.type = sample.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  return family;
}

}  // namespace

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view verb, std::string_view resource, int status, Duration took) {
  std::string v(verb), r(resource);
  state_->requests.Add({{"verb", v}, {"resource", r}, {"code", std::to_string(status)}}).Increment();
  state_->durations.Add({{"verb", v}}, kBuckets).Observe(std::chrono::duration<double>(took).count());
}

void Metrics::add_source(std::function<std::vector<Sample>()> source) {
  state_->sources.push_back(std::move(source));
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> all = state_->registry.Collect();
  std::map<std::string, prometheus::MetricFamily> families;
  for (const auto& source : state_->sources) {
    for (const Sample& sample : source()) {
      prometheus::ClientMetric metric;
      for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
      if (sample.counter) metric.counter.value = sample.value; else metric.gauge.value = sample.value;
      family_of(families, sample).metric.push_back(std::move(metric));
    }
  }
  for (auto& [name, family] : families) all.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace mainstay::api
