// The system calls that an app may not make: those of `filter_calls.c`, and what a program without capabilities has no
// honest use for: other processes' memory, file handles, chroot, raw and exotic sockets.
//
// Kubernetes: its RuntimeDefault is the runtime's profile of builds; the platform's own is not documented.
// Here: processes of 32 bits find no system calls, since what their one call for sockets is for can't be seen.
#include <linux/audit.h>

#include "filter.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#if defined __x86_64__

static const struct call_range x86_64_run_calls[] = {
    {41, 41, CALL_CHECK_PLAIN_SOCKET},
    {56, 56, CALL_CHECK_CLONE},
    {101, 101, CALL_REFUSED},  // ptrace
    {103, 103, CALL_REFUSED},  // syslog
    {134, 134, CALL_REFUSED},  // uselib
    {135, 135, CALL_CHECK_PERSONALITY},
    {136, 136, CALL_REFUSED},  // ustat
    {139, 139, CALL_REFUSED},  // sysfs
    {153, 153, CALL_REFUSED},  // vhangup
    {154, 156, CALL_REFUSED},  // modify_ldt pivot_root _sysctl
    {161, 161, CALL_REFUSED},  // chroot
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
    {303, 304, CALL_REFUSED},  // name_to_handle_at open_by_handle_at
    {308, 308, CALL_REFUSED},  // setns
    {310, 313, CALL_REFUSED},  // process_vm_readv process_vm_writev kcmp finit_module
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

const struct filter_profile filter_run = {
    .sets = {{AUDIT_ARCH_X86_64, x86_64_run_calls, COUNT(x86_64_run_calls)}},
    .set_count = 1,
};

#elif defined __aarch64__

static const struct call_range aarch64_run_calls[] = {
    {18, 18, CALL_REFUSED},  // lookup_dcookie
    {39, 42, CALL_REFUSED},  // umount2 mount pivot_root nfsservctl
    {51, 51, CALL_REFUSED},  // chroot
    {58, 58, CALL_REFUSED},  // vhangup
    {60, 60, CALL_REFUSED},  // quotactl
    {89, 89, CALL_REFUSED},  // acct
    {92, 92, CALL_CHECK_PERSONALITY},
    {97, 97, CALL_REFUSED},  // unshare
    {104, 106, CALL_REFUSED},  // kexec_load init_module delete_module
    {112, 112, CALL_REFUSED},  // clock_settime
    {116, 116, CALL_REFUSED},  // syslog
    {117, 117, CALL_REFUSED},  // ptrace
    {142, 142, CALL_REFUSED},  // reboot
    {161, 162, CALL_REFUSED},  // sethostname setdomainname
    {170, 170, CALL_REFUSED},  // settimeofday
    {198, 198, CALL_CHECK_PLAIN_SOCKET},
    {217, 219, CALL_REFUSED},  // add_key request_key keyctl
    {220, 220, CALL_CHECK_CLONE},
    {224, 225, CALL_REFUSED},  // swapon swapoff
    {235, 239, CALL_REFUSED},  // mbind get_mempolicy set_mempolicy migrate_pages move_pages
    {241, 241, CALL_REFUSED},  // perf_event_open
    {262, 262, CALL_REFUSED},  // fanotify_init
    {264, 265, CALL_REFUSED},  // name_to_handle_at open_by_handle_at
    {268, 268, CALL_REFUSED},  // setns
    {270, 273, CALL_REFUSED},  // process_vm_readv process_vm_writev kcmp finit_module
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

const struct filter_profile filter_run = {
    .sets = {{AUDIT_ARCH_AARCH64, aarch64_run_calls, COUNT(aarch64_run_calls)}},
    .set_count = 1,
};

#else

const struct filter_profile filter_run = {.set_count = 0};

#endif
