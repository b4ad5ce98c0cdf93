// What form of answer a client accepts, and what form its body has. Pure; any thread.
// Rules: RFC 9110 section 12.5.1 in the simple way Kubernetes reads it: the first range that we can serve wins.
#pragma once

#include <string>
#include <string_view>

#include "reconciler/api/http.h"

namespace mainstay::api {

enum class Form {
  kNone,        // nothing we could serve: 406
  kJson,
  kTable,       // meta.k8s.io Table
  kPartial,     // PartialObjectMetadata
  kDiscovery,   // APIGroupDiscoveryList
};

struct Accepted {
  Form form = Form::kJson;
  std::string version;  // "v1", "v1beta1"; "v2", "v2beta1" of a discovery document
};

// For objects and lists of objects.
Accepted accept_objects(std::string_view accept);
// For /api and /apis.
Accepted accept_discovery(std::string_view accept);

// What part of each object a Table's rows carry.
enum class RowObject { kMetadata, kWhole, kNone };
RowObject row_object(const Request& request);

enum class BodyType { kJson, kYaml, kProtobuf, kUnknown };
// By Content-Type; none given is JSON or YAML, whatever it looks like (kubectl's PUT of a scale has none).
BodyType body_type(const Request& request);

// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type);

}  // namespace mainstay::api
