// For tests of the API server: temporary directories, plain client sockets, the curl program.
#pragma once

#include <string>
#include <string_view>

namespace mainstay::test {

// Made under /tmp, removed with all its contents at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A TCP connection to 127.0.0.1 that gives up after 20 seconds.
class Client {
 public:
  explicit Client(int port, int receive_buffer = 0);
  ~Client();
  Client(Client&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False if the server has closed.
  bool send(std::string_view bytes);
  // Reads until `end` has been seen (and returns all up to it), or the connection ends or times out.
  std::string read_until(std::string_view end);
  // One response with Content-Length: head and body.
  std::string read_response();
  // Reads until the server closes; "<timeout>" is appended if it does not.
  std::string read_all();
  void close();
  int fd() const { return fd_; }

 private:
  bool fill();
  int fd_;
  std::string pending_;
  bool timed_out_ = false;
};

struct ProgramResult {
  int status = -1;
  std::string output;  // standard output and error
};
// Runs a shell command.
ProgramResult run_program(const std::string& command);
bool have_program(const std::string& name);

size_t thread_count();  // of this process
// Waits up to 20 seconds for a condition.
template <typename Condition>
bool eventually(Condition condition);
void pause_briefly();

template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    pause_briefly();
  }
  return false;
}

}  // namespace mainstay::test
