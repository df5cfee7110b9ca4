import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage
import Testing

@testable import Builder

@Suite("Cache keys")
struct CacheKeyTests {
  static func run(_ change: (inout RunAction) -> Void = { _ in }) -> RunAction {
    var action = RunAction(
      arguments: ["/bin/sh", "-c", "x"], environment: ["A=1", "B=2"], proxies: [], user: "", workingDirectory: "/",
      script: nil, network: .host)
    change(&action)
    return action
  }

  /// Mounts that must not share a key.
  static let mounts: [[RunMount]] = {
    let owner = RunOwner(uid: 0, gid: 0, mode: 0o755)
    func cache(_ change: (inout RunCache) -> Void = { _ in }) -> [RunMount] {
      var cache = RunCache(id: "a", sharing: .shared, origin: nil, path: "/", owner: owner)
      change(&cache)
      return [RunMount(kind: .cache(cache), target: "/x", isReadOnly: false)]
    }
    func secret(_ id: String, _ variable: String?, at target: String? = "/x") -> [RunMount] {
      let secret = RunSecret(id: id, isRequired: false, owner: owner, variable: variable)
      return [RunMount(kind: .secret(secret), target: target, isReadOnly: true)]
    }
    let bind = RunMount(kind: .bind(.context, path: "/"), target: "/x", isReadOnly: true)
    return [
      [bind], [bind, bind], [RunMount(kind: .bind(.context, path: "/"), target: "/x", isReadOnly: false)],
      [RunMount(kind: .bind(.context, path: "/x"), target: "/", isReadOnly: true)],
      [RunMount(kind: .bind(.context, path: "/"), target: "/y", isReadOnly: true)],
      cache(), cache { $0.id = "b" }, cache { $0.sharing = .locked }, cache { $0.owner.uid = 1 },
      cache { $0.owner.mode = 0o700 }, cache { $0.path = "/sub" },
      [RunMount(kind: .tmpfs(size: nil), target: "/x", isReadOnly: false)],
      [RunMount(kind: .tmpfs(size: ByteCount(1)), target: "/x", isReadOnly: false)],
      secret("a", nil), secret("b", nil), secret("a", "A"), secret("a", "A", at: nil),
      [
        RunMount(
          kind: .ssh(RunAgent(id: "a", isRequired: false, owner: owner)), target: nil, isReadOnly: true)
      ],
    ]
  }()

  @Test("of commands differ by what the origins of their mounts hold")
  func origins() throws {
    let platform = try #require(Platform("linux/amd64"))
    let action = Self.run { $0.mounts = Self.mounts[1] }
    let keys = [["a", "b"], ["b", "a"], ["ab", ""], ["", ""]].map { origins in
      CacheKey.run(action, layers: [], platform: platform, origins: origins)
    }
    #expect(Set(keys).count == keys.count)
  }

  @Test("of files are alike wherever they stand, and differ by all that can be seen but times")
  func files() throws {
    func key(_ top: FilePath, _ entries: LayerEntry...) throws -> Digest {
      try CacheKey.files(at: top, in: RootTree(layers: [VirtualLayer(entries)]))
    }
    let base = try key("a", Entry.directory("a"), Entry.file("a/f", "1"), Entry.directory("a/g"))
    #expect(base == (try key("b/c", Entry.directory("b/c"), Entry.file("b/c/f", "1"), Entry.directory("b/c/g"))))
    let others = [
      try key("a", Entry.directory("a"), Entry.file("a/f", "2"), Entry.directory("a/g")),
      try key("a", Entry.directory("a"), Entry.file("a/e", "1"), Entry.directory("a/g")),
      try key("a", Entry.directory("a"), Entry.file("a/f", "1", mode: 0o755), Entry.directory("a/g")),
      try key("a", Entry.directory("a"), Entry.file("a/f", "1", uid: 1), Entry.directory("a/g")),
      try key("a", Entry.directory("a"), Entry.file("a/f", "1"), Entry.symlink("a/g", "f")),
      try key("a", Entry.directory("a"), Entry.directory("a/g"), Entry.file("a/g/f", "1")),
      try key("a/f", Entry.directory("a"), Entry.file("a/f", "1")),
    ]
    #expect(Set(others + [base]).count == others.count + 1)
  }

  static func layer(_ text: String) -> Digest { Digest(sha256Of: Array(text.utf8)) }

  @Test("of commands see a layer of copied files by what they are, and any other by its content")
  func identities() {
    let record = LayerRecord(
      digest: Self.layer("blob"), diffID: Self.layer("tar"), size: ByteCount(1), mediaType: .ociLayerGzip)
    #expect(StageBuild.Layer(record: record).identity == record.diffID)
    #expect(StageBuild.Layer(record: record, identity: Self.layer("key")).identity == Self.layer("key"))
  }

