import Builder
import Diagnostics
import OCI
import Remote
import SystemPackage

/// What the flags say about the step cache that is shared with other machines.
struct CacheChoices: Sendable, Hashable {
  enum Place: Sendable, Hashable {
    /// A repository of a registry; its host is written as `RemoteName` writes it.
    case repository(host: String, Repository)
    /// An OCI layout on this machine, or on a disk that several share.
    case layout(FilePath)
  }

  /// Where `--cache-repo` says; nil when it was not given.
  var place: Place?
  /// What `--cache-ttl` says; nil when it was not given.
  var timeToLive: Duration?
  var keepsCommands = true
  var keepsFiles = false
  var isPushing = true

  /// Kaniko: two weeks. Here: layers of this machine's own cache have no age unless the flag gives them one.
  static let usualLife = Duration.seconds(336 * 3600)
  var life: Duration { timeToLive ?? Self.usualLife }

  /// Throws `flag-value-invalid`.
  init(_ flags: FlagValues) throws(Failure) {
    place = try flags.last("cache-repo").map { (text) throws(Failure) in try Self.place(text) }
    if let text = flags.last("cache-ttl") {
      guard let life = GoDuration.parse(text) else {
        throw FlagValues.invalid("cache-ttl", text, "a duration such as 336h or 1h30m")
      }
      timeToLive = life
    }
    keepsCommands = try flags.isOn("cache-run-layers", usually: true)
    keepsFiles = try flags.isOn("cache-copy-layers")
    isPushing = try !flags.isOn("no-push-cache")
  }

  func keeps(_ kind: StepKind) -> Bool { kind == .command ? keepsCommands : keepsFiles }

  private static func place(_ text: String) throws(Failure) -> Place {
    let wanted = "HOST/PATH without a tag, or oci:DIRECTORY"
    if text.hasPrefix("oci:") {
      var path = text.dropFirst("oci:".count)
      // Kaniko spells it 'oci:DIR'; 'oci://DIR' is how its other addresses look.
      if path.hasPrefix("//") { path = path.dropFirst(2) }
      guard !path.isEmpty else { throw FlagValues.invalid("cache-repo", text, wanted) }
      return .layout(FilePath(String(path)))
    }
    guard let reference = try? Reference(text), reference.tag == nil, reference.digest == nil,
      let name = try? RemoteName(reference)
    else { throw FlagValues.invalid("cache-repo", text, wanted) }
    return .repository(host: name.host, name.repository)
  }
}

extension ExecutorSettings {
  /// Where the steps are shared; nil without `--cache`.
  ///
  /// Kaniko: `/cache` below the first destination unless `--cache-repo` names a place. Here: a build that pushes nothing
  /// and names no place is no mistake, as this machine has a cache of its own.
  func sharedCachePlace() throws(Failure) -> CacheChoices.Place? {
    guard isCaching else { return nil }
    if let place = cache.place { return place }
    guard isPushing, let first = destinations.first else { return nil }
    let name = try RemoteName(first.reference)
    return .repository(host: name.host, try Repository(name.repository.name + "/cache"))
  }
}
