import Foundation
import TestSupport
import Testing

/// What buildah 1.28 can build too, built by both. `-` is ours, `+` is buildah's.
@Suite("Images beside buildah's")
struct BuildahTests {
  /// Dockerfile lines after `FROM $BASE`, and where the two differ on purpose.
  static let cases: [(name: String, lines: String, differences: [String])] = [
    ("a file by a new name", "COPY file /new", []),
    ("a file into a new directory", "COPY file /new/", []),
    ("deep", "COPY file /a/b/c", []),
    ("sticky", "COPY file /tmp/", []),
    ("a directory's content", "COPY dir /new", []),
    ("into the root", "COPY dir /", []),
    ("patterns", "COPY *.txt d?r/i[mn] /n/", []),
    ("several", "COPY file tool dir /n/", []),
    ("the context", "COPY . /ctx", []),
    ("relative", "WORKDIR /w/x\nCOPY file ../y/\nCOPY tool .", []),
    ("owner by number", "COPY --chown=5:6 dir /n/", []),
    ("owner by name", "COPY --chown=builder:builders dir tool /n/", []),
    ("owner alone", "COPY --chown=7 file /n/f", []),
    ("mode", "COPY --chmod=0711 file /f", []),
    ("a link to a file", "COPY to-file /n", []),
    ("links inside", "COPY links /n", []),
    ("through links of the image", "RUN mkdir /real && ln -s real /alias\nCOPY file /alias/\nCOPY tool /alias/x", []),
    ("over a file", "COPY file /etc/passwd\nCOPY tool /etc/passwd", []),
    ("names", "COPY [\"a name\", \"größe\", \"/n/\"]", []),
    (
      "from a stage",
      """
      RUN mkdir -p /d/sub && echo 1 > /d/f && ln /d/f /d/sub/g && ln -s f /d/l && chown 5:6 /d/f && chmod 6755 /d/f \\
        && chmod 1770 /d/sub && mkfifo /d/p
      FROM $BASE
      COPY --from=0 /d /e
      COPY --from=0 /d/l /one
      COPY --from=0 --chown=8 /d/sub /two/
      """, []
    ),
    ("archives", "ADD x.tar /\nADD x.tar.gz /gz/\nADD x.tar.bz2 /bz\nADD x.tar.xz /xz\nADD x.zip /zip/", []),
    ("archives over what is there", "RUN mkdir -m 700 /sub && echo old > /z\nADD x.tar /", []),
    ("archives copied", "COPY x.tar x.tar.gz /", []),
    (
      "commands",
      """
      RUN mkdir -p /a/in /b && echo 1 > /a/in/f && echo 2 > /b/f && ln /b/f /b/g && ln -s f /b/l
      RUN rm -r /a && echo file > /a && rm /b/f && mkdir /c && chmod 2711 /c && chown 9:10 /c /b/g
      RUN rm -r /b && mkdir /b && echo new > /b/h && mv /c /d && rm /bin/vi
      """, []
    ),
    ("directories", "WORKDIR /one/two\nWORKDIR three\nRUN pwd > /pwd\nUSER 5:6\nRUN id -u > /tmp/id", []),
    (
      "settings",
      """
      ARG A=1
      ARG B
      ENV X=$A Y="a b" Z=${B:-none}
      LABEL one=1 two="2 3"
      EXPOSE 80 53/udp
      VOLUME /v /w
      USER builder
      WORKDIR /home
      STOPSIGNAL SIGINT
      HEALTHCHECK --interval=5s --timeout=2s --retries=3 CMD true
      SHELL ["/bin/sh", "-ec"]
      ENTRYPOINT ["/e"]
      CMD c d
      ONBUILD COPY . /x
      MAINTAINER me
      """,
      [
        // Dockerfile reference, SHELL: the shell form of CMD uses it.
        #"- Cmd ["/bin/sh", "-ec", "c d"]"#, #"+ Cmd ["/bin/sh", "-c", "c d"]"#,
      ]
    ),
    ("an entrypoint over a command", "CMD [\"a\"]\nFROM 0\nENTRYPOINT [\"e\"]", []),
    ("triggers", "ONBUILD COPY file /t\nONBUILD RUN echo x > /u\nFROM 0\nRUN cat /t /u > /v", []),
  ]

