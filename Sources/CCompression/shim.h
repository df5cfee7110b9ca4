// The compression libraries of the system, as Archive uses them.
#if defined(__x86_64__) || defined(__aarch64__)
#include <isa-l/igzip_lib.h>
#endif
#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
