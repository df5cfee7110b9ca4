import Diagnostics
import Glibc
import SystemPackage
import Testing

@testable import Sandbox

@Suite("The system calls of a command", .enabled(if: Bench.isAble))
struct SystemCallTests {
  let bench = Bench()

  @Test("are those that docker lets in, for root and users, natively and of 32 bits", arguments: [UInt32(0), 1000])
  func filtered(user: UInt32) async throws {
    let calls = try await calls { $0.user = UserSpec(uid: user, gid: user) }
    let refused = [
      "add_key", "request_key", "keyctl", "bpf", "perf_event_open", "kexec_load", "init_module", "delete_module",
      "finit_module", "mount", "umount2", "pivot_root", "open_by_handle_at", "userfaultfd", "reboot", "swapon",
      "swapoff", "settimeofday", "clock_settime", "sethostname", "unshare", "setns", "acct", "quotactl", "syslog",
      "io_uring_setup", "io_uring_enter", "io_uring_register", "open_tree", "fsopen", "move_mount", "mount_setattr",
      "fanotify_init", "kcmp", "pidfd_getfd", "process_madvise", "clone-user-namespace", "personality-no-random",
      "socket-vsock", "socket-alg", "socket-alg-high-half",
    ]
    for name in refused { #expect(calls[name] == "EPERM", "\(name)") }
    for name in ["clone3", "call-of-tomorrow"] { #expect(calls[name] == "ENOSYS", "\(name)") }
    let usual = [
      "fork", "personality-ask", "personality-linux32", "socket-inet", "socket-unix", "socketpair", "ptrace", "memfd",
      "prctl", "statx", "getrandom", "copy_file_range", "thread", "chroot", "chown", "mknod",
    ]
    // What only root's capabilities allow.
    let roots: Set = ["chroot", "chown", "mknod"]
    for name in usual where user == 0 || !roots.contains(name) { #expect(calls[name] == "ok", "\(name)") }
    #if arch(x86_64)
      #expect(calls["x32-getpid"] == "ENOSYS")
      // The kernel may be without 32-bit programs.
      if calls["i386-getpid"] != "none" {
        #expect(calls["i386-getpid"] == "ok")
        for name in ["unshare", "add_key", "keyctl", "bpf", "io_uring_setup", "mount", "socket-alg"] {
          #expect(calls["i386-" + name] == "EPERM", "i386 \(name)")
        }
        #expect(calls["i386-clone3"] == "ENOSYS")
      }
    #endif
  }

  @Test("are all let in for a privileged command")
  func privileged() async throws {
    let calls = try await calls { $0.isPrivileged = true }
    #expect(calls["unshare"] == "ok")
    for name in ["keyctl", "bpf", "clone3", "io_uring_setup"] where calls[name] == "EPERM" {
      Issue.record("\(name) is refused")
    }
    #expect(calls["clone-user-namespace"] == "ok")
  }

  @Test("are filtered behind su, which no_new_privs would break")
  func behindSetuid() async throws {
    let outcome = try await bench.run("su user -c 'id -u; cat /proc/self/status'")
    #expect(outcome.stdout.hasPrefix("1000\n"), "\(outcome)")
    #expect(outcome.stdout.contains("Seccomp:\t2\n"))
    #expect(outcome.stdout.contains("NoNewPrivs:\t0\n"))
  }

  private func calls(_ change: (inout SandboxCommand) -> Void) async throws -> [String: String] {
    var command = try bench.command(["/calls"])
    change(&command)
    command.mounts.append(.bind(try #require(SystemCallProgram.path), target: "/calls", readOnly: true))
    let outcome = try await bench.run(command)
    try #require(outcome.status == .exited(0), "\(outcome)")
    let lines = outcome.stdout.split(separator: "\n").map { $0.split(separator: " ") }
    return Dictionary(lines.compactMap { $0.count == 2 ? (String($0[0]), String($0[1])) : nil }) { $1 }
  }
}
