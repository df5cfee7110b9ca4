// OpenSSL's message digests: SHA-256 with the processor's own instructions (1.8 GB/s on one core).
#include <openssl/evp.h>
