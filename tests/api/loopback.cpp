#include "tests/api/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace mainstay::test {

TemporaryDirectory::TemporaryDirectory() {
  char name[] = "/tmp/mainstay-api-XXXXXX";
  if (!mkdtemp(name)) std::abort();
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Client::Client(int port, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  timeval limit{20, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

Client::~Client() { close(); }

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool Client::fill() {
  char buffer[64 << 10];
  ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) timed_out_ = true;
  if (got <= 0) return false;
  pending_.append(buffer, static_cast<size_t>(got));
  return true;
}

std::string Client::read_until(std::string_view end) {
  while (pending_.find(end) == std::string::npos) {
    if (!fill()) break;
  }
  size_t at = pending_.find(end);
  size_t take = at == std::string::npos ? pending_.size() : at + end.size();
  std::string out = pending_.substr(0, take);
  pending_.erase(0, take);
  return out;
}

std::string Client::read_response() {
  std::string head = read_until("\r\n\r\n");
  size_t at = head.find("Content-Length: ");
  if (at == std::string::npos) return head;
  size_t length = std::strtoul(head.c_str() + at + 16, nullptr, 10);
  while (pending_.size() < length) {
    if (!fill()) break;
  }
  std::string body = pending_.substr(0, length);
  pending_.erase(0, body.size());
  return head + body;
}

std::string Client::read_all() {
  while (fill()) {
  }
  std::string out;
  out.swap(pending_);
  return timed_out_ ? out + "<timeout>" : out;
}

ProgramResult run_program(const std::string& command) {
  ProgramResult result;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return result;
  char buffer[4096];
  while (size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) result.output.append(buffer, got);
  int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

bool have_program(const std::string& name) {
  return run_program("command -v " + name + " >/dev/null").status == 0;
}

size_t thread_count() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

void pause_briefly() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

}  // namespace mainstay::test
