// OpenSSH's known_hosts: is this the server's key? (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".) Host patterns,
// "[host]:port", negation, hashed names and @revoked are understood; @cert-authority lines are passed over,
// for we do not speak host certificates. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mainstay {

enum class HostKeyVerdict : uint8_t {
  kKnown,
  kUnknownHost,  // no line names the host
  kOtherType,    // the host is there, but only with keys of other types
  kChanged,      // the host is there with another key of this type
  kRevoked,
};

// `key` is the server's public key in SSH wire form, which begins with the name of its type.
HostKeyVerdict check_host_key(std::string_view known_hosts, std::string_view host, uint16_t port,
                              std::string_view key);

// "ssh-ed25519"; "" if `key` is no SSH wire form.
std::string host_key_type(std::string_view key);

// "SHA256:..." as ssh-keygen -l prints it.
std::string host_key_fingerprint(std::string_view key);

}  // namespace mainstay
