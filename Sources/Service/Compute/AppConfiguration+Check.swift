import Diagnostics
import Runner
import Storage

extension AppConfiguration {
  /// Sets the ports that a message carries as wide numbers. Throws `port-invalid`.
  package mutating func setPorts(_ numbers: [UInt32]) throws(Failure) {
    var ports: [UInt16] = []
    for number in numbers {
      guard let port = UInt16(exactly: number), port > 0 else {
        throw Self.invalid("port", "port \(number) is not between 1 and 65535", "leave ports out for port 80 alone")
      }
      guard !ports.contains(port) else {
        throw Self.invalid("port", "port \(port) stands in ports twice", "name each port once")
      }
      ports.append(port)
    }
    self.ports = ports
  }

  /// Throws INVALID_ARGUMENT for what no replica could be started or asked with.
  package func check() throws(Failure) {
    try Self.checkText(description, "description", limit: 4096)
    try Self.checkText(inputSchema, "input_schema", limit: 256 << 10)
    try Self.checkText(outputSchema, "output_schema", limit: 256 << 10)
    try checkEnvironment()
    try checkHealthPath()
    try checkNumbers()
    guard ports.count <= 32 else {
      throw Self.invalid("port", "the app has \(ports.count) ports", "name at most 32")
    }
  }

  /// Throws `app-label-long` when a host name of the app would not be one (RFC 1035 §2.3.4).
  func checkLabels(of app: AppID) throws(Failure) {
    for port in servedPorts {
      let label = AppDomain.label(of: app, port: port)
      guard label.utf8.count > 63 else { continue }
      throw Failure(
        .invalidArgument, reason: "app-label-long",
        "the host name of app '\(app)', \(label), has \(label.utf8.count) characters, and a host name's part has at most 63",
        hint: "choose a shorter name")
    }
  }

  private func checkEnvironment() throws(Failure) {
    var size = 0
    for (name, value) in environment {
      let isWord: (UInt8) -> Bool = { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2d, 0x2e: true
        default: false
        }
      }
      guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy(isWord),
        name.utf8.first.map({ !(0x30...0x39).contains($0) }) == true
      else {
        throw Self.invalid(
          "env", "environment variable name '\(Shown.text(name))' is not valid",
          "use up to 256 letters, digits, '_', '-' and '.', and begin with no digit")
      }
      // The value stands in no message: it may well be a secret.
      guard !value.utf8.contains(0), value.utf8.count <= 96 << 10 else {
        throw Self.invalid(
          "env", "the value of environment variable '\(name)' holds a NUL byte or is longer than 96 KiB",
          "put large values into a file of the image")
      }
      size += name.utf8.count + value.utf8.count
    }
    guard size <= 512 << 10 else {
      throw Self.invalid(
        "env", "the environment has \(size) bytes, more than 512 KiB", "put large values into the image")
    }
  }

  private func checkHealthPath() throws(Failure) {
    guard !healthPath.isEmpty else { return }
    guard healthPath.hasPrefix("/"), healthPath.utf8.count <= 1024,
      healthPath.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x23 })
    else {
      throw Self.invalid(
        "health-path", "health_path '\(Shown.text(healthPath))' is not a path",
        "begin it with '/', such as /healthz; write other characters as %20")
    }
  }

  private func checkNumbers() throws(Failure) {
    guard memory == 0 || (16...65_536).contains(memory) else {
      throw Self.invalid(
        "limits", "limits.memory_mb \(memory) is not between 16 and 65536", "leave it out for the tier's")
    }
    guard cpu == 0 || (10...64_000).contains(cpu) else {
      throw Self.invalid(
        "limits", "limits.cpu_millicores \(cpu) is not between 10 and 64000", "leave it out for the tier's")
    }
    guard timeoutSeconds <= 86_400 else {
      throw Self.invalid(
        "limits", "limits.timeout_secs \(timeoutSeconds) is longer than a day", "leave it out for 120 s")
    }
    guard maximumReplicas <= 64 else {
      throw Self.invalid("scaling", "scaling.max_replicas \(maximumReplicas) is more than 64", "use at most 64")
    }
    guard reservedReplicas <= max(1, maximumReplicas) else {
      throw Self.invalid(
        "scaling",
        "scaling.reserved_capacity \(reservedReplicas) is more than max_replicas, \(max(1, maximumReplicas))",
        "raise scaling.max_replicas with it")
    }
    guard maximumConcurrency <= 100_000 else {
      throw Self.invalid(
        "concurrency", "max_concurrency \(maximumConcurrency) is more than 100000", "leave it out for no bound")
    }
  }

  private static func checkText(_ text: String, _ member: String, limit: Int) throws(Failure) {
    guard text.utf8.count <= limit, !text.utf8.contains(0) else {
      throw invalid(
        member.replacing("_", with: "-"), "\(member) is longer than \(limit) bytes or holds a NUL byte", "shorten it")
    }
  }

  private static func invalid(_ what: String, _ words: String, _ hint: String) -> Failure {
    Failure(.invalidArgument, reason: "\(what)-invalid", words, hint: hint)
  }
}

extension AppConfiguration {
  /// The change laid over what there is; what it leaves must be checked.
  package mutating func apply(_ change: AppChange) throws(Failure) {
    if let tier = change.tier { self.tier = tier }
    if let description = change.description { self.description = description }
    if !change.environment.isEmpty { environment = change.environment }
    if let limits = change.limits { (memory, cpu, timeoutSeconds) = limits }
    if let scaling = change.scaling { (maximumReplicas, reservedReplicas) = scaling }
    if !change.ports.isEmpty { try setPorts(change.ports) }
    if let healthPath = change.healthPath { self.healthPath = healthPath }
    if let speaksMCP = change.speaksMCP { self.speaksMCP = speaksMCP }
    if let maximumConcurrency = change.maximumConcurrency { self.maximumConcurrency = maximumConcurrency }
    if let allowsAnonymous = change.allowsAnonymous { self.allowsAnonymous = allowsAnonymous }
  }
}
