// What our own endpoints, /agent/ and /mainstay/, share: paths in pieces and JSON in and out. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "reconciler/api/http.h"
#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay::api {

// "/a//b" -> {"a", "b"}; views into `path`.
std::vector<std::string_view> segments_of(std::string_view path);

// The body as a JSON object; an absent one is an empty map. kInvalid with a sentence.
Result<Value> json_body(const Request& request);
Response json_response(const Value& value, int status = 200);
// 405.
Response wrong_method();

}  // namespace mainstay::api
