#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The number the kernel knows this process by.
enum ProcessID {
  static var current: Int32 { getpid() }
}
