// Machines and pods made of network namespaces, with real sockets in them: a switch that joins machines into
// one segment, pods wired to a machine as the CNI plugin ptp does it, servers that answer with who they are
// and whom they see, and clients. Everything goes with the lab; nothing of this machine's own network is
// touched.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "schema/base/result.h"
#include "tests/nodeagent/edge_images.h"

namespace mainstay::test {

// Why a lab cannot be built here ("" if it can).
std::string why_no_lab();

class NetworkLab {
 public:
  NetworkLab();
  ~NetworkLab();
  NetworkLab(const NetworkLab&) = delete;
  NetworkLab& operator=(const NetworkLab&) = delete;

  // A namespace on segment `segment`, with an address such as "192.168.77.1/24" and forwarding on.
  void add_machine(const std::string& name, const std::string& address, const std::string& segment = "lan");
  // A namespace behind a machine; `gateway` is the machine's side of the pair.
  void add_pod(const std::string& name, const std::string& machine, const std::string& ip,
               const std::string& gateway);

  // Lines for `ip -batch` in a namespace. Fails the test if one fails.
  void ip(const std::string& name, const std::string& lines);
  // Runs a program in a namespace; its output.
  std::string run(const std::string& name, std::vector<std::string> argv);
  // Runs `work` in a thread that is in the namespace.
  Status inside(const std::string& name, const std::function<Status()>& work);
  const std::string& path(const std::string& name) const { return namespaces_.at(name); }

  // Answers "WHO CLIENT-IP\n" to each connection or datagram until the lab ends. `who` is the namespace's
  // name with the port: "a1:8080".
  void serve(const std::string& name, const std::string& ip, int port, int type);
  void serve_tcp(const std::string& name, const std::string& ip, int port);
  void serve_udp(const std::string& name, const std::string& ip, int port);

  // What the server answers to a fresh connection or datagram from the namespace; "refused", "timeout" or the
  // error's text. `wait_ms`: how long a silent one is waited for.
  std::string ask_tcp(const std::string& name, const std::string& ip, int port, int wait_ms = 3000);
  std::string ask_udp(const std::string& name, const std::string& ip, int port, int from_port = 0,
                      int wait_ms = 3000);

  // The answers of `times` connections, with how often each came.
  std::map<std::string, int> poll_tcp(const std::string& name, const std::string& ip, int port, int times);

 private:
  void make_namespace(const std::string& name);
  std::string ask(const std::string& name, const std::string& ip, int port, int type, int from_port,
                  int wait_ms);

  TempDir temp_;
  std::map<std::string, std::string> namespaces_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> servers_;
  int devices_ = 0;
};

}  // namespace mainstay::test

// Leaves the test with the reason where namespaces cannot be made.
#define NEEDS_LAB()                                    \
  do {                                                 \
    std::string reason_ = mainstay::test::why_no_lab(); \
    if (!reason_.empty()) {                            \
      WARN("SKIPPED: " << reason_);                    \
      return;                                          \
    }                                                  \
  } while (false)
