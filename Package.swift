// swift-tools-version: 6.2
import PackageDescription

// The rooms of the house, floor by floor; a target imports only targets on lower floors.
// `make check` reads this file (`swift package dump-package`) and fails on an upward edge or a third-party
// import outside the allow-list in Makefile's check script.

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "kindling",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "kindling", targets: ["kindling"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
  ],
  targets: [
    // 6 House
    .executableTarget(
      name: "kindling",
      dependencies: [
        "House", "RPC", "API", "Terminal", "Service", "Runner", "Builder", "Registry", "Git", "Remote", "Outbound",
        "Storage",
        "Archive", "Sandbox", "OCI", "Diagnostics",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "House",
      dependencies: [
        "Gateway", "RPC", "Wire", "Service", "Runner", "Builder", "Registry", "Remote", "Git", "Outbound", "Storage",
        "Sandbox", "Archive", "OCI", "Diagnostics",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),

    // 5 Doors
    .target(
      name: "Gateway",
      dependencies: [
        "Wire", "API", "Service", "Runner", "Registry", "Storage", "OCI", "Diagnostics", "CWebAssets",
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "RPC",
      dependencies: [
        "Wire", "API", "Service", "Runner", "Storage", "Diagnostics",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    // The contract's messages against the use-cases: what both doors share.
    .target(
      name: "Wire",
      dependencies: [
        "API", "Service", "Runner", "Storage", "OCI", "Diagnostics",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: settings),
    .target(name: "Terminal", dependencies: ["Diagnostics"], swiftSettings: settings),

    // 4 Room
    .target(
      name: "Service",
      dependencies: [
        "Runner", "Builder", "Registry", "Remote", "Git", "Outbound", "Storage", "Archive", "Dockerfile", "OCI",
        "Diagnostics",
        .product(name: "JWTKit", package: "jwt-kit"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),

    // 3 Trade
    .target(
      name: "Builder",
      dependencies: [
        "Dockerfile", "Archive", "Sandbox", "Storage", "OCI", "Diagnostics",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "Registry",
      dependencies: [
        "Archive", "Storage", "OCI", "Diagnostics",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),

    .target(
      name: "Runner",
      dependencies: [
        "Sandbox", "Storage", "OCI", "Diagnostics",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "Remote",
      dependencies: [
        "Outbound", "Archive", "Storage", "OCI", "Diagnostics",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),

    // 2.5 what a trade stands on
    .target(
      name: "Git",
      dependencies: [
        "Outbound", "Archive", "OCI", "Diagnostics", "CGit", "CCompression", "COpenSSL",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),

    // 2 Craft
    .target(
      name: "Outbound",
      dependencies: [
        "Diagnostics", "CCompression",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "Storage",
      dependencies: [
        "OCI", "Diagnostics",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "Archive",
      dependencies: [
        "OCI", "Diagnostics", "CCompression",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "Sandbox",
      dependencies: [
        "Diagnostics", "CSandbox",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),

    // 1 Word
    .target(name: "OCI", dependencies: ["Diagnostics", "COpenSSL"], swiftSettings: settings),
    .target(name: "Dockerfile", dependencies: ["Diagnostics"], swiftSettings: settings),
    .target(name: "Diagnostics", swiftSettings: settings),

    // beside
    .target(
      name: "API",
      dependencies: [
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["Proto"]),
    .target(name: "CSandbox", cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(["-Wall", "-Wextra"])]),
    .target(name: "CGit", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra"])]),
    .target(name: "CWebAssets", path: "Web", sources: ["embed"], publicHeadersPath: "embed/include"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CCompression",
      providers: [.apt(["libisal-dev", "zlib1g-dev", "libzstd-dev", "liblzma-dev", "libbz2-dev"])]),

    // What the tests share: other people's programs, folders of their own, the real binary as a server.
    .target(
      name: "TestSupport",
      dependencies: [
        "Runner", "Storage", "OCI", "Diagnostics", .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    // What reads bytes of strangers, for libFuzzer (`make fuzz`) and for the tests that replay its corpus.
    .target(
      name: "Fuzz",
      dependencies: [
        "Git", "Archive", "OCI", "Diagnostics", "CCompression",
        .product(name: "SystemPackage", package: "swift-system"),
      ], path: "Tests/Fuzz", exclude: ["Corpus", "run"], swiftSettings: settings),

    // Tests, one target for each room
    .testTarget(
      name: "ArchiveTests",
      dependencies: ["Archive", "OCI", "Diagnostics", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .testTarget(
      name: "BuilderTests",
      dependencies: [
        "Builder", "Dockerfile", "Archive", "Storage", "OCI", "Diagnostics", "TestSupport", "kindling",
        .product(name: "SystemPackage", package: "swift-system"),
      ], exclude: ["Golden"], swiftSettings: settings),
    .testTarget(
      name: "DiagnosticsTests", dependencies: ["Diagnostics", "TestSupport"], exclude: ["Golden"],
      swiftSettings: settings),
    .testTarget(name: "DockerfileTests", dependencies: ["Dockerfile", "Diagnostics"], swiftSettings: settings),
    .testTarget(
      name: "ForeignTests", dependencies: ["kindling", "TestSupport"], exclude: ["Scripts"], swiftSettings: settings),
    .testTarget(
      name: "GitTests",
      dependencies: [
        "Git", "Outbound", "Archive", "OCI", "Diagnostics", "TestSupport", "Fuzz", "CGit", "CCompression",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .testTarget(
      name: "KindlingTests",
      dependencies: [
        "kindling", "API", "Builder", "Storage", "OCI", "Diagnostics", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], exclude: ["Golden"], swiftSettings: settings),
    .testTarget(name: "OCITests", dependencies: ["OCI", "Diagnostics"], swiftSettings: settings),
    .testTarget(
      name: "OutboundTests",
      dependencies: [
        "Outbound", "Diagnostics", "TestSupport",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .testTarget(
      name: "RemoteTests",
      dependencies: [
        "Remote", "Outbound", "Archive", "Storage", "OCI", "Diagnostics", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ], exclude: ["Scripts"], swiftSettings: settings),
    .testTarget(
      name: "RunnerTests",
      dependencies: [
        "Runner", "Sandbox", "Storage", "OCI", "Diagnostics", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .testTarget(
      name: "SandboxTests",
      dependencies: ["Sandbox", "Diagnostics", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .testTarget(
      name: "TerminalTests", dependencies: ["Terminal", "Diagnostics", "TestSupport"], exclude: ["Golden"],
      swiftSettings: settings),
    .testTarget(name: "WebAssetsTests", dependencies: ["CWebAssets"], swiftSettings: settings),
    .testTarget(
      name: "WireTests",
      dependencies: [
        "Wire", "API", "Service", "Runner", "Storage", "OCI", "Diagnostics",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: settings),
    .testTarget(
      name: "RPCTests",
      dependencies: [
        "RPC", "Wire", "API", "Service", "Runner", "Storage", "Diagnostics", "TestSupport",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .testTarget(
      name: "GatewayTests",
      dependencies: [
        "Gateway", "Wire", "API", "Service", "Runner", "Registry", "Storage", "OCI", "Diagnostics", "TestSupport",
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .testTarget(
      name: "RegistryTests",
      dependencies: [
        "Registry", "Storage", "OCI", "Diagnostics", .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "Service", "Runner", "Git", "Builder", "Registry", "Remote", "Outbound", "Storage", "Archive", "OCI",
        "Diagnostics",
        "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ], exclude: ["Golden"], swiftSettings: settings),
    .testTarget(
      name: "StorageTests",
      dependencies: [
        "Storage", "OCI", "Diagnostics", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
