import Diagnostics
import OCI
import Synchronization
import SystemPackage

@testable import Storage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A directory of its own, removed when the tests are over: whatever they opened in it may outlive a test's scope.
struct Scratch: Sendable {
  private static let made = Mutex<[FilePath]>([])
  let path: FilePath

  init() throws {
    let path = FilePath("/tmp/kindling-storage-\(UInt64.random(in: .min ... .max))")
    try path.makeDirectory()
    self.path = path
    let isFirst = Self.made.withLock { made in
      made.append(path)
      return made.count == 1
    }
    if isFirst { atexit { for path in Scratch.made.withLock({ $0 }) { try? FileTree.remove(path) } } }
  }

  func open(_ durability: Durability = .ephemeral, clock: WallClock = .fixed) throws -> DataDirectory {
    try DataDirectory.open(at: path.appending("data"), durability: durability, clock: clock)
  }

  /// Names in a folder of the data directory, sorted.
  func names(_ folder: String) throws -> [String] {
    try path.appending("data").appending(folder).entries().sorted()
  }
}

extension WallClock {
  static let fixed = WallClock { Timestamp(milliseconds: 1_700_000_000_000) }
}

func bytes(of path: FilePath) throws -> [UInt8] { try path.readContents(limit: .mebibytes(64)) }

func organization(_ name: String = "acme") throws -> OrganizationName { try OrganizationName(name) }

func record(
  _ organization: OrganizationName,
  at milliseconds: Int64 = 1_700_000_000_000,
  name: String = "app"
) throws -> BuildRecord {
  let moment = Timestamp(milliseconds: milliseconds)
  return BuildRecord(
    id: BuildID.make(at: moment),
    organization: organization,
    name: name,
    dockerfile: "Dockerfile",
    tags: [.latest, try Tag("v1")],
    buildArgs: ["A": "1", "B": "ü"],
    platform: .host,
    noCache: true,
    timeoutSeconds: 90,
    source: .archive(Digest(sha256Of: [1]), context: ContextID.make(at: moment)),
    registry: "r.example",
    repository: "x/y",
    createdAt: moment
  )
}

extension Failure {
  /// The reason of what `body` throws, or nil when it throws nothing.
  static func reason(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? Failure)?.reason ?? String(describing: error)
    }
  }
}
