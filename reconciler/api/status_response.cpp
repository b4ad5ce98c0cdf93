#include "reconciler/api/status_response.h"

namespace mainstay::api {
namespace {

// Length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629).
size_t utf8_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xC2 && first <= 0xDF ? 2 : first >= 0xE0 && first <= 0xEF ? 3
                : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  bool surrogate = first == 0xED && byte(1) > 0x9F;
  bool too_high = first == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || too_high ? 0 : length;
}

void add_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (out.back() != '{') out += ',';
  out += json_quote(name) + ":" + json_quote(value);
}

std::string details_json(const StatusDetails& details) {
  std::string out = "{";
  add_member(out, "name", details.name);
  add_member(out, "group", details.group);
  add_member(out, "kind", details.kind);
  add_member(out, "uid", details.uid);
  if (!details.causes.empty()) {
    if (out.back() != '{') out += ',';
    out += "\"causes\":[";
    for (const FieldCause& cause : details.causes) {
      if (out.back() != '[') out += ',';
      out += '{';
      add_member(out, "reason", cause.reason);
      add_member(out, "message", cause.message);
      add_member(out, "field", cause.field);
      out += '}';
    }
    out += ']';
  }
  if (details.retry_after_seconds > 0) {
    if (out.back() != '{') out += ',';
    out += "\"retryAfterSeconds\":" + std::to_string(details.retry_after_seconds);
  }
  return out + "}";
}

}  // namespace

std::string json_quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    char c = text.front();
    if (length > 1) out.append(text.substr(0, length));
    else if (c == '"' || c == '\\') (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c == '\r') out += "\\r";
    else if (static_cast<unsigned char>(c) < 0x20) ((out += "\\u00") += kHex[c >> 4]) += kHex[c & 15];
    else out += c;
    text.remove_prefix(length);
  }
  return out + '"';
}

std::string_view status_reason(int code) {
  switch (code) {
    case 400: return "BadRequest";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 405: return "MethodNotAllowed";
    case 406: return "NotAcceptable";
    case 409: return "Conflict";
    case 410: return "Expired";
    case 413: return "RequestEntityTooLarge";
    case 415: return "UnsupportedMediaType";
    case 422: return "Invalid";
    case 429: return "TooManyRequests";
    case 500: return "InternalError";
    case 501: return "NotImplemented";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return "";
  }
}

Response failure(int code, std::string_view reason, std::string_view message, StatusDetails details) {
  std::string body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)" +
                     json_quote(message);
  if (!reason.empty()) body += ",\"reason\":" + json_quote(reason);
  if (!details.empty()) body += ",\"details\":" + details_json(details);
  body += ",\"code\":" + std::to_string(code) + "}\n";
  Response response{code, "application/json", make_bytes(std::move(body)), {}};
  if (details.retry_after_seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(details.retry_after_seconds));
  }
  return response;
}

Response success(StatusDetails details, int code) {
  std::string body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success")";
  if (!details.empty()) body += ",\"details\":" + details_json(details);
  return Response{code, "application/json", make_bytes(body + "}\n"), {}};
}

}  // namespace mainstay::api
