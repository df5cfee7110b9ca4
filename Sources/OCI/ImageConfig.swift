/// The image configuration (image-spec, config.md), with Docker's extensions that builders write.
package struct ImageConfig: Sendable, Hashable, Codable {
  package var created: String?
  package var author: String?
  package var architecture: String
  package var os: String
  package var variant: String?
  package var config: Container?
  package var rootfs: RootFS
  package var history: [History]?

  package init(platform: Platform) {
    architecture = platform.architecture
    os = platform.os
    variant = platform.variant
    rootfs = RootFS(diffIDs: [])
  }

  package var platform: Platform { Platform(os: os, architecture: architecture, variant: variant) }

  /// What to run and with what around it.
  package struct Container: Sendable, Hashable, Codable {
    package var user: String?
    package var exposedPorts: [String: Empty]?
    package var env: [String]?
    package var entrypoint: [String]?
    package var cmd: [String]?
    package var volumes: [String: Empty]?
    package var workingDir: String?
    package var labels: [String: String]?
    package var stopSignal: String?
    package var argsEscaped: Bool?
    package var healthcheck: Healthcheck?
    package var shell: [String]?
    package var onBuild: [String]?

    package init() {}

    private enum CodingKeys: String, CodingKey {
      case user = "User"
      case exposedPorts = "ExposedPorts"
      case env = "Env"
      case entrypoint = "Entrypoint"
      case cmd = "Cmd"
      case volumes = "Volumes"
      case workingDir = "WorkingDir"
      case labels = "Labels"
      case stopSignal = "StopSignal"
      case argsEscaped = "ArgsEscaped"
      case healthcheck = "Healthcheck"
      case shell = "Shell"
      case onBuild = "OnBuild"
    }
  }

  /// Go's `struct{}`: an object without members.
  package struct Empty: Sendable, Hashable, Codable { package init() {} }

  /// Docker's health check; durations in nanoseconds.
  package struct Healthcheck: Sendable, Hashable, Codable {
    package var test: [String]?
    package var interval: Int64?
    package var timeout: Int64?
    package var startPeriod: Int64?
    package var startInterval: Int64?
    package var retries: Int?
    package init() {}
    private enum CodingKeys: String, CodingKey {
      case test = "Test"
      case interval = "Interval"
      case timeout = "Timeout"
      case startPeriod = "StartPeriod"
      case startInterval = "StartInterval"
      case retries = "Retries"
    }
  }

  package struct RootFS: Sendable, Hashable, Codable {
    package var type = "layers"
    /// Digests of the uncompressed layers, lowest first.
    package var diffIDs: [Digest]
    package init(diffIDs: [Digest]) { self.diffIDs = diffIDs }
    private enum CodingKeys: String, CodingKey {
      case type
      case diffIDs = "diff_ids"
    }
  }

  package struct History: Sendable, Hashable, Codable {
    package var created: String?
    package var createdBy: String?
    package var author: String?
    package var comment: String?
    package var emptyLayer: Bool?
    package init(created: String?, createdBy: String, comment: String? = nil, emptyLayer: Bool? = nil) {
      self.created = created
      self.createdBy = createdBy
      self.comment = comment
      self.emptyLayer = emptyLayer
    }
    private enum CodingKeys: String, CodingKey {
      case created, author, comment
      case createdBy = "created_by"
      case emptyLayer = "empty_layer"
    }
  }
}
