// The compression libraries of the system, as Archive uses them, and what of C Swift cannot spell itself.
#pragma once
#if defined(__x86_64__) || defined(__aarch64__)
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

// Swift does not import macros that compute.
enum { kindling_isal_level_buffer_size = ISAL_DEF_LVL3_EXTRA_LARGE };
#endif
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#if defined(__linux__)
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

// O_PATH hides behind _GNU_SOURCE, which a module map cannot define.
static const int kindling_o_path = __O_PATH;

// Swift does not import variadic functions such as syscall(2), and glibc 2.36 has no openat2(2) of its own.
static inline int kindling_openat2(int directory, const char *path, int flags, unsigned mode, unsigned long long resolve) {
  struct open_how how = {.flags = (unsigned)flags, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

// Resolves every link and `..` as if `directory` were the root of the file system, and no /proc links (openat2(2)).
static inline int kindling_open_in_root(int directory, const char *path, int flags, unsigned mode) {
  return kindling_openat2(directory, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}
#endif
