// What the API offers, for clients that ask: groups, versions, resources and their verbs, in the old form
// (one document per group version) and the aggregated one. Made once from the list of kinds; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "reconciler/api/http.h"
#include "schema/base/result.h"

namespace mainstay::api {

class Discovery {
 public:
  // `version` is what /version says ("v1.33.0+mainstay"): a semantic version with a leading v.
  explicit Discovery(std::string_view version);

  // The answer to /api, /apis, /api/v1, /apis/{group}, /apis/{group}/{version}, /version and
  // /openapi/v2; a null body if the path is none of them.
  Response answer(const Request& request) const;

 private:
  struct Aggregated {
    Bytes v2, v2beta1;
  };
  Response api_root(const Request& request, const Aggregated& aggregated, const Bytes& legacy) const;

  Bytes version_, api_versions_, group_list_, openapi_v2_;
  Aggregated core_, groups_;
  std::map<std::string, Bytes, std::less<>> documents_;  // by path
};

}  // namespace mainstay::api
