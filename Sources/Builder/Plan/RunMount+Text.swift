import Diagnostics

extension RunMount {
  /// Everything of the mount that is in the Dockerfile, in one line for plans.
  var text: String {
    let place = target.map { " at \($0)" } ?? ""
    let access = isReadOnly ? "" : " writable"
    switch kind {
    case .bind(let origin, let path): return "mount \(origin?.text ?? "nothing"):\(path)\(place)\(access)"
    case .cache(let cache):
      let start = cache.origin.map { " from \($0.text):\(cache.path)" } ?? (cache.path == "/" ? "" : ":\(cache.path)")
      return "mount cache '\(cache.id)' \(cache.sharing.rawValue)\(start)\(place) \(cache.owner.text)\(access)"
    case .tmpfs(let size): return "mount tmpfs\(place)\(size.map { " of \($0.bytes) bytes" } ?? "")"
    case .secret(let secret):
      let variable = secret.variable.map { " as $\($0)" } ?? ""
      return
        "mount secret '\(secret.id)'\(place)\(variable) \(secret.owner.text)\(secret.isRequired ? " required" : "")"
    case .ssh(let agent):
      return "mount ssh agent '\(agent.id)'\(place) \(agent.owner.text)\(agent.isRequired ? " required" : "")"
    }
  }

  /// The same for the cache key, part by part; what an origin holds is added to it by who looks it up.
  var keyParts: [String] {
    let common = [target ?? "", isReadOnly ? "ro" : "rw"]
    switch kind {
    case .bind(_, let path): return ["bind"] + common + [path]
    case .cache(let cache):
      return ["cache"] + common + [cache.id, cache.sharing.rawValue, cache.path, cache.owner.text]
    case .tmpfs(let size): return ["tmpfs"] + common + ["\(size?.bytes ?? 0)"]
    // BuildKit: which secret it is decides, what it says does not.
    case .secret(let secret):
      return ["secret"] + common + [secret.id, secret.variable ?? "", secret.owner.text, "\(secret.isRequired)"]
    case .ssh(let agent): return ["ssh"] + common + [agent.id, agent.owner.text, "\(agent.isRequired)"]
    }
  }

  /// Where its files come from, if from anywhere but its own kind.
  var origin: CopyAction.Origin? {
    switch kind {
    case .bind(let origin, _): origin
    case .cache(let cache): cache.origin
    case .tmpfs, .secret, .ssh: nil
    }
  }

  /// Path inside the origin.
  var originPath: String {
    switch kind {
    case .bind(_, let path): path
    case .cache(let cache): cache.path
    case .tmpfs, .secret, .ssh: "/"
    }
  }
}

extension RunOwner {
  /// `uid:gid mode`.
  var text: String { "\(uid):\(gid) \(String(mode, radix: 8))" }
}
