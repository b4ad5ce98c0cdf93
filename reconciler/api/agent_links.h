// AgentLinks: the connections of the nodes' agents, all of which the agents open. An agent's long poll waits
// here until its assignment has changed or someone wants a stream (logs) from it; the stream it then dials is
// joined to the client who asked. One thread; polls and streams hold none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "reconciler/api/http.h"
#include "reconciler/core/messages.h"
#include "schema/agent_messages.h"
#include "schema/base/time.h"

namespace mainstay::api {

// The protocol of the upgraded connection on which an agent sends a stream's bytes.
inline constexpr const char* kStreamProtocol = "mainstay-stream";

class AgentLinks {
 public:
  struct Limits {
    Duration longest_poll = std::chrono::seconds(300);
    Duration dial_within = std::chrono::seconds(15);  // from the client's request to the agent's dial
    size_t streams_per_node = 128;                    // asked for and not yet dialled
  };

  explicit AgentLinks(std::shared_ptr<const Publication> first) : AgentLinks(std::move(first), Limits()) {}
  AgentLinks(std::shared_ptr<const Publication> first, Limits limits);
  ~AgentLinks();
  AgentLinks(const AgentLinks&) = delete;
  AgentLinks& operator=(const AgentLinks&) = delete;

  // In order. Any one thread; returns at once.
  void publish(std::shared_ptr<const Publication> publication);

  // Answered with an AgentPollAnswer: at once if the node's assignment or the cluster's network is newer than what
  // it has, or of another epoch, or a stream is wanted; else when that happens, at the latest after `wait`. A
  // later poll of the same node ends an earlier one. Any thread.
  Reply poll(std::string node, AgentHas has, Duration wait);

  // Answered with the stream's bytes as text once the agent dials. Any thread; the request's id is set here.
  Reply open_stream(std::string node, StreamRequest request);
  // The agent dials stream `id`: 101 and raw bytes up, or 404.
  Reply dial(std::string node, uint64_t id);
  // The agent cannot serve stream `id`: its client gets `status` and `message`.
  Response refuse(std::string node, uint64_t id, int status, std::string message);

  // Network updates put together since the start: one per number that nodes asked from, however many ask.
  uint64_t network_updates() const;

  // Polls are answered empty, streams end. Joins the thread. Idempotent.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::api
