// The system calls that commands of a build may not make, by number, for each instruction set a process can use.
//
// Docker: the default profile of moby for a container without CAP_SYS_ADMIN and its like, written as what it leaves
// out instead of what it lets in. A call newer than the tables does not exist, as with runc, so that programs fall
// back to an older one. Since docker 25 the calls of io_uring are left out too.
// Docker: `socketcall` of 32-bit programs is let in though its families can't be seen, because C libraries use it.
// Here: sockets of AF_ALG are refused with those of AF_VSOCK; builds use neither, and both had holes in the kernel.
#include <linux/audit.h>

#include "filter.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#if defined __x86_64__

static const struct call_range x86_64_calls[] = {
    {41, 41, CALL_CHECK_SOCKET},
    {56, 56, CALL_CHECK_CLONE},
    {103, 103, CALL_REFUSED},  // syslog
    {134, 134, CALL_REFUSED},  // uselib
    {135, 135, CALL_CHECK_PERSONALITY},
    {136, 136, CALL_REFUSED},  // ustat
    {139, 139, CALL_REFUSED},  // sysfs
    {153, 153, CALL_REFUSED},  // vhangup
    {155, 156, CALL_REFUSED},  // pivot_root _sysctl
    // acct settimeofday mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm create_module
    // init_module delete_module get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg afs_syscall tuxcall
    // security
    {163, 185, CALL_REFUSED},
    {212, 212, CALL_REFUSED},  // lookup_dcookie
    {227, 227, CALL_REFUSED},  // clock_settime
    {236, 239, CALL_REFUSED},  // vserver mbind set_mempolicy get_mempolicy
    {246, 246, CALL_REFUSED},  // kexec_load
    {248, 250, CALL_REFUSED},  // add_key request_key keyctl
    {256, 256, CALL_REFUSED},  // migrate_pages
    {272, 272, CALL_REFUSED},  // unshare
    {279, 279, CALL_REFUSED},  // move_pages
    {298, 298, CALL_REFUSED},  // perf_event_open
    {300, 300, CALL_REFUSED},  // fanotify_init
    {304, 304, CALL_REFUSED},  // open_by_handle_at
    {308, 308, CALL_REFUSED},  // setns
    {312, 313, CALL_REFUSED},  // kcmp finit_module
    {320, 321, CALL_REFUSED},  // kexec_file_load bpf
    {323, 323, CALL_REFUSED},  // userfaultfd
    // io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick
    {425, 433, CALL_REFUSED},
    {435, 435, CALL_MISSING},  // clone3
    {438, 438, CALL_REFUSED},  // pidfd_getfd
    {440, 440, CALL_REFUSED},  // process_madvise
    {442, 443, CALL_REFUSED},  // mount_setattr quotactl_fd
    {450, 450, CALL_REFUSED},  // set_mempolicy_home_node
    {457, 461, CALL_REFUSED},  // statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
    {467, UINT32_MAX, CALL_MISSING},
};

static const struct call_range i386_calls[] = {
    {17, 18, CALL_REFUSED},  // break oldstat
    {21, 22, CALL_REFUSED},  // mount umount
    {25, 25, CALL_REFUSED},  // stime
    {28, 28, CALL_REFUSED},  // oldfstat
    {31, 32, CALL_REFUSED},  // stty gtty
    {34, 35, CALL_REFUSED},  // nice ftime
    {44, 44, CALL_REFUSED},  // prof
    {48, 48, CALL_REFUSED},  // signal
    {51, 53, CALL_REFUSED},  // acct umount2 lock
    {56, 56, CALL_REFUSED},  // mpx
    {58, 59, CALL_REFUSED},  // ulimit oldolduname
    {62, 62, CALL_REFUSED},  // ustat
    {67, 69, CALL_REFUSED},  // sigaction sgetmask ssetmask
    {72, 74, CALL_REFUSED},  // sigsuspend sigpending sethostname
    {79, 79, CALL_REFUSED},  // settimeofday
    {84, 84, CALL_REFUSED},  // oldlstat
    {86, 89, CALL_REFUSED},  // uselib swapon reboot readdir
    {98, 98, CALL_REFUSED},  // profil
    {101, 101, CALL_REFUSED},  // ioperm
    {103, 103, CALL_REFUSED},  // syslog
    {109, 113, CALL_REFUSED},  // olduname iopl vhangup idle vm86old
    {115, 115, CALL_REFUSED},  // swapoff
    {120, 120, CALL_CHECK_CLONE},
    {121, 121, CALL_REFUSED},  // setdomainname
    {127, 131, CALL_REFUSED},  // create_module init_module delete_module get_kernel_syms quotactl
    {134, 135, CALL_REFUSED},  // bdflush sysfs
    {136, 136, CALL_CHECK_PERSONALITY},
    {137, 137, CALL_REFUSED},  // afs_syscall
    {149, 149, CALL_REFUSED},  // _sysctl
    {166, 167, CALL_REFUSED},  // vm86 query_module
    {169, 169, CALL_REFUSED},  // nfsservctl
    {188, 189, CALL_REFUSED},  // getpmsg putpmsg
    {217, 217, CALL_REFUSED},  // pivot_root
    {253, 253, CALL_REFUSED},  // lookup_dcookie
    {264, 264, CALL_REFUSED},  // clock_settime
    {273, 276, CALL_REFUSED},  // vserver mbind get_mempolicy set_mempolicy
    {283, 283, CALL_REFUSED},  // kexec_load
    {286, 288, CALL_REFUSED},  // add_key request_key keyctl
    {294, 294, CALL_REFUSED},  // migrate_pages
    {310, 310, CALL_REFUSED},  // unshare
    {317, 317, CALL_REFUSED},  // move_pages
    {336, 336, CALL_REFUSED},  // perf_event_open
    {338, 338, CALL_REFUSED},  // fanotify_init
    {342, 342, CALL_REFUSED},  // open_by_handle_at
    {346, 346, CALL_REFUSED},  // setns
    {349, 350, CALL_REFUSED},  // kcmp finit_module
    {357, 357, CALL_REFUSED},  // bpf
    {359, 359, CALL_CHECK_SOCKET},
    {374, 374, CALL_REFUSED},  // userfaultfd
    {404, 404, CALL_REFUSED},  // clock_settime64
    // io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick
    {425, 433, CALL_REFUSED},
    {435, 435, CALL_MISSING},  // clone3
    {438, 438, CALL_REFUSED},  // pidfd_getfd
    {440, 440, CALL_REFUSED},  // process_madvise
    {442, 443, CALL_REFUSED},  // mount_setattr quotactl_fd
    {450, 450, CALL_REFUSED},  // set_mempolicy_home_node
    {457, 461, CALL_REFUSED},  // statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
    {467, UINT32_MAX, CALL_MISSING},
};

