// Names inside a Git tree, which whoever pushes chooses freely. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

// A name no honest tree has ("..", "a/b", control characters); it could mislead whoever reads it in a
// message.
bool is_bad_name(std::string_view name);

// `name`, at most 255 bytes, with what could garble a line of text replaced.
std::string printable(std::string_view name);

// Where a link in `directory` leads inside the tree, "" being its root; nothing if it leaves the tree.
std::optional<std::string> link_target(std::string_view directory, std::string_view link);

}  // namespace mainstay
