// What a command may ask of the kernel.
#ifndef CSANDBOX_FILTER_H
#define CSANDBOX_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What becomes of a call.
enum call_verdict {
  CALL_ALLOWED,
  /// EPERM
  CALL_REFUSED,
  /// ENOSYS, so that the caller tries an older way
  CALL_MISSING,
  /// `clone`, unless it makes namespaces
  CALL_CHECK_CLONE,
  /// `personality`, for asking and for what changes nothing but the name and address randomisation
  CALL_CHECK_PERSONALITY,
  /// `socket`, of families that a container has a use for
  CALL_CHECK_SOCKET,
  /// `socket`, of the few kinds that an app has a use for
  CALL_CHECK_PLAIN_SOCKET,
};

/// Calls of neighbouring numbers; what no range names is allowed.
struct call_range {
  uint32_t first, last;
  enum call_verdict verdict;
};

/// The ranges of one instruction set, in order and not touching where verdicts differ on one number.
struct call_set {
  /// AUDIT_ARCH_…
  uint32_t architecture;
  const struct call_range *ranges;
  size_t range_count;
};

/// Calls by processes of an instruction set that has no set do not exist.
struct filter_profile {
  struct call_set sets[2];
  size_t set_count;
};

/// A RUN's, without `--security=insecure`.
extern const struct filter_profile filter_build;
/// An app's, which has no capabilities.
extern const struct filter_profile filter_run;

/// Puts this thread and all its descendants under the profile, for good. Needs CAP_SYS_ADMIN or no_new_privs. Returns
/// 0 or -1 with errno; ENOSYS where this kernel or machine has no filters.
int filter_install(const struct filter_profile *profile);

/// Whether the kernel has filters at all.
bool filter_exists(void);

#endif
