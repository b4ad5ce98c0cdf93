// What stands in a commit message: its subject and its trailers. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mainstay {

using Trailers = std::vector<std::pair<std::string, std::string>>;

// The first line that is not empty, at most 200 bytes, cut between characters, without control characters.
std::string commit_subject(std::string_view message);

// "Key: value" lines of the last paragraph, in order; none if that paragraph is the subject or holds a
// line that is no trailer (git interpret-trailers' rule without its tolerance for foreign lines).
Trailers commit_trailers(std::string_view message);

}  // namespace mainstay
