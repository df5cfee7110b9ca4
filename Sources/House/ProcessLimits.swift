#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the kernel allows this process.
package enum ProcessLimits {
  /// Takes as many open files as the hard limit gives: every connection, upload and followed log is one, and the
  /// usual soft limit of 1024 is gone with a thousand followers.
  package static func raiseOpenFiles() {
    // The C library declares the parameter as a plain number.
    let openFiles = Int32(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(openFiles, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(openFiles, &limit)
  }
}
