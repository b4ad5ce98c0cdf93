// An application's cursor row: what is remembered of it beside the applied set, orders not yet carried out too.
// Its text is JSON, readable with the sqlite3 shell. Pure; any thread.
#pragma once

#include <string>

#include "reconciler/core/application.h"

namespace mainstay {

// The row of `application` as it stands.
CursorRow cursor_row(const std::string& application, const ApplicationState& state);
std::string cursor_text(const ApplicationState& state);
// Fills what cursor_text() wrote; an older or empty text leaves the rest as it is.
void read_cursor_text(const std::string& text, ApplicationState& state);

}  // namespace mainstay