  @Test("of commands differ by everything the command sees")
  func commands() throws {
    let platform = try #require(Platform("linux/amd64"))
    var keys: [Digest] = []
    let actions =
      [
        Self.run(), Self.run { $0.arguments = ["/bin/sh", "-cx"] },
        Self.run { $0.arguments = ["/bin/sh", "-c", "x", ""] },
        Self.run { $0.arguments = ["/bin/sh-c", "x"] }, Self.run { $0.environment = ["A=1B=2"] },
        Self.run { $0.environment = ["B=2", "A=1"] }, Self.run { $0.environment = ["HTTP_PROXY=1"] },
        Self.run { $0.environment = ["HTTP_PROXY=2"] }, Self.run { $0.environment = [] }, Self.run { $0.user = "1" },
        Self.run { $0.workingDirectory = "/1" }, Self.run { $0.script = "#!" }, Self.run { $0.network = .none },
        Self.run { $0.isInsecure = true },
      ] + Self.mounts.map { mount in Self.run { $0.mounts = mount } } + [
        Self.run {
          $0.arguments = ["/bin/sh", "-c", "x", "2", "A=1"]
          $0.environment = ["B=2"]
        }
      ]
    for action in actions { keys.append(CacheKey.run(action, layers: [], platform: platform, origins: [])) }
    keys.append(CacheKey.run(Self.run(), layers: [Self.layer("1")], platform: platform, origins: []))
    keys.append(CacheKey.run(Self.run(), layers: [Self.layer("2")], platform: platform, origins: []))
    keys.append(CacheKey.run(Self.run(), layers: [Self.layer("1"), Self.layer("2")], platform: platform, origins: []))
    keys.append(CacheKey.run(Self.run(), layers: [Self.layer("2"), Self.layer("1")], platform: platform, origins: []))
    keys.append(CacheKey.run(Self.run(), layers: [], platform: try #require(Platform("linux/arm64")), origins: []))
    #expect(Set(keys).count == keys.count)
  }

  @Test("of commands are the same whatever proxies the download")
  func sameCommands() throws {
    let platform = try #require(Platform("linux/amd64"))
    let key = CacheKey.run(Self.run(), layers: [Self.layer("1")], platform: platform, origins: [])
    let proxied = Self.run { $0.proxies = ["HTTP_PROXY=x"] }
    #expect(key == CacheKey.run(proxied, layers: [Self.layer("1")], platform: platform, origins: []))
  }

  static func changed(_ change: (inout TarEntry) -> Void) -> LayerEntry {
    var entry = Entry.file("a", "text")
    change(&entry.tar)
    return entry
  }

  @Test("of copies differ by all the layer holds")
  func copies() {
    let lists: [[LayerEntry]] = [
      [], [Entry.file("a", "text")], [Entry.file("b", "text")], [Entry.file("a", "Text")], [Entry.directory("a")],
      [Entry.symlink("a", "text")], [Entry.symlink("a", "other")], [Entry.link("a", "text")],
      [Self.changed { $0.mode = 0o600 }], [Self.changed { $0.uid = 1 }], [Self.changed { $0.gid = 1 }],
      [Self.changed { $0.xattrs = ["user.a": [1]] }], [Self.changed { $0.xattrs = ["user.a": [1, 2]] }],
      [Self.changed { $0.xattrs = ["user.a": [], "user.b": []] }],
      [Entry.file("a", "text"), Entry.file("b", "text")], [Self.changed { $0.kind = .fifo }],
      [Self.changed { $0.kind = .characterDevice(major: 1, minor: 3) }],
      [Self.changed { $0.kind = .blockDevice(major: 1, minor: 3) }],
      // Names that are no text, and would all print alike.
      [Self.changed { $0.path = FilePath(raw: [0xFF]) }], [Self.changed { $0.path = FilePath(raw: [0xFE]) }],
      [Entry.symlink("a", FilePath(raw: [0xFF]))], [Entry.symlink("a", FilePath(raw: [0xFE]))],
      // Attributes that read like another entry.
      [Self.changed { $0.xattrs = ["a": Array("file".utf8), "b": Array("file".utf8)] }],
    ]
    #expect(Set(lists.map(CacheKey.copy)).count == lists.count)
  }

  @Test("of copies do not know times")
  func times() {
    let later = Self.changed { $0.mtime = FileTime(seconds: 99) }
    #expect(CacheKey.copy([later]) == CacheKey.copy([Entry.file("a", "text")]))
  }
}
