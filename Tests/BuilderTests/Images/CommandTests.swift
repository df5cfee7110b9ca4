import Foundation
import TestSupport
import Testing

@Suite("Commands of a build")
struct CommandTests {
  @Test("see the user, group, home, directory and environment they should")
  func surroundings() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build(
        """
        FROM busybox
        ARG GIVEN=default
        ENV SET="a 'quoted' b"
        RUN echo "1 $(id -u):$(id -g) $(id -G) $HOME $(pwd) $GIVEN $SET"
        USER builder
        WORKDIR /home
        RUN echo "2 $(id -u):$(id -g) $(id -G) $HOME $(pwd)"
        USER 1000:29
        RUN echo "3 $(id -u):$(id -g) $(id -G) $HOME"
        USER 4242
        RUN echo "4 $(id -u):$(id -g) $(id -G) $HOME"
        RUN ["/bin/sh", "-c", "echo 5 $0 $1", "zero", "one two"]
        SHELL ["/bin/sh", "-xc"]
        RUN echo 6
        RUN <<SCRIPT
        #!/bin/sh -e
        echo "7 $0"
        SCRIPT
        """, ["--build-arg", "GIVEN=outside"])
      #expect(built.succeeded, "\(built.log)")
      for line in [
        "1 0:0 0 /root / outside a 'quoted' b", "2 1000:1001 1001 29 /home /home", "3 1000:29 29 /home", "4 4242:0 0 /",
        "5 zero one two", "+ echo 6", "7 /dev/pipes/SCRIPT",
      ] { #expect(built.printed.contains(line), "'\(line)' in\n\(built.log)") }
    }
  }

  @Test("that fail end the build with their exit status, the line and the last of their words")
  func failure() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build("FROM busybox\nRUN echo before; \\\n  echo words >&2; exit 3\nRUN never\n")
      #expect(built.result.status == 1, "\(built.result.all)")
      for words in ["exit status 3", "words", "RUN echo before"] { #expect(built.log.contains(words), "\(built.log)") }
      #expect(built.printed == ["before", "words"])
      let killed = try await kitchen.build("FROM busybox\nRUN kill -9 $$\n")
      #expect(killed.log.contains("killed by signal 9"), "\(killed.log)")
      let missing = try await kitchen.build("FROM busybox\nRUN [\"/no/such/program\"]\n")
      #expect(missing.log.contains("/no/such/program"), "\(missing.log)")
      #expect(!missing.succeeded)
      let listed = try await kitchen.server.http("GET", "/v2/dev/app/tags/list", token: kitchen.server.token)
      #expect(listed.status == 404, "\(listed)")
    }
  }

  @Test("lose no word of ten megabytes")
  func output() async throws {
    try await Kitchen.run { kitchen in
      let built = try await kitchen.build(
        "FROM busybox\nRUN yes $(printf '%0499d' 0) | head -n 20000; printf 'no end'\n")
      #expect(built.succeeded)
      let line = String(repeating: "0", count: 499)
      #expect(built.printed == [String](repeating: line, count: 20_000) + ["no end"])
    }
  }

  @Test("leave no process behind")
  func orphans() async throws {
    try await Kitchen.run { kitchen in
      // The orphan holds the output open and would run for an hour.
      let built = try await kitchen.build("FROM busybox\nRUN sleep 3600 & echo started\n")
      #expect(built.succeeded, "\(built.log)")
      #expect(built.printed == ["started"])
    }
  }

  @Test("may be many")
  func many() async throws {
    try await Kitchen.run { kitchen in
      let steps = (1...60).map { "RUN echo \($0) > /step-\($0)\n" }.joined()
      let image = try await kitchen.image("FROM busybox\n" + steps)
      #expect(image.layers.count == 61)
      #expect(image.layers.last?.entries.contains { $0.hasSuffix("step-60") } == true)
    }
  }
}
