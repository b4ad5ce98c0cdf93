// One non-blocking connection's bytes, plain or under TLS (OpenSSL), and the certificate it is served with.
// A SocketIo belongs to the event loop's thread; a TlsContext is immutable and may be shared.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "schema/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace mainstay::api {

// A server's certificate chain and key, ready for use. TLS 1.2 and later, HTTP/1.1 only.
class TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> from_pem(std::string_view chain_pem,
                                                            std::string_view key_pem);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class SocketIo;
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

class SocketIo {
 public:
  enum class State { kDone, kWantRead, kWantWrite, kClosed };
  struct Outcome {
    State state;
    size_t bytes = 0;  // with kDone
  };

  // Takes over `fd`, which must be non-blocking. `tls` may be null: plain bytes.
  SocketIo(int fd, std::shared_ptr<const TlsContext> tls);
  ~SocketIo();
  SocketIo(const SocketIo&) = delete;
  SocketIo& operator=(const SocketIo&) = delete;

  int fd() const { return fd_; }
  // Call until kDone before reading or writing.
  Outcome handshake();
  // At most `size` bytes; kClosed also stands for every error.
  Outcome read(char* to, size_t size);
  // A write that wanted to wait must be repeated with the same bytes, or with more behind them.
  Outcome write(const char* bytes, size_t size);
  // Tells the peer, as far as that is possible without waiting.
  void shut_down();

 private:
  Outcome tls_outcome(int result);

  int fd_;
  std::shared_ptr<const TlsContext> context_;
  ssl_st* ssl_ = nullptr;
  bool broken_ = false;  // TLS forbids saying goodbye after an error
};

}  // namespace mainstay::api
