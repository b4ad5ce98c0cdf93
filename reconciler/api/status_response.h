// Kubernetes' Status object as an answer: how every error of the API is said. Pure; any thread.
// Shape and wording: API conventions, "Response Status Kind"; apimachinery api/errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconciler/api/http.h"

namespace mainstay::api {

struct FieldCause {
  std::string reason;   // "FieldValueInvalid"
  std::string message;
  std::string field;
};

struct StatusDetails {
  std::string name;
  std::string group;
  std::string kind;     // the plural resource, except for Invalid: the kind
  std::string uid;
  std::vector<FieldCause> causes;
  int retry_after_seconds = 0;  // also sent as a header when positive

  bool empty() const {
    return name.empty() && group.empty() && kind.empty() && uid.empty() && causes.empty() &&
           retry_after_seconds == 0;
  }
};

// {"kind":"Status","status":"Failure",...} with the HTTP status `code`.
Response failure(int code, std::string_view reason, std::string_view message, StatusDetails details = {});
// {"kind":"Status","status":"Success",...} with HTTP status 200 or `code`.
Response success(StatusDetails details = {}, int code = 200);

// The reason word for a bare HTTP status ("NotFound" for 404); "" if there is none.
std::string_view status_reason(int code);

// `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace mainstay::api
