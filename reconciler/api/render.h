// Objects as clients asked to see them: whole, as metadata only, or as the rows of a table. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reconciler/api/negotiate.h"
#include "schema/object.h"

namespace mainstay::api {

struct Rendering {
  Accepted accepted;
  RowObject rows = RowObject::kMetadata;
  WallTime now;  // for ages

  // Two renderings with equal keys give equal bytes (ages apart).
  std::string key() const;
};

Rendering rendering_of(const Request& request, WallTime now);

std::string render_object(const Object& object, const Rendering& how);

// A list, object by object.
class ListRenderer {
 public:
  ListRenderer(const KindInfo& info, Rendering how);
  void add(const Object& object);
  size_t count() const { return count_; }
  // `remaining` is sent with a token only.
  std::string finish(uint64_t version, std::string_view continue_token, std::optional<size_t> remaining);

 private:
  const KindInfo& info_;
  Rendering how_;
  std::string items_;
  size_t count_ = 0;
};

// One line of a watch: {"type":"ADDED","object":{...}}. `version` is the change's, also for DELETED.
std::string render_event(std::string_view type, const Object& object, uint64_t version, const Rendering& how);
// With `initial_end` the bookmark that ends the initial events of a streaming list.
std::string render_bookmark(const KindInfo& info, uint64_t version, bool initial_end);

}  // namespace mainstay::api
