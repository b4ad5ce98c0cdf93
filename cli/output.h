// What commands print: values as JSON or YAML, columns for people, one sentence on standard error.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/value.h"

namespace mainstay {

// "mainstay: <the error's sentence>" on standard error; 1, for the exit code.
int complain(const Error& error);

// True if `output` is "json" or "yaml" and the value was printed so.
bool print_structured(const Value& value, std::string_view output);

// With the first row as the heading, columns as wide as they need.
void print_columns(const std::vector<std::vector<std::string>>& rows);

// A text or number at a path; "" if there is neither.
std::string text_at(const Value& value, std::initializer_list<std::string_view> path);
// The list at a path; an empty one if there is none.
const ValueList& list_at(const Value& value, std::initializer_list<std::string_view> path);

}  // namespace mainstay
