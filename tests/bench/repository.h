// Git repositories of many manifests, made with the git command line, and the real reading of them with what
// each call cost. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gitsync/worker.h"
#include "reconciler/core/messages.h"
#include "schema/base/result.h"

namespace mainstay::bench {

using Files = std::vector<std::pair<std::string, std::string>>;  // path, bytes

// `count` manifests of about 1.5 KB in directories of a hundred: ConfigMaps, every fourth a Deployment without
// replicas.
Files manifest_tree(size_t count);
// One of its ConfigMaps, with another value in it.
std::pair<std::string, std::string> changed_config_map(size_t index, int edition);
// A Deployment of small pods.
std::string deployment_manifest(const std::string& name, size_t replicas);

// A bare repository with the branch main.
class Repository {
 public:
  static Result<Repository> create(const std::string& path);
  // Adds or replaces the files on top of main; the commit's id.
  Result<std::string> commit(const Files& files);
  const std::string& path() const { return path_; }

 private:
  explicit Repository(std::string path) : path_(std::move(path)) {}
  std::string path_;
  int commits_ = 0;
};

// A source that counts its calls and what tip() and fetch() cost.
struct SourceCost {
  uint64_t tips = 0, fetches = 0, reads = 0;
  Duration wall{0}, cpu{0};  // of tip() and fetch() together
};

// Source, mirror and reader of one repository.
class Reading {
 public:
  static Result<std::unique_ptr<Reading>> open(const Repository& repository, const std::string& mirrors);
  ~Reading();

  // One poll of the real reader; its report as the core takes it. Nothing if there is nothing new.
  Result<std::optional<SourceNews>> poll();
  // Of all polls so far.
  const SourceCost& cost() const;

 private:
  Reading();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay::bench
