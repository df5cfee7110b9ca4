import API
import ArgumentParser
import Diagnostics
import Foundation

/// How an app is to run, as `app create`, `app update` and `app deploy` take it.
struct AppOptions: ParsableArguments {
  enum Tier: String, ExpressibleByArgument, CaseIterable, Sendable {
    case small, medium, large, xlarge
    /// The help names them itself, on one line.
    static var allValueStrings: [String] { [] }
    var message: Dodil_Ignite_V1_ResourceTier {
      switch self {
      case .small: .small
      case .medium: .medium
      case .large: .large
      case .xlarge: .xlarge
      }
    }
  }

  enum StorageMode: String, ExpressibleByArgument, CaseIterable, Sendable {
    case persistent, ephemeral, ttl
    static var allValueStrings: [String] { [] }
    var message: Dodil_Ignite_V1_StorageMode {
      switch self {
      case .persistent: .persistent
      case .ephemeral: .ephemeral
      case .ttl: .ttl
      }
    }
  }

  @Option(name: .shortAndLong, help: ArgumentHelp("small, medium, large or xlarge", valueName: "tier"))
  var tier: Tier?

  @Option(help: ArgumentHelp("Instead of the tier's, in MB", valueName: "mb"))
  var memory: UInt32?

  @Option(help: ArgumentHelp("Instead of the tier's, in thousandths of a core", valueName: "millicores"))
  var cpu: UInt32?

  @Option(help: ArgumentHelp("How long a call may take", valueName: "s"))
  var timeoutSecs: UInt64?

  @Option(help: ArgumentHelp("What it is for", valueName: "text"))
  var description: String?

  @Option(help: ArgumentHelp("A variable; all that are set are replaced (repeatable)", valueName: "k=v"))
  var env: [String] = []

  @Flag(inversion: .prefixedNo, help: "Whether calls by host name need no token")
  var allowUnauthenticated: Bool?

  @Option(help: ArgumentHelp("Answers with 2xx when ready (default: /healthz)", valueName: "path"))
  var healthPath: String?

  @Option(help: ArgumentHelp("Replicas that run without calls", valueName: "n"))
  var reserved: UInt32?

  @Option(help: ArgumentHelp("Replicas at most", valueName: "n"))
  var maxReplicas: UInt32?

  @Option(help: ArgumentHelp("Calls at a time in one replica", valueName: "n"))
  var maxConcurrency: UInt32?

  @Option(help: ArgumentHelp("Another port with a host name of its own (repeatable)", valueName: "port"))
  var port: [UInt32] = []

  // CreateApp takes it, UpdateAppConfig does not.
  @Option(help: ArgumentHelp("persistent, ephemeral or ttl; only kept, when made", valueName: "mode"))
  var storageMode: StorageMode?

  // The vendor's, for code that is compiled and not for images.
  @Option(help: .hidden) var runtime: String?
  @Option(help: .hidden) var rustTarget: String?
  @Option(help: .hidden) var toolchain: String?
  @Option(help: .hidden) var ttl: String?
  @Option(help: .hidden) var autoMode: String?

  func validate() throws {
    for word in env where word.hasPrefix("=") || word.isEmpty {
      throw ValidationError("variable '\(word)' has no name; write it like --env NAME=VALUE")
    }
    // Told before anything is built: 'app deploy' changes an app only after its code has compiled.
    if let healthPath, !healthPath.isEmpty, !healthPath.hasPrefix("/") {
      throw ValidationError("--health-path '\(healthPath)' does not begin with '/'; write it like /healthz")
    }
    if let number = port.first(where: { !(1...65535).contains($0) }) {
      throw ValidationError("--port \(number) is not between 1 and 65535")
    }
  }

  /// What was given and changes nothing here; nil when nothing was.
  var warning: String? {
    Self.ignored([
      ("--runtime", runtime), ("--rust-target", rustTarget), ("--toolchain", toolchain), ("--ttl", ttl),
      ("--auto-mode", autoMode),
    ])
  }

  /// Says that those options which were given are ignored; nil when none was.
  static func ignored(_ options: [(name: String, value: String?)]) -> String? {
    let given = options.filter { $0.value != nil }.map(\.name)
    guard !given.isEmpty else { return nil }
    return "\(given.joined(separator: ", ")): not emulated, as apps here run images; "
      + (given.count == 1 ? "it is ignored" : "they are ignored")
  }

  /// Whether anything was given that an app keeps.
  var isEmpty: Bool {
    tier == nil && memory == nil && cpu == nil && timeoutSecs == nil && description == nil && env.isEmpty
      && allowUnauthenticated == nil && healthPath == nil && reserved == nil && maxReplicas == nil
      && maxConcurrency == nil && port.isEmpty
  }

  private var limits: Dodil_Ignite_V1_ResourceLimits? {
    guard memory != nil || cpu != nil || timeoutSecs != nil else { return nil }
    var limits = Dodil_Ignite_V1_ResourceLimits()
    limits.memoryMb = memory ?? 0
    limits.cpuMillicores = cpu ?? 0
    limits.timeoutSecs = timeoutSecs ?? 0
    return limits
  }

  private var scaling: Dodil_Ignite_V1_ScalingConfig? {
    guard reserved != nil || maxReplicas != nil else { return nil }
    var scaling = Dodil_Ignite_V1_ScalingConfig()
    scaling.reservedCapacity = reserved ?? 0
    scaling.maxReplicas = maxReplicas ?? 0
    return scaling
  }

  /// Docker: `--env NAME` passes the caller's variable on.
  private func variables(_ environment: [String: String]) -> [String: String] {
    BuildOptions.arguments(env, environment)
  }

  func creation(of app: AppTarget) -> Dodil_Ignite_V1_CreateAppRequest {
    var message = Dodil_Ignite_V1_CreateAppRequest()
    message.organizationName = app.organization
    message.name = app.name
    message.resourceTier = tier?.message ?? .unspecified
    message.description_p = description ?? ""
    message.env = variables(ProcessInfo.processInfo.environment)
    if let limits { message.limits = limits }
    if let scaling { message.scaling = scaling }
    message.storageMode = storageMode?.message ?? .unspecified
    message.ports = port
    message.healthPath = healthPath ?? ""
    message.maxConcurrency = maxConcurrency ?? 0
    message.allowUnauthenticated = allowUnauthenticated ?? false
    return message
  }

  func change(of app: AppTarget) -> Dodil_Ignite_V1_UpdateAppConfigRequest {
    var message = Dodil_Ignite_V1_UpdateAppConfigRequest()
    message.organizationName = app.organization
    message.appName = app.name
    if let tier { message.resourceTier = tier.message }
    if let description { message.description_p = description }
    message.env = variables(ProcessInfo.processInfo.environment)
    if let limits { message.limits = limits }
    if let scaling { message.scaling = scaling }
    message.ports = port
    if let healthPath { message.healthPath = healthPath }
    if let maxConcurrency { message.maxConcurrency = maxConcurrency }
    if let allowUnauthenticated { message.allowUnauthenticated = allowUnauthenticated }
    return message
  }
}
