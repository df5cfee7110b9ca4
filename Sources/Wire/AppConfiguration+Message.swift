import API
import Diagnostics
import Service
import Storage

extension AppConfiguration {
  /// What CreateApp asks for, defaults filled in. Throws INVALID_ARGUMENT for numbers that the contract does not have.
  package init(_ message: Dodil_Ignite_V1_CreateAppRequest) throws(Failure) {
    self.init()
    tier = try message.resourceTier.tier ?? .medium
    description = message.description_p
    environment = message.env
    runtime = message.hasRuntime ? Runtime(message.runtime) : nil
    (memory, cpu) = (message.limits.memoryMb, message.limits.cpuMillicores)
    timeoutSeconds = message.limits.timeoutSecs
    (maximumReplicas, reservedReplicas) = (message.scaling.maxReplicas, message.scaling.reservedCapacity)
    storageMode = try message.storageMode.mode
    inputSchema = message.inputSchema
    outputSchema = message.outputSchema
    speaksMCP = message.mcpEnabled
    healthPath = message.healthPath
    maximumConcurrency = message.maxConcurrency
    allowsAnonymous = message.allowUnauthenticated
    try setPorts(message.ports)
  }
}

extension AppChange {
  package init(_ message: Dodil_Ignite_V1_UpdateAppConfigRequest) throws(Failure) {
    self.init()
    if message.hasResourceTier { tier = try message.resourceTier.tier }
    if message.hasDescription_p { description = message.description_p }
    environment = message.env
    if message.hasLimits {
      limits = (message.limits.memoryMb, message.limits.cpuMillicores, message.limits.timeoutSecs)
    }
    if message.hasScaling { scaling = (message.scaling.maxReplicas, message.scaling.reservedCapacity) }
    ports = message.ports
    if message.hasHealthPath { healthPath = message.healthPath }
    if message.hasMcpEnabled { speaksMCP = message.mcpEnabled }
    if message.hasMaxConcurrency { maximumConcurrency = message.maxConcurrency }
    if message.hasAllowUnauthenticated { allowsAnonymous = message.allowUnauthenticated }
  }
}

extension Dodil_Ignite_V1_ResourceTier {
  init(_ tier: AppTier) {
    self =
      switch tier {
      case .small: .small
      case .medium: .medium
      case .large: .large
      case .xlarge: .xlarge
      }
  }

  /// Nil when none is named.
  var tier: AppTier? {
    get throws(Failure) {
      switch self {
      case .unspecified: nil
      case .small: .small
      case .medium: .medium
      case .large: .large
      case .xlarge: .xlarge
      case .UNRECOGNIZED(let number):
        throw Failure(
          .invalidArgument, reason: "tier-unknown", "resource tier \(number) does not exist",
          hint: "use RESOURCE_TIER_SMALL, _MEDIUM, _LARGE or _XLARGE")
      }
    }
  }
}

extension Dodil_Ignite_V1_StorageMode {
  init(_ mode: AppConfiguration.StorageMode?) {
    self =
      switch mode {
      case nil: .unspecified
      case .persistent: .persistent
      case .ephemeral: .ephemeral
      case .ttl: .ttl
      }
  }

  var mode: AppConfiguration.StorageMode? {
    get throws(Failure) {
      switch self {
      case .unspecified: nil
      case .persistent: .persistent
      case .ephemeral: .ephemeral
      case .ttl: .ttl
      case .UNRECOGNIZED(let number):
        throw Failure(
          .invalidArgument, reason: "storage-mode-unknown", "storage mode \(number) does not exist",
          hint:
            "use STORAGE_MODE_PERSISTENT, _EPHEMERAL or _TTL; an image's own files are gone with its replica in each")
      }
    }
  }
}

extension AppConfiguration.Runtime {
  /// Nil for a runtime that names no language.
  init?(_ message: Dodil_Ignite_V1_Runtime) {
    switch message.runtime {
    case nil: return nil
    case .python: self.init(language: .python)
    case .go: self.init(language: .go)
    case .deno: self.init(language: .deno)
    case .rust(let rust):
      self.init(language: .rust, target: rust.target.rawValue, toolchain: String(rust.toolchainVersion.prefix(100)))
    }
  }
}

extension Dodil_Ignite_V1_Runtime {
  init(_ runtime: AppConfiguration.Runtime) {
    self.init()
    switch runtime.language {
    case .python: python = Dodil_Ignite_V1_PythonRuntime()
    case .go: go = Dodil_Ignite_V1_GoRuntime()
    case .deno: deno = Dodil_Ignite_V1_DenoRuntime()
    case .rust:
      rust.target = Dodil_Ignite_V1_RustCompilationTarget(rawValue: runtime.target) ?? .unspecified
      rust.toolchainVersion = runtime.toolchain
    }
  }
}

extension Dodil_Ignite_V1_ResourceLimits {
  /// What replicas get: the app's own where it has them, the tier's otherwise.
  init(applied configuration: AppConfiguration) {
    self.init()
    memoryMb = UInt32(clamping: configuration.appliedMemory.bytes >> 20)
    cpuMillicores = UInt32(clamping: configuration.appliedCPU)
    timeoutSecs = configuration.timeoutSeconds
  }
}

extension Dodil_Ignite_V1_ScalingConfig {
  init(_ configuration: AppConfiguration) {
    self.init()
    maxReplicas = max(1, configuration.maximumReplicas)
    reservedCapacity = configuration.reservedReplicas
  }
}
