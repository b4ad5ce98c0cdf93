// A node that is only remembered: the four doors over maps that outlive every agent, in virtual time. Says what
// must never happen (two attempts of one container at once, a container without its image), and what is left.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "nodeagent/door_executor.h"
#include "schema/base/time.h"
#include "tests/nodeagent/crash_story.h"

namespace mainstay::test {

struct FakeWorld : StoryWorld {
  const std::string uid = "uid-story";  // of the story's pod
  std::mutex mutex;  // of everything below
  Now now{WallTime{std::chrono::hours{400000}}, MonoTime{std::chrono::seconds{1000}}};
  std::map<std::string, Image> images;
  std::set<std::string> layers;
  std::map<std::string, PodNetwork> networks;
  std::map<std::string, std::map<std::string, VolumeSpec>> volumes;  // by uid and name
  std::set<std::string> etc;
  std::map<std::string, SandboxSpec> sandboxes;
  std::map<ContainerKey, RuntimeContainer> containers;
  std::map<std::string, int> starts;  // of each container
  std::set<std::string> hooks;        // "post 0": the hook ran in the attempt
  bool ended = false;                 // a container has, and the agent was not told yet
  std::vector<std::string> faults;

  void end_first_attempt() override;
  std::string configuration() override;
  void end(RuntimeContainer& container, int code);
  // Whatever is still there, one line each.
  std::vector<std::string> left();
};

// The doors over a world.
struct FakeDoors {
  explicit FakeDoors(FakeWorld& world);
  ~FakeDoors();
  Doors doors();

 private:
  struct All;
  std::unique_ptr<All> all_;
};

}  // namespace mainstay::test
