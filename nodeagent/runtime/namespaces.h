// Linux namespaces kept alive by a bind mount instead of a process, so that a pod needs no pause container.
// A namespace is made in a thread of its own, which ends; nothing else of this process changes. Any thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schema/base/result.h"

namespace mainstay {

enum class NamespaceKind { kNet, kIpc, kUts };

struct NamespacePin {
  NamespaceKind kind;
  std::string path;  // a file that becomes the mount point; its directory exists
};

// Makes one new namespace per pin, unless every pin is already there. A network namespace has its loopback
// up, a UTS namespace has `hostname`. What a killed earlier attempt left half done is replaced.
Status pin_namespaces(const std::vector<NamespacePin>& pins, const std::string& hostname);

// True if the path is a pinned namespace (and not a file left over from before a reboot).
bool is_pinned(const std::string& path);

// Lets the namespace go and deletes the file; fine if there is none.
Status unpin_namespace(const std::string& path);

// Runs `work` in a thread that has entered a pinned network namespace. kNotFound: it is none.
Status in_network_namespace(const std::string& path, const std::function<Status()>& work);

// Mounts an overlay at `target`: `lower` are directory names below `layers_dir`, lowest first. Relative names
// keep 127 layers within the page the kernel allows for mount options.
Status mount_overlay(const std::string& layers_dir, const std::vector<std::string>& lower,
                     const std::string& upper, const std::string& work, const std::string& target);

}  // namespace mainstay