  @Test("are the same in every path and setting, but for what BuildKit does otherwise")
  func same() async throws {
    try await Kitchen.run { kitchen in
      try await Self.fill(kitchen.folder)
      try await Self.compare(Self.cases, in: kitchen)
    }
  }

  /// Builds each of the cases by both, in the folder `app`.
  static func compare(
    _ cases: [(name: String, lines: String, differences: [String])], in kitchen: Kitchen
  ) async throws {
    let buildah = try await Buildah(kitchen)
    for (name, lines, expected) in cases {
      let dockerfile = "ARG BASE=busybox\nFROM $BASE AS first\n\(lines)\n"
      let lines = dockerfile.replacingOccurrences(of: "FROM 0", with: "FROM first")
      let ours = try await kitchen.build(lines)
      #expect(ours.succeeded, "\(name): \(ours.result.all)")
      let (first, second) = (kitchen.folder.path("ours"), kitchen.folder.path("theirs"))
      for folder in [first, second] { try? FileManager.default.removeItem(atPath: folder) }
      try await succeed(
        "skopeo",
        [
          "copy", "-q", "--insecure-policy", "--src-tls-verify=false",
          "docker://\(kitchen.server.ready.registry)/dev/app:latest", "dir:\(first)",
        ])
      try await buildah.build(kitchen.folder.path("app"), into: second)
      let differences = try await ImageComparison.differences(first, second)
        .filter { line in !mountPoints.contains { line.hasPrefix("+ \($0) ") } }
      #expect(differences == expected, "\(name)")
    }
  }

  /// What a RUN of buildah leaves behind of its mounts, and BuildKit does not.
  private static let mountPoints = [
    "/dev", "/proc", "/run", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
  ]

  static func fill(_ folder: TemporaryFolder) async throws {
    let script = """
      set -e
      mkdir -p app/dir/sub app/links app/empty; cd app
      echo file > file; echo tool > tool; chmod 755 tool; echo a > a.txt; echo b > b.txt; chmod 600 b.txt
      echo in > dir/in; echo deep > dir/sub/deep; chmod 750 dir/sub; chmod 640 dir/in
      ln -s file to-file; ln -s ../file links/up; ln -s nowhere links/dangling; ln -s /etc/passwd links/absolute
      echo spaced > 'a name'; echo umlaut > größe
      mkdir t; echo z > t/z; mkdir t/sub; ln t/z t/sub/a; ln -s z t/l; chmod 2750 t/sub
      tar --owner=3 --group=4 -C t -cf x.tar z sub l; rm -r t
      gzip -k x.tar; bzip2 -k x.tar; xz -k x.tar
      python3 -c 'import zipfile; zipfile.ZipFile("x.zip", "w").writestr("inside", "z")'
      printf 'x.*\\n!x.tar*\\n!x.zip\\nempty\\n' > .dockerignore
      """
    let made = try await Tool("/bin/sh").run(["-c", script], in: folder.path)
    try #require(made.status == 0, "\(made.all)")
  }

  @discardableResult
  static func succeed(_ tool: String, _ arguments: [String]) async throws -> Tool.Result {
    let result = try await Tool(tool).run(arguments)
    try #require(result.status == 0, "\(tool) \(arguments): \(result.all)")
    return result
  }

  /// buildah with a store of its own, which holds our base.
  struct Buildah {
    private let options: [String]

    init(_ kitchen: Kitchen) async throws {
      let folder = kitchen.folder
      options = ["--storage-driver", "overlay", "--root", folder.path("root"), "--runroot", folder.path("run")]
      let base = try await succeed(
        "buildah",
        options + ["pull", "-q", "--tls-verify=false", "\(kitchen.server.ready.registry)/dev/busybox:latest"])
      try await succeed("buildah", options + ["tag", base.lines.last ?? "", "localhost/busybox:latest"])
    }

    func build(_ context: String, into folder: String) async throws {
      try await succeed(
        "buildah",
        options + [
          "bud", "-q", "--isolation", "chroot", "--format", "docker", "--build-arg", "BASE=localhost/busybox:latest",
          "-t",
          "localhost/theirs:latest", context,
        ])
      try await succeed("buildah", options + ["push", "-q", "localhost/theirs:latest", "dir:\(folder)"])
    }
  }
}
