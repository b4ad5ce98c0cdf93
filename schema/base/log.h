// One line of log per fact, to standard error: time, level, part, sentence. Never give it a secret.
// Any thread. Decision code does not log: it returns notes and events that the edges print.
#pragma once

#include <string_view>

namespace mainstay::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// `part` is a short word for who speaks ("journal", "git", "agent").
void write(Level level, std::string_view part, std::string_view sentence);

inline void debug(std::string_view part, std::string_view text) { write(Level::kDebug, part, text); }
inline void info(std::string_view part, std::string_view text) { write(Level::kInfo, part, text); }
inline void warning(std::string_view part, std::string_view text) { write(Level::kWarning, part, text); }
inline void error(std::string_view part, std::string_view text) { write(Level::kError, part, text); }

// Lines below `level` are dropped from now on. The default is kInfo.
void set_level(Level level);

}  // namespace mainstay::log
