// Talking to a Git server through libgit2: one ref advertisement, one fetch. Knows credentials, host keys
// and certificates, and turns libgit2's errors into ours. Internal to gitsync/; the calling thread is the
// source's.
#pragma once

#include <string>
#include <vector>

#include "gitsync/network_guard.h"
#include "gitsync/ref_name.h"
#include "gitsync/remote_url.h"
#include "gitsync/source.h"

struct git_repository;

namespace mainstay {

// Initialises libgit2 and sets the process-wide options we rely on, once. Any thread.
void start_libgit2();

// libgit2's last error, as ours: the code by kind, the message without userinfo. `rc` is what the call
// returned.
Error last_git_error(int rc);

struct RemoteServer {
  RemoteUrl url;
  GitCredentials credentials;
  std::string proxy;
  SourceLimits limits;
};

// Whether the credentials and the proxy fit the address; kInvalid says what to set.
Status check_credentials(const SourceSpec& spec, const RemoteUrl& url);

// The bounds a guard must have for conversations with that server.
NetworkGuard::Bounds network_bounds(const RemoteServer& server, Duration total, uint64_t max_read);

// Both need a NetworkGuard on this thread, which they are given.
Result<std::vector<AdvertisedRef>> advertised_refs(const RemoteServer& server, NetworkGuard& guard);
Status fetch_refs(git_repository* into, const RemoteServer& server, const std::vector<std::string>& refspecs,
                  NetworkGuard& guard);

}  // namespace mainstay
