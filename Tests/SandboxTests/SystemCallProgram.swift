import Glibc
import SystemPackage

/// A static program that tries system calls with arguments that do no harm, and prints `name result` of each.
enum SystemCallProgram {
  static let path = compile()

  /// Nil without a C compiler or a static C library.
  private static func compile() -> FilePath? {
    let folder = Bench.sharedFolder
    Bench.write(source, to: folder.appending("calls.c"))
    let program = folder.appending("calls")
    let status = system("cc -static -w -o '\(program.string)' '\(folder.appending("calls.c").string)' 2>/dev/null")
    return status == 0 ? program : nil
  }

  private static let source = #"""
    #define _GNU_SOURCE
    #include <errno.h>
    #include <fcntl.h>
    #include <pthread.h>
    #include <sched.h>
    #include <setjmp.h>
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/personality.h>
    #include <sys/prctl.h>
    #include <sys/ptrace.h>
    #include <sys/socket.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <sys/wait.h>
    #include <unistd.h>

    static void tell(const char *name, long result, int error) {
      if (result >= 0) printf("%s ok\n", name);
      else if (error == EPERM) printf("%s EPERM\n", name);
      else if (error == ENOSYS) printf("%s ENOSYS\n", name);
      else printf("%s errno-%d\n", name, error);
    }

    /// In a child, so that nothing it changes stays.
    #define TRY(name, expression) do { \
        fflush(stdout); pid_t child = fork(); \
        if (child == 0) { errno = 0; long result = (long)(expression); tell(name, result, errno); fflush(stdout); _exit(0); } \
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {} } while (0)
    #define CALL(name, ...) TRY(#name, syscall(SYS_##name, ##__VA_ARGS__))

    static void *nothing(void *argument) { return argument; }
    static long thread(void) {
      pthread_t id;
      return pthread_create(&id, NULL, nothing, NULL) == 0 && pthread_join(id, NULL) == 0 ? 0 : -1;
    }

    static long child_of_clone(long flags) {
      long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
      if (child == 0) _exit(0);
      return child;
    }

    #ifdef __x86_64__
    static sigjmp_buf back;
    static void jump(int number) { siglongjmp(back, 1); }
    static long i386(long number, long a, long b, long c) {
      long result;
      __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
      result = (int)result;
      if (result < 0 && result > -4096) { errno = (int)-result; return -1; }
      return result;
    }
    #endif

    int main(void) {
      CALL(add_key, 0, 0, 0, 0, 0);
      CALL(request_key, 0, 0, 0, 0);
      CALL(keyctl, 9999, 0, 0, 0, 0);
      CALL(bpf, -1, 0, 0);
      CALL(perf_event_open, 0, 0, -1, -1, 0);
      CALL(kexec_load, 0, 0, 0, ~0L);
      CALL(init_module, 0, 0, 0);
      CALL(delete_module, 0, 0);
      CALL(finit_module, -1, 0, 0);
      CALL(mount, 0, 0, 0, 0, 0);
      CALL(umount2, "/nowhere", 0);
      CALL(pivot_root, "/nowhere", "/nowhere");
      CALL(open_by_handle_at, -1, 0, 0);
      CALL(userfaultfd, -1);
      CALL(reboot, 0, 0, 0, 0);
      CALL(swapon, "/nowhere", 0);
      CALL(swapoff, "/nowhere");
      CALL(settimeofday, 1, 1);
      CALL(clock_settime, -1, 0);
      CALL(sethostname, 0, -1);
      CALL(unshare, 0);
      CALL(setns, -1, 0);
      CALL(acct, "/nowhere");
      CALL(quotactl, -1, 0, 0, 0);
      CALL(syslog, -1, 0, 0);
      CALL(io_uring_setup, 0, 0);
      CALL(io_uring_enter, -1, 0, 0, 0, 0, 0);
      CALL(io_uring_register, -1, 0, 0, 0);
      CALL(open_tree, -1, "nowhere", 0);
      CALL(fsopen, "nothing", 0);
      CALL(move_mount, -1, 0, -1, 0, 0);
      CALL(mount_setattr, -1, 0, 0, 0, 0);
      CALL(fanotify_init, -1, 0);
      CALL(kcmp, 0, 0, -1, 0, 0);
      CALL(pidfd_getfd, -1, 0, 0);
      CALL(process_madvise, -1, 0, 0, 0, 0);
      CALL(clone3, 0, 0);
      TRY("call-of-tomorrow", syscall(900));
      TRY("clone-user-namespace", child_of_clone(CLONE_NEWUSER));
      TRY("personality-no-random", personality(ADDR_NO_RANDOMIZE));
      TRY("personality-ask", personality(0xffffffff));
      TRY("personality-linux32", personality(PER_LINUX32));
      TRY("socket-vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
      TRY("socket-alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
      TRY("socket-alg-high-half", syscall(SYS_socket, (1L << 32) | AF_ALG, SOCK_SEQPACKET, 0));
      TRY("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
      TRY("socket-unix", socket(AF_UNIX, SOCK_STREAM, 0));
      int pair[2];
      TRY("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
      TRY("fork", child_of_clone(0));
      TRY("thread", thread());
      TRY("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
      TRY("memfd", memfd_create("a", 0));
      TRY("prctl", prctl(PR_GET_DUMPABLE));
      struct statx status;
      TRY("statx", statx(AT_FDCWD, "/", 0, STATX_ALL, &status));
      char byte;
      TRY("getrandom", syscall(SYS_getrandom, &byte, 1, 0));
      int from = memfd_create("a", 0), to = memfd_create("b", 0);
      TRY("copy_file_range", syscall(SYS_copy_file_range, from, 0, to, 0, 1, 0));
      TRY("chroot", chroot("/"));
      TRY("chown", (mkdir("/made", 0755), chown("/made", 5, 5)));
      TRY("mknod", mknod("/node", S_IFIFO | 0644, 0));
    #ifdef __x86_64__
      TRY("x32-getpid", syscall(0x40000000 | SYS_getpid));
      struct sigaction action = {.sa_handler = jump};
      sigaction(SIGSEGV, &action, NULL);
      if (sigsetjmp(back, 1)) { printf("i386-getpid none\n"); return 0; }
      i386(20, 0, 0, 0);
      TRY("i386-getpid", i386(20, 0, 0, 0));
      TRY("i386-unshare", i386(310, 0, 0, 0));
      TRY("i386-add_key", i386(286, 0, 0, 0));
      TRY("i386-keyctl", i386(288, 9999, 0, 0));
      TRY("i386-bpf", i386(357, -1, 0, 0));
      TRY("i386-io_uring_setup", i386(425, 0, 0, 0));
      TRY("i386-mount", i386(21, 0, 0, 0));
      TRY("i386-socket-alg", i386(359, AF_ALG, SOCK_SEQPACKET, 0));
      TRY("i386-clone3", i386(435, 0, 0, 0));
    #endif
      return 0;
    }
    """#
}
