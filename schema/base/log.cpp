#include "schema/base/log.h"

#include "schema/base/shown.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace mainstay::log {
namespace {

spdlog::logger& logger() {
  static auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("mainstay", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarning: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

// Lines of one sentence stand below it, indented: no stranger's text can look like a sentence of ours.
void write(Level level, std::string_view part, std::string_view sentence) {
  logger().log(native(level), "{}: {}", part, shown(sentence, "\n  "));
}

void set_level(Level level) { logger().set_level(native(level)); }

}  // namespace mainstay::log
