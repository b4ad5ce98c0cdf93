// The OpenAPI v2 document in protobuf (openapi.v2.Document of gnostic's openapiv2.proto). kubectl before
// 1.27 reads in it whether a kind's PATCH takes dryRun and fieldValidation; schemas are not in it (OpenAPI
// v3 has them), and every kubectl does without. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mainstay::api {

std::string openapi_v2(std::string_view version);

}  // namespace mainstay::api
