// From a request's body to a Value or a typed object, with Kubernetes' rules for what is unknown in it.
// Pure; any thread.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "reconciler/api/http.h"
#include "reconciler/core/messages.h"
#include "schema/object.h"

namespace mainstay::api {

// ?fieldValidation=; absent is Warn. Nothing if it is another word.
std::optional<FieldValidation> field_validation(const Request& request);

struct DecodedBody {
  Value value;
  std::vector<std::string> warnings;
};
// JSON, YAML (one document) or protobuf. `type` describes the fields beside apiVersion, kind and metadata of a
// protobuf body; it may be null where none is expected. An empty body is null. Otherwise the 400 or 415.
std::variant<DecodedBody, Response> decode_body(const Request& request, const TypeDesc* type,
                                                FieldValidation validation);

struct DecodedObject {
  Object object;
  std::vector<std::string> warnings;
};
// An object of `info`; apiVersion and kind may be missing and must agree otherwise.
std::variant<DecodedObject, Response> decode_object_body(const Request& request, const KindInfo& info,
                                                         FieldValidation validation);

}  // namespace mainstay::api
