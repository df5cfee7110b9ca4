import Archive
import Diagnostics
import SystemPackage
import Testing

@Suite struct DirectorySurveyTests {
  /// Each changes something that a build would see.
  @Test(
    "whatever changes in a directory changes its fingerprint, and reading does not",
    arguments: [
      "echo twq > d/a", "echo TWO > new && touch -r d/a new && cat new > d/a && touch -r new d/a", "chmod 600 d/a",
      "mv d/a d/c", "touch d/fresh", "rm link; ln -s elsewhere link", "touch -d @1 d/a", "cp -p d/a x && mv x d/a",
      "rmdir d/empty", "mkdir d/more",
    ]
  )
  func changes(command: String) throws {
    try Sample.withDirectory { folder in
      try Sample.run(
        ["sh", "-c", "mkdir -p d/empty; echo two > d/a; ln -s d link; touch -d @1700000000 d/a d"], in: folder)
      let before = try DirectorySurvey(of: folder)
      // Until the file system's clock has moved: the times of a change within one tick are those of before.
      let tick = "t=$(mktemp -d); : > $t/a; until : > $t/b && find $t/b -newer $t/a | grep -q .; do :; done; rm -r $t"
      try Sample.run(["sh", "-c", "cat d/a; ls -l d link; \(tick)"], in: folder)
      #expect(try DirectorySurvey(of: folder).fingerprint == before.fingerprint)
      try Sample.run(["sh", "-c", command], in: folder)
      #expect(try DirectorySurvey(of: folder).fingerprint != before.fingerprint)
    }
  }

  @Test("what is left out counts for nothing, and what is packed never takes more than foretold")
  func size() throws {
    try Sample.withDirectory { folder in
      let long = String(repeating: "n", count: 200)
      try Sample.run(
        [
          "sh", "-c",
          "mkdir -p d/.git \(long)/\(long); echo x > \(long)/\(long)/é; ln -s \(long)/\(long) l; seq 1000 > d/.git/x; mkfifo p",
        ], in: folder)
      let skip: (FilePath, Bool) -> Bool = { path, _ in path.lastComponent == ".git" }
      let survey = try DirectorySurvey(of: folder, skip: skip)
      let bytes = BytesWriter()
      let tar = TarWriter(into: bytes)
      let packed = try DirectoryPacker(directory: folder).pack(into: tar, skip: skip)
      try tar.finish()
      #expect(survey.tarSize.bytes >= Int64(bytes.bytes.count))
      #expect(survey.leftOut == packed.leftOut)
      try Sample.run(["sh", "-c", "seq 2000 > d/.git/x"], in: folder)
      #expect(try DirectorySurvey(of: folder, skip: skip).fingerprint == survey.fingerprint)
    }
  }

  @Test("a directory is settled only when its newest change is older than the clock's grain")
  func settled() throws {
    try Sample.withDirectory { folder in
      try Sample.run(["sh", "-c", "echo x > a; touch -d @1 a"], in: folder)
      // Its time was set back, but that it was is known.
      #expect(try !DirectorySurvey(of: folder).isSettled)
      #expect(try DirectorySurvey(of: folder, now: .max).isSettled)
    }
  }
}