// Processes of the x32 kind count from 0x40000000 and find nothing there.
const struct filter_profile filter_build = {
    .sets = {{AUDIT_ARCH_X86_64, x86_64_calls, COUNT(x86_64_calls)}, {AUDIT_ARCH_I386, i386_calls, COUNT(i386_calls)}},
    .set_count = 2,
};

#elif defined __aarch64__

static const struct call_range aarch64_calls[] = {
    {18, 18, CALL_REFUSED},  // lookup_dcookie
    {39, 42, CALL_REFUSED},  // umount2 mount pivot_root nfsservctl
    {58, 58, CALL_REFUSED},  // vhangup
    {60, 60, CALL_REFUSED},  // quotactl
    {89, 89, CALL_REFUSED},  // acct
    {92, 92, CALL_CHECK_PERSONALITY},
    {97, 97, CALL_REFUSED},  // unshare
    {104, 106, CALL_REFUSED},  // kexec_load init_module delete_module
    {112, 112, CALL_REFUSED},  // clock_settime
    {116, 116, CALL_REFUSED},  // syslog
    {142, 142, CALL_REFUSED},  // reboot
    {161, 162, CALL_REFUSED},  // sethostname setdomainname
    {170, 170, CALL_REFUSED},  // settimeofday
    {198, 198, CALL_CHECK_SOCKET},
    {217, 219, CALL_REFUSED},  // add_key request_key keyctl
    {220, 220, CALL_CHECK_CLONE},
    {224, 225, CALL_REFUSED},  // swapon swapoff
    {235, 239, CALL_REFUSED},  // mbind get_mempolicy set_mempolicy migrate_pages move_pages
    {241, 241, CALL_REFUSED},  // perf_event_open
    {262, 262, CALL_REFUSED},  // fanotify_init
    {265, 265, CALL_REFUSED},  // open_by_handle_at
    {268, 268, CALL_REFUSED},  // setns
    {272, 273, CALL_REFUSED},  // kcmp finit_module
    {280, 280, CALL_REFUSED},  // bpf
    {282, 282, CALL_REFUSED},  // userfaultfd
    {294, 294, CALL_REFUSED},  // kexec_file_load
    // io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick
    {425, 433, CALL_REFUSED},
    {435, 435, CALL_MISSING},  // clone3
    {438, 438, CALL_REFUSED},  // pidfd_getfd
    {440, 440, CALL_REFUSED},  // process_madvise
    {442, 443, CALL_REFUSED},  // mount_setattr quotactl_fd
    {450, 450, CALL_REFUSED},  // set_mempolicy_home_node
    {457, 461, CALL_REFUSED},  // statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules
    {467, UINT32_MAX, CALL_MISSING},
};

// Here: processes of 32-bit ARM find no system calls; an image for arm64 has none.
const struct filter_profile filter_build = {
    .sets = {{AUDIT_ARCH_AARCH64, aarch64_calls, COUNT(aarch64_calls)}},
    .set_count = 1,
};

#else

// No tables for this machine: commands run as where the kernel knows no filters.
const struct filter_profile filter_build = {.set_count = 0};

#endif
