#include "nodeagent/images/skopeo.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "nodeagent/disk.h"
#include "nodeagent/process.h"
#include "schema/base/lower.h"

namespace mainstay {
namespace {

bool mentions(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// A file without a name, which goes with whoever has it open: a login is on no disk, however we end.
Result<Fd> nameless_file(const std::string& bytes) {
  Fd fd(memfd_create("login", MFD_CLOEXEC));
  if (!fd.open()) return errno_error("making room for a login", errno);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t put = write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error("making room for a login", errno);
    done += static_cast<size_t>(put);
  }
  return fd;
}

}  // namespace

Error classify_skopeo(std::string_view said) {
  std::string message = said_in_log(said);
  std::string lower = lower_ascii(message);
  ErrorCode code = ErrorCode::kUnavailable;
  if (mentions(lower,
               {"manifest unknown", "name unknown", "repository name not known", "not found", "404"})) {
    code = ErrorCode::kNotFound;
  } else if (mentions(lower, {"unauthorized", "authentication required", "denied",
                              "invalid username/password", "403"})) {
    code = ErrorCode::kDenied;
  } else if (mentions(lower, {"no space left"})) {
    code = ErrorCode::kFull;
  } else if (mentions(lower, {"does not match", "unsupported image", "invalid tar", "unexpected eof",
                              "unsupported manifest", "no image found"})) {
    code = ErrorCode::kInvalid;
  }
  return error(code, message.empty() ? "skopeo failed without a word" : message);
}

Status copy_image(const SkopeoCopy& copy) {
  ProcessSpec spec;
  // The node's signature policy is respected; without one everything would be refused, so there is none then.
  bool has_policy = path_exists("/etc/containers/policy.json");
  spec.argv = {copy.program};
  if (!has_policy) spec.argv.push_back("--insecure-policy");
  spec.argv.insert(spec.argv.end(), {"--tmpdir", copy.scratch, "copy", "--quiet"});
  Fd login;
  if (!copy.login.empty()) {
    ASSIGN_OR_RETURN(login, nameless_file(copy.login));
    spec.descriptors = {{login.get(), 3}};
    spec.argv.insert(spec.argv.end(), {"--src-authfile", "/proc/self/fd/3"});
  }
  if (!copy.verify_tls) spec.argv.push_back("--src-tls-verify=false");
  spec.argv.insert(spec.argv.end(), {"--dest-shared-blob-dir", copy.shared_blobs, copy.source,
                                     "oci:" + copy.layout + ":image"});
  spec.env = plain_environment();
  // No credentials of the machine's users, and no files in their homes.
  for (const char* name : {"HOME=", "XDG_RUNTIME_DIR=", "DOCKER_CONFIG="})
    spec.env.push_back(name + copy.scratch);
  spec.timeout = copy.timeout;
  ASSIGN_OR_RETURN(ProcessResult result, run_process(spec));
  if (result.timed_out) {
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(copy.timeout).count();
    return error(ErrorCode::kTimeout, "not finished within " + std::to_string(seconds) + " s");
  }
  if (result.exit_code != 0) return classify_skopeo(result.err);
  return {};
}

}  // namespace mainstay
