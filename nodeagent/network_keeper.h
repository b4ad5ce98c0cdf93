// NetworkKeeper: what the node knows of the cluster's network, and the thread that brings it about. Updates are
// taken in as they come; the newest state wins, is tried again with back-off while it fails, is repaired every
// few seconds, and is written down, so that an agent that starts while the control plane is away has it at once.
// The file may lag: its number says from where the control plane has to go on.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "nodeagent/node_network.h"
#include "nodeagent/node_paths.h"
#include "schema/agent_messages.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

class NetworkKeeper {
 public:
  struct Settings {
    Duration repair_every = std::chrono::seconds{5};
    Duration save_every = std::chrono::seconds{2};
    Duration first_retry = std::chrono::milliseconds{250};
    Duration longest_retry = std::chrono::seconds{30};
    // Told of each new state, also the one read at the start; on the thread that takes it in.
    std::function<void(const NetworkStatePtr&)> known;
    // Told of what keeps the network from being as it should, once it was met a second time: what passes by itself is
    // news for nobody. On the keeper's thread.
    std::function<void(const std::string&)> troubled;
  };

  // `network` must outlive the keeper.
  NetworkKeeper(NodePaths paths, NodeNetwork& network, Settings settings);
  ~NetworkKeeper();
  NetworkKeeper(const NetworkKeeper&) = delete;
  NetworkKeeper& operator=(const NetworkKeeper&) = delete;

  // Takes in what is on the disk and starts the thread.
  void start();
  // Writes down what is not yet, and ends the thread; the node's network stays. Idempotent.
  void stop();

  // Sets the part of `has` by which the control plane knows what to send.
  void present(AgentHas& has) const;
  // The number of the newest state.
  AssignmentNumber seen() const;

  // Whether it brought anything new. An update that cannot be read or does not follow is an error: the next one
  // asked for is a whole one. Any thread, one at a time.
  Result<bool> take(const NetworkUpdate& update);

 private:
  void run();
  void adopt(NetworkStatePtr state);
  void try_apply(const NetworkStatePtr& state, MonoTime now);
  void try_repair(MonoTime now);
  void note_trouble(const std::string& trouble);
  void note_health();
  void save(const NetworkStatePtr& state, MonoTime now);

  const NodePaths paths_;
  NodeNetwork& network_;
  const Settings settings_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  NetworkStatePtr newest_;  // null before the first
  bool ask_whole_ = false;
  bool stopping_ = false;
  std::thread thread_;

  // The thread's own.
  NetworkStatePtr tried_, applied_, saved_;
  MonoTime retry_at_, repair_at_, save_at_;
  Duration retry_;
  std::string trouble_;  // the last that was logged
  bool told_ = false;    // of it
};

}  // namespace mainstay
