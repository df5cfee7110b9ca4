import Diagnostics

/// Cargo.toml.
enum RustStarter {
  static func dockerfile(_ source: StarterSource) throws(Failure) -> StarterDockerfile? {
    guard source.names.contains("Cargo.toml") else { return nil }
    guard let program = program(source.read("Cargo.toml") ?? "") else {
      throw StarterDockerfile.incomplete(
        "Cargo.toml names no [package] of its own", "name the directory of the crate that is to run")
    }
    let locked = source.names.contains("Cargo.lock") ? " --locked" : ""
    let body = """
      ARG RUST_VERSION=1
      FROM rust:${RUST_VERSION}-slim-bookworm AS build
      WORKDIR /src
      COPY . .
      RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \\
          cargo build --release\(locked) --bin \(program) && install -D target/release/\(program) /out/app

      FROM debian:bookworm-slim
      COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
      COPY --from=build /out/app /usr/local/bin/app
      RUN install -d -o 65532 -g 65532 /tmp/ignite
      """
    return StarterDockerfile(
      .rust, because: "Cargo.toml is there, and '\(program)' is its program", body,
      StarterCommand(["/usr/local/bin/app"]))
  }

  /// The first `[[bin]]`'s name, else the package's.
  private static func program(_ text: String) -> String? {
    var names: [String: String] = [:]
    var section = ""
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.filter { !$0.isWhitespace }
      if words.hasPrefix("[") {
        section = String(words.prefix { $0 != "#" })
      } else if words.hasPrefix("name="), names[section] == nil {
        let name = words.dropFirst(5).split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first
        names[section] = name.map(String.init)
      }
    }
    let name = names["[[bin]]"] ?? names["[package]"]
    let isWord: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    return name.flatMap { !$0.isEmpty && $0.allSatisfy(isWord) ? $0 : nil }
  }
}
