/// go.mod.
enum GoStarter {
  private static let version = "1.25"

  static func dockerfile(_ source: StarterSource) -> StarterDockerfile? {
    guard source.names.contains("go.mod") else { return nil }
    let hasRootProgram = source.names.contains { $0.hasSuffix(".go") && !$0.hasSuffix("_test.go") }
    let package = !hasRootProgram && source.names.contains("cmd") ? "./cmd/..." : "."
    let sums = source.names.contains("go.sum") ? "go.mod go.sum" : "go.mod"
    let body = """
      ARG GO_VERSION=\(wantedVersion(source.read("go.mod") ?? ""))
      FROM golang:${GO_VERSION} AS build
      WORKDIR /src
      COPY \(sums) ./
      RUN --mount=type=cache,target=/go/pkg/mod go mod download
      COPY . .
      RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \\
          CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /out/app \(package) && mkdir -p /home/tmp/ignite

      FROM scratch
      COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
      COPY --from=build --chown=65532:65532 /home/tmp /tmp
      COPY --from=build /out/app /app
      """
    return StarterDockerfile(.go, because: "go.mod is there", body, StarterCommand(["/app"]))
  }

  /// Of the line `go 1.22.3` the first two numbers; an image that is older would refuse the module.
  private static func wantedVersion(_ text: String) -> String {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count >= 2, words[0] == "go" else { continue }
      let numbers = words[1].split(separator: ".").prefix(2).compactMap { Int($0) }
      if numbers.count == 2 { return "\(numbers[0]).\(numbers[1])" }
    }
    return version
  }
}
