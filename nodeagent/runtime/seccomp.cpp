#include "nodeagent/runtime/seccomp.h"

#include <string>

#include "schema/json.h"

namespace mainstay {
namespace {

// Names are those of the kernel's system call tables, of all architectures: a runtime passes over those that
// its machine does not have. Left out is what reaches beyond a container (keys, modules, clocks, swap, quotas,
// raw ports), what breaks namespaces (mounts, setns, unshare), and what has a record of holes (userfaultfd,
// io_uring, bpf, perf events).
constexpr std::string_view kAllowed =
    "accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64 arm_sync_file_range bind breakpoint brk "
    "cachestat cacheflush capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64 clock_getres "
    "clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range "
    "connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait "
    "epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat "
    "faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 "
    "fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 "
    "fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait "
    "futex_waitv futex_wake futimesat get_robust_list get_thread_area get_tls getcpu getcwd getdents getdents64 "
    "getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid "
    "getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit "
    "getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat "
    "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents "
    "io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill "
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat "
    "listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 "
    "madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock "
    "mlock2 mlockall mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive "
    "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd "
    "msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 "
    "pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 "
    "prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 ptrace pwrite64 pwritev "
    "pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
    "remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall riscv_flush_icache "
    "riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
    "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo s390_guarded_storage "
    "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr sched_get_priority_max sched_get_priority_min "
    "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
    "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield "
    "seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg "
    "sendto set_robust_list set_thread_area set_tid_address set_tls setfsgid setfsgid32 setfsuid setfsuid32 "
    "setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid "
    "setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr "
    "setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn "
    "socketcall socketpair splice stat stat64 statfs statfs64 statmount statx swapcontext symlink symlinkat "
    "sync sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time timer_create timer_delete "
    "timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
    "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 "
    "ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice "
    "wait4 waitid waitpid write writev";

struct WithCapability {
  std::string_view capability;
  std::string_view calls;
};

constexpr WithCapability kPrivileged[] = {
    {"SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount "
     "open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 "
     "unshare"},
    {"BPF", "bpf"},
    {"DAC_READ_SEARCH", "open_by_handle_at"},
    {"PERFMON", "perf_event_open"},
    {"SYSLOG", "syslog"},
    {"SYS_BOOT", "reboot"},
    {"SYS_CHROOT", "chroot"},
    {"SYS_MODULE", "delete_module finit_module init_module"},
    {"SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"SYS_PACCT", "acct"},
    {"SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev"},
    {"SYS_RAWIO", "ioperm iopl"},
    {"SYS_TIME", "clock_settime clock_settime64 settimeofday stime"},
    {"SYS_TTY_CONFIG", "vhangup"},
};

// Flags of clone(2) that make namespaces: all but those of threads and processes.
constexpr int64_t kNamespaceFlags = 0x7E020000;
constexpr int64_t kNotImplemented = 38;  // ENOSYS: the C library then does without clone3
constexpr int64_t kNotPermitted = 1;
// Address families that reach the kernel's cipher interface and the hypervisor.
constexpr int64_t kFamilyAlg = 38, kFamilyVsock = 40;
// What personality(2) may be told: nothing, the question, and old Linux behaviours.
constexpr int64_t kPersonalities[] = {0x0, 0x0008, 0x20000, 0x20008, 0xffffffff};

// With those whose programs the machine may run as well.
#if defined(__x86_64__)
constexpr std::string_view kArchitectures = "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32";
#elif defined(__aarch64__)
constexpr std::string_view kArchitectures = "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM";
#else
constexpr std::string_view kArchitectures = "";
#endif

Value names_of(std::string_view words) {
  Value out = Value::list();
  while (!words.empty()) {
    size_t end = words.find(' ');
    if (std::string_view word = words.substr(0, end); !word.empty()) out.push(word);
    if (end == std::string_view::npos) break;
    words.remove_prefix(end + 1);
  }
  return out;
}

Value rule(std::string_view calls, std::string_view action = "SCMP_ACT_ALLOW") {
  Value out = Value::map();
  out.set("names", names_of(calls));
  out.set("action", action);
  return out;
}

Value with_argument(Value out, std::string_view op, int64_t value) {
  Value argument = Value::map();
  argument.set("index", 0);
  argument.set("op", op);
  argument.set("value", value);
  if (op == "SCMP_CMP_MASKED_EQ") argument.set("valueTwo", 0);
  Value list = Value::list();
  list.push(std::move(argument));
  out.set("args", std::move(list));
  return out;
}

bool has(CapabilitySet set, std::string_view name) {
  auto number = capability_number(name);
  return number && ((set >> *number) & 1) != 0;
}

}  // namespace

Value default_seccomp(CapabilitySet capabilities) {
  Value calls = Value::list();
  calls.push(rule(kAllowed));
  for (int64_t personality : kPersonalities) {
    calls.push(with_argument(rule("personality"), "SCMP_CMP_EQ", personality));
  }
  calls.push(with_argument(rule("socket"), "SCMP_CMP_LT", kFamilyAlg));
  calls.push(with_argument(rule("socket"), "SCMP_CMP_EQ", kFamilyAlg + 1));
  calls.push(with_argument(rule("socket"), "SCMP_CMP_GT", kFamilyVsock));
  for (const WithCapability& row : kPrivileged) {
    if (has(capabilities, row.capability)) calls.push(rule(row.calls));
  }
  if (!has(capabilities, "SYS_ADMIN")) {
    // Masked by the namespace flags nothing may be left. (The flags are clone3's in memory, out of sight.)
    calls.push(with_argument(rule("clone"), "SCMP_CMP_MASKED_EQ", kNamespaceFlags));
    Value clone3 = rule("clone3", "SCMP_ACT_ERRNO");
    clone3.set("errnoRet", kNotImplemented);
    calls.push(std::move(clone3));
  }
  Value out = Value::map();
  out.set("defaultAction", "SCMP_ACT_ERRNO");
  out.set("defaultErrnoRet", kNotPermitted);
  out.set("architectures", names_of(kArchitectures));
  out.set("syscalls", std::move(calls));
  return out;
}

Result<Value> parse_seccomp(std::string_view json) {
  ASSIGN_OR_RETURN(Value profile, read_json(json));
  std::string_view action = profile.string_at("defaultAction");
  if (!action.starts_with("SCMP_ACT_")) {
    return error(ErrorCode::kInvalid, "no seccomp profile: it has no defaultAction");
  }
  Value out = Value::map();
  // What other runtimes' files hold besides is not part of the OCI form, and runtimes refuse or misread it.
  for (std::string_view name : {"defaultAction", "defaultErrnoRet", "architectures", "flags", "syscalls"}) {
    if (const Value* member = profile.find(name)) out.set(name, *member);
  }
  return out;
}

}  // namespace mainstay
