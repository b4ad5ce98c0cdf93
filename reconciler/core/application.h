// The application controller: one source + path + destination + policy, kept as its target commit says.
// Level-based: it looks at the newest accepted desired set, the last applied one and what is, and makes the
// difference go away; a newer commit supersedes an older one at once. Core thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/core/messages.h"
#include "schema/base/time.h"

namespace mainstay {

struct ApplicationSettings {
  std::string name = "root";
  std::string ns = "mainstay";         // where the Application object lives
  std::string repo_url;                // without userinfo
  std::string target_revision;         // branch, tag or commit
  std::string path = ".";
  std::string destination_ns = "default";
  bool automated = true;
  bool prune = true;
  bool self_heal = true;
  bool warn_only = false;              // fieldValidation Warn
  Duration progress_deadline{std::chrono::minutes{10}};  // after which a rollout counts as failed
};

}  // namespace mainstay
