#include "reconciler/api/request_parser.h"

// Debian builds the library with TLS, which changes the layout of httplib::Request: the header must agree.
#define CPPHTTPLIB_OPENSSL_SUPPORT
#include <httplib.h>

#include <cstring>

namespace mainstay::api {
namespace {

// Reads from memory; what the library would answer by itself is of interest only for its status.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view input) : input_(input) {}

  bool is_readable() const override { return !input_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    size_t take = std::min(size, input_.size());
    std::memcpy(to, input_.data(), take);
    input_.remove_prefix(take);
    return static_cast<ssize_t>(take);
  }
  ssize_t write(const char* bytes, size_t size) override {
    if (output_.size() < 64) output_.append(bytes, std::min<size_t>(size, 64));
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return 0; }

  // Of "HTTP/1.1 414 ..."; 400 when nothing was written.
  int status() const {
    if (output_.size() < 12 || output_.compare(0, 5, "HTTP/") != 0) return 400;
    int status = std::atoi(output_.c_str() + 9);
    return status >= 400 && status <= 599 ? status : 400;
  }

 private:
  std::string_view input_;
  std::string output_;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Headers the library adds to the client's own.
bool is_made_up(const std::string& name) {
  return name == "REMOTE_ADDR" || name == "REMOTE_PORT" || name == "LOCAL_ADDR" || name == "LOCAL_PORT";
}

}  // namespace

std::string decode_percent(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

NameValues parse_query(std::string_view text) {
  NameValues out;
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    size_t equals = std::min(pair.find('='), pair.size());
    out.emplace_back(decode_percent(pair.substr(0, equals), true),
                     decode_percent(pair.substr(std::min(equals + 1, pair.size())), true));
  }
  return out;
}

class RequestParser::Impl : private httplib::Server {
 public:
  Impl() {
    // Everything is taken over here, before the library routes or reads a body.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response&) {
      capture(request);
      return HandlerResponse::Handled;
    });
  }

  std::variant<Request, int> parse(std::string_view head) {
    seen_.reset();
    MemoryStream stream(head);
    bool closed = false;
    try {
      process_request(stream, true, closed, [](httplib::Request& request) {
        request.headers.erase("Expect");  // answered while framing
      });
    } catch (const std::exception&) {
      return 400;
    }
    if (!seen_) return stream.status();
    return std::move(*seen_);
  }

 private:
  void capture(const httplib::Request& from) {
    Request to;
    to.method = from.method;
    std::string_view target = from.target;
    target = target.substr(0, target.find('#'));
    size_t mark = std::min(target.find('?'), target.size());
    to.path = decode_percent(target.substr(0, mark), false);
    // The library drops a pair that stands twice, so the query is read here.
    to.query = parse_query(target.substr(std::min(mark + 1, target.size())));
    for (const auto& [name, value] : from.headers) {
      if (!is_made_up(name)) to.headers.emplace_back(name, value);
    }
    seen_ = std::move(to);
  }

  std::optional<Request> seen_;
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}
RequestParser::~RequestParser() = default;
std::variant<Request, int> RequestParser::parse(std::string_view head) { return impl_->parse(head); }

}  // namespace mainstay::api
