// A directory of the test's own, gone with it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "schema/base/ensure.h"

namespace mainstay {

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/mainstay-store-XXXXXX";
    ENSURE(mkdtemp(name) != nullptr, "/tmp can be written");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace mainstay
