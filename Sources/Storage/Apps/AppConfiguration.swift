import Diagnostics

/// How much of the machine one replica of an app may use (contract §1.2; all but MEDIUM are our decision).
package enum AppTier: String, Sendable, Hashable, Codable, CaseIterable {
  case small, medium, large, xlarge

  package var memory: ByteCount {
    switch self {
    case .small: .mebibytes(256)
    case .medium: .mebibytes(512)
    case .large: .mebibytes(1024)
    case .xlarge: .mebibytes(2048)
    }
  }

  /// Thousandths of a core.
  package var cpu: Int {
    switch self {
    case .small: 250
    case .medium: 500
    case .large: 1000
    case .xlarge: 2000
    }
  }
}

/// What an app is set to, versions and image aside.
package struct AppConfiguration: Sendable, Hashable, Codable {
  package enum StorageMode: String, Sendable, Hashable, Codable { case persistent, ephemeral, ttl }

  /// Said at the app's creation, kept and shown, and of no consequence for images.
  package struct Runtime: Sendable, Hashable, Codable {
    package enum Language: String, Sendable, Hashable, Codable { case python, rust, go, deno }
    package var language: Language
    package var target: Int
    package var toolchain: String
    package init(language: Language, target: Int = 0, toolchain: String = "") {
      self.language = language
      self.target = target
      self.toolchain = toolchain
    }
  }

  package var description = ""
  package var tier = AppTier.medium
  /// Mebibytes in place of the tier's; 0 is the tier's.
  package var memory: UInt32 = 0
  /// Thousandths of a core in place of the tier's; 0 is the tier's.
  package var cpu: UInt32 = 0
  /// 0 is the platform's 120 s.
  package var timeoutSeconds: UInt64 = 0
  package var environment: [String: String] = [:]
  /// 0 is 1.
  package var maximumReplicas: UInt32 = 0
  package var reservedReplicas: UInt32 = 0
  package var storageMode: StorageMode?
  package var inputSchema = ""
  package var outputSchema = ""
  package var speaksMCP = false
  /// Empty is the standard port alone.
  package var ports: [UInt16] = []
  /// Empty is `/healthz`.
  package var healthPath = ""
  package var maximumConcurrency: UInt32 = 0
  package var allowsAnonymous = false
  package var runtime: Runtime?

  package init() {}

  /// The tier's memory unless the app has its own.
  package var appliedMemory: ByteCount { memory == 0 ? tier.memory : .mebibytes(Int64(memory)) }
  /// The tier's share of processors unless the app has its own.
  package var appliedCPU: Int { cpu == 0 ? tier.cpu : Int(cpu) }
}
