import Diagnostics
import Testing

@testable import Git

@Suite("Limits of git")
struct GitLimitsTests {
  @Test("every name sets one limit, and each its own")
  func names() throws {
    var seen: Set<GitLimits> = [GitLimits()]
    for name in GitLimits.names {
      var limits = GitLimits()
      let values = ["7", "7s"]
      let taken = values.filter { (try? limits.set(name, $0)) != nil }
      #expect(taken.count == 1, "\(name)")
      #expect(seen.insert(limits).inserted, "\(name)")
      #expect(GitLimits.hint(name).contains("--git-limit \(name)="))
    }
    let stored = Mirror(reflecting: GitLimits()).children.count
    #expect(GitLimits.names.count == stored)
  }

  @Test("numbers, sizes and times are read with their units")
  func values() throws {
    let limits = try GitLimits(settings: [
      "objects=12", "object-size=512MiB", "unpacked-size=3GB", "list-size=64KiB", "slowest-pace=100",
      "idle-timeout=250ms", "connect-timeout=2m", "pack-start-timeout=1h", "tree-depth=3", "tree-depth=4",
    ])
    #expect(limits.objects == 12)
    #expect(limits.objectSize == .mebibytes(512))
    #expect(limits.unpackedSize == ByteCount(3_000_000_000))
    #expect(limits.listSize == .kibibytes(64))
    #expect(limits.slowestPace == ByteCount(100))
    #expect(limits.idleTimeout == .milliseconds(250))
    #expect(limits.connectTimeout == .seconds(120))
    #expect(limits.packStartTimeout == .seconds(3600))
    #expect(limits.treeDepth == 4)
  }

  @Test(
    "what is no limit or no value is refused",
    arguments: [
      ("objects", "git-limit-invalid"), ("objects=", "git-limit-invalid"), ("objects=0", "git-limit-invalid"),
      ("objects=-1", "git-limit-invalid"), ("objects=9999999999", "git-limit-invalid"),
      ("objects=5MiB", "git-limit-invalid"), ("object-size=5 MiB", "git-limit-invalid"),
      ("object-size=5mib", "git-limit-invalid"), ("object-size=0", "git-limit-invalid"),
      ("object-size=9223372036854775807TiB", "git-limit-invalid"), ("object-size=2000000TiB", "git-limit-invalid"),
      ("idle-timeout=30", "git-limit-invalid"), ("idle-timeout=0s", "git-limit-invalid"),
      ("idle-timeout=169h", "git-limit-invalid"), ("idle-timeout=99999999999h", "git-limit-invalid"),
      ("objectSize=1", "git-limit-unknown"), ("=1", "git-limit-unknown"), ("", "git-limit-invalid"),
    ])
  func refused(text: String, reason: String) {
    let failure = #expect(throws: Failure.self) { try GitLimits(settings: [text]) }
    #expect(failure?.reason == reason)
  }
}
