import Diagnostics

/// Package.swift.
enum SwiftStarter {
  static func dockerfile(_ source: StarterSource) throws(Failure) -> StarterDockerfile? {
    guard source.names.contains("Package.swift") else { return nil }
    let manifest = source.read("Package.swift") ?? ""
    guard let product = product(manifest) else {
      throw StarterDockerfile.incomplete(
        "Package.swift declares no .executable and no .executableTarget", "declare the program that is to run")
    }
    let body = """
      ARG SWIFT_VERSION=6.1
      FROM swift:${SWIFT_VERSION} AS build
      WORKDIR /src
      COPY . .
      RUN --mount=type=cache,target=/src/.build --mount=type=cache,target=/root/.cache \\
          swift build -c release --product \(product) && mkdir /out \\
          && cp -R .build/release/\(product) $(find -L .build/release -maxdepth 1 -name '*.resources') /out/

      FROM swift:${SWIFT_VERSION}-slim
      WORKDIR /app
      COPY --from=build /out/ ./
      RUN install -d -o 65532 -g 65532 /tmp/ignite
      """
    return StarterDockerfile(
      .swift, because: "Package.swift is there, and '\(product)' is its program", body,
      StarterCommand(["/app/\(product)"]))
  }

  /// The name after the first `.executable(` or else `.executableTarget(`.
  private static func product(_ manifest: String) -> String? {
    for word in [".executable(", ".executableTarget("] {
      guard let begin = manifest.firstRange(of: word) else { continue }
      let parts = manifest[begin.upperBound...].split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
      let isWord: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
      if parts.count == 3, !parts[1].isEmpty, parts[1].allSatisfy(isWord) { return String(parts[1]) }
    }
    return nil
  }
}
