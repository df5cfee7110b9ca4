import Glibc
import SystemPackage

/// A path as a key of a dictionary, hashed and compared as one piece of memory.
///
/// FilePath's own hashing goes byte by byte, which of a context of 20,000 files is most of the time that is spent on it.
package struct PathKey: Hashable, Sendable {
  package let path: FilePath

  package init(_ path: FilePath) { self.path = path }

  package func hash(into hasher: inout Hasher) {
    path.withPlatformString { hasher.combine(bytes: UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.path.withPlatformString { left in b.path.withPlatformString { strcmp(left, $0) == 0 } }
  }
}
