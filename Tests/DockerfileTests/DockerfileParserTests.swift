import Diagnostics
import Dockerfile
import Testing

@Suite struct DockerfileParserTests {
  private func parse(_ text: String) throws(Failure) -> ParsedDockerfile {
    try DockerfileParser.parse(text, file: "Dockerfile")
  }

  /// The dump of one instruction in a stage, without its lines.
  private func dump(_ instruction: String) throws -> String {
    let parsed = try parse("FROM scratch\n" + instruction)
    return Dump.text(try #require(parsed.instructions.last).kind)
  }

  private func failure(_ text: String) -> Failure? {
    do {
      _ = try parse(text)
      return nil
    } catch { return error }
  }

  @Test("a whole file becomes instructions, lines and stages")
  func wholeFile() throws {
    let parsed = try parse(
      """
      # syntax=docker/dockerfile:1.7
      # check=skip=JSONArgsRecommended,FromAsCasing;error=true
      ARG VERSION=3.19 \\
          MIRROR

      # the compiler
      FROM --platform=$BUILDPLATFORM alpine:${VERSION} AS Build
      RUN apk add --no-cache \\
          # inside
          gcc \\

          musl-dev && \\
        make
      copy --from=0 --chown=1:2 ["a b", "/c d/"]
      RUN <<EOF
      set -e
        make  # not a comment
      EOF

      from scratch
      ENV A=1 B="two words" C='x y'\\ z
      ENTRYPOINT ["/app", "--serve"]
      CMD echo "$HOME"
      """
    )
    #expect(
      Dump.text(parsed) == """
        3-4: ARG VERSION="3.19" MIRROR
        7: FROM "alpine:${VERSION}" platform:$BUILDPLATFORM as:Build
        8-13: RUN shell "apk add --no-cache     gcc     musl-dev &&   make"
        14: COPY "a b" to "/c d/" from:0 chown:1:2
        15-18: RUN shell "set -e\\n  make  # not a comment\\n"
        20: FROM "scratch"
        21: ENV "A"="1" "B"="\\"two words\\"" "C"="\\'x y\\'\\\\ z"
        22: ENTRYPOINT exec ["/app", "--serve"]
        23: CMD shell "echo \\"$HOME\\""
        """
    )
    #expect(parsed.directives.syntax == "docker/dockerfile:1.7")
    #expect(parsed.directives.check?.skip == ["JSONArgsRecommended", "FromAsCasing"])
    #expect(parsed.directives.check?.error == true)
    #expect(parsed.metaArgs.map(\.name) == ["VERSION", "MIRROR"])
    #expect(parsed.stages.map(\.index) == [0, 1])
    #expect(parsed.stages[0].instructions.map(\.keyword) == ["RUN", "COPY", "RUN"])
    #expect(parsed.stages[0].name == "Build")
    #expect(parsed.stage(named: "BUILD")?.index == 0)
    #expect(parsed.stage(named: "1")?.index == 1)
    #expect(parsed.stage(named: "2") == nil)
    #expect(parsed.instructions[2].original == "RUN apk add --no-cache gcc musl-dev && make")
    #expect(parsed.instructions[4].original == "RUN <<EOF")
    #expect(parsed.warnings.filter { $0.check == .noEmptyContinuation }.map(\.source.firstLine) == [11])
  }

  @Test(
    "instructions read as BuildKit reads them",
    arguments: [
      ("ARG A B= C=\"x y\" D='1'", #"ARG A B="" C="\"x y\"" D="\'1\'""#),
      ("ENV KEY some long  value", #"ENV "KEY"="some long  value""#),
      ("ENV A=\"a b\" B=c\\ d", #"ENV "A"="\"a b\"" "B"="c\\ d""#),
      ("LABEL a.b=c \"d e\"=f", #"LABEL "a.b"="c" "\"d e\""="f""#),
      ("LABEL name", "!LABEL gives \"name\" no value"),
      ("ENV A=1 B", "!ENV has \"B\" without \"=\""),
      ("ENV =1", "!ENV has no name before \"=1\""),
      ("WORKDIR /a b", #"WORKDIR "/a b""#),
      ("USER ${U:-1}:2", #"USER "${U:-1}:2""#),
      ("EXPOSE 80 443/udp 7000-7010", #"EXPOSE ["80", "443/udp", "7000-7010"]"#),
      ("VOLUME /a /b", #"VOLUME ["/a", "/b"]"#),
      ("VOLUME [\"/a b\"]", #"VOLUME ["/a b"]"#),
      ("VOLUME []", "!VOLUME has an empty path"),
      ("CMD []", "CMD exec []"),
      ("CMD [\"a\", \"\\u00e9\\ud83d\\ude00\\n\"]", #"CMD exec ["a", "é😀\n"]"#),
      ("CMD ['a', 'b']", #"CMD shell "[\'a\', \'b\']""#),
      ("CMD [\"a\"] # tail", #"CMD shell "[\"a\"] # tail""#),
      ("CMD [\"a\", 1]", "!CMD has a JSON array with values that are no strings"),
      ("CMD", "!CMD has no arguments"),
      ("ENTRYPOINT exec top -b", #"ENTRYPOINT shell "exec top -b""#),
      ("SHELL [\"/bin/bash\", \"-c\"]", #"SHELL ["/bin/bash", "-c"]"#),
      ("SHELL /bin/bash -c", "!SHELL is not a JSON array of strings"),
      ("SHELL []", "!SHELL is not a JSON array of strings"),
      ("STOPSIGNAL SIGTERM", #"STOPSIGNAL "SIGTERM""#),
      ("MAINTAINER me <a@b>", #"MAINTAINER "me <a@b>""#),
      ("HEALTHCHECK NONE", "HEALTHCHECK none"),
      ("HEALTHCHECK none x", "!HEALTHCHECK NONE has arguments"),
      (
        "HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=3 --start-interval=250ms CMD [\"a\"]",
        #"HEALTHCHECK exec ["a"] interval:90000000000 timeout:1500000000 start-interval:250000000 retries:3"#
      ),
      ("HEALTHCHECK --interval=0s --retries=0 CMD a", #"HEALTHCHECK shell "a""#),
      ("HEALTHCHECK --interval=1us CMD a", "!flag \"--interval\" cannot be \"1us\""),
      ("HEALTHCHECK --timeout=9999999999h CMD a", "!flag \"--timeout\" cannot be \"9999999999h\""),
      ("HEALTHCHECK --retries=-1 CMD a", "!flag \"--retries\" cannot be \"-1\""),
      ("HEALTHCHECK curl x", "!HEALTHCHECK type \"curl\" is unknown"),
      ("HEALTHCHECK CMD", "!HEALTHCHECK CMD has no command"),
      ("ONBUILD COPY . /app", #"ONBUILD "COPY . /app" -> COPY "." to "/app""#),
      ("ONBUILD ONBUILD RUN x", "!ONBUILD cannot trigger ONBUILD"),
      ("ONBUILD FROM x", "!ONBUILD cannot trigger FROM"),
      ("ONBUILD RUM x", "!instruction \"RUM\" is unknown"),
      ("  \t run\techo   hi  ", #"RUN shell "echo   hi""#),
    ]
  )
  func instructionTable(_ text: String, _ expected: String) throws {
    if expected.hasPrefix("!") {
      #expect(failure("FROM scratch\n" + text)?.message == String(expected.dropFirst()))
    } else {
      #expect(try dump(text) == expected)
    }
  }

  @Test(
    "COPY, ADD and RUN take their flags",
    arguments: [
      ("COPY a b c /d/", #"COPY "a" "b" "c" to "/d/""#),
      (
        "COPY --from=x --link --parents --chmod=u+x --exclude=*.o --exclude='a b' . /",
        #"COPY "." to "/" from:x chmod:u+x link parents exclude:["*.o", "a b"]"#
      ),
      ("COPY --link=false a b", #"COPY "a" to "b""#),
      ("COPY -- --a b", #"COPY "--a" to "b""#),
      ("COPY a", "!COPY has no destination"),
      ("COPY [\"a\"]", "!COPY has no destination"),
      ("COPY --from=$X a b", "!flag \"--from\" has a variable in \"$X\""),
      ("COPY --form=x a b", "!COPY has no flag \"--form\""),
      ("COPY --checksum=x a b", "!COPY has no flag \"--checksum\""),
      ("COPY --chown a b", "!flag \"--chown\" has no value"),
      ("COPY --chown=1 --chown=2 a b", "!flag \"--chown\" is given twice"),
      ("COPY --link=maybe a b", "!flag \"--link\" cannot be \"maybe\""),
      (
        "ADD --checksum=sha256:ab --keep-git-dir --unpack=false https://x/y /z",
        #"ADD "https://x/y" to "/z" checksum:sha256:ab keep-git-dir unpack:false"#
      ),
      ("ADD --from=x a b", "!ADD has no flag \"--from\""),
      (
        "RUN --mount=type=cache,target=/c --mount=type=secret,id=s --network=none --security=insecure --device=gpu x",
        #"RUN shell "x" mounts:["type=cache,target=/c", "type=secret,id=s"] network:none security:insecure "#
          + #"devices:["gpu"]"#
      ),
      ("RUN --network=bridge x", "!flag \"--network\" cannot be \"bridge\""),
      ("RUN --mount=type=cache x", "!cache mount has no target"),
      ("RUN --mount=type=cash,target=/c x", "!mount option \"type\" cannot be \"cash\""),
      ("RUN --mount=type=cache,tarhet=/c x", "!mount option \"tarhet\" is unknown"),
      ("RUN --mount=type=bind,target=/c,size=1 x", "!mount option \"size\" does not apply to type \"bind\""),
      ("RUN --mount=target=$X,type=bind x", #"RUN shell "x" mounts:["target=$X,type=bind"]"#),
      ("RUN [\"a b\", \"c\"]", #"RUN exec ["a b", "c"]"#),
      ("RUN [ -f x ] && y", #"RUN shell "[ -f x ] && y""#),
      ("RUN", "!RUN has no arguments"),
      ("USER --x y", "!USER has no flag \"--x\""),
    ]
  )
  func flagTable(_ text: String, _ expected: String) throws { try instructionTable(text, expected) }

  @Test(
    "heredocs become text for the shell, scripts or files",
    arguments: [
      ("RUN <<EOF\na\n b\nEOF", #"RUN shell "a\n b\n""#),
      ("RUN <<-EOF\n\ta\n\t\tb\n\tEOF", #"RUN shell "a\nb\n""#),
      ("RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF", ##"RUN shell "#!/usr/bin/env python3\nprint(1)\n" script"##),
      ("RUN cat <<EOF > /x\n$A\nEOF", #"RUN shell "cat <<EOF > /x\n$A\nEOF""#),
      ("RUN cat <<A <<'B'\n1\nA\n2\nB", #"RUN shell "cat <<A <<\'B\'\n1\nA\n2\nB""#),
      ("RUN --network=none <<EOF\nx\nEOF", #"RUN shell "x\n" network:none"#),
      ("RUN echo \\\n  <<EOF\nx\nEOF", #"RUN shell "echo   <<EOF\nx\nEOF""#),
      ("RUN cat <<<text", #"RUN shell "cat <<<text""#),
      ("RUN echo '<<EOF'", #"RUN shell "echo \'<<EOF\'""#),
      ("RUN echo $((1<<2))", #"RUN shell "echo $((1<<2))""#),
      ("CMD cat <<EOF", #"CMD shell "cat <<EOF""#),
      ("COPY <<EOF /f\n$A\nEOF", #"COPY <<EOF"$A\n" to "/f""#),
      ("COPY <<'EOF' <<-\"B\" x /d/\n$A\nEOF\n\tb\n\tB", #"COPY <<EOF'"$A\n" <<-B'"b\n" "x" to "/d/""#),
      ("ADD <<EOF /f\nEOF", #"ADD <<EOF"" to "/f""#),
      ("COPY x <<EOF\nEOF", "!COPY has a heredoc as its destination"),
      ("COPY <<../x /d/\n../x", "!heredoc name \"../x\" is no file name"),
      ("COPY [\"<<EOF\", \"/x\"]", "!heredoc \"EOF\" has no text"),
      ("RUN <<EOF\na\n EOF", "!heredoc \"EOF\" has no end"),
      ("ONBUILD RUN <<EOF\na\nEOF", #"ONBUILD "RUN <<EOF\na\nEOF" -> RUN shell "a\n""#),
    ]
  )
  func heredocTable(_ text: String, _ expected: String) throws { try instructionTable(text, expected) }

  @Test("heredoc bodies keep comments, continuation marks and empty lines")
  func heredocBodyIsVerbatim() throws {
    let parsed = try parse("FROM a\nRUN <<EOF\n# c\n\na \\\nb\nEOF\nUSER x")
    #expect(
      Dump.text(parsed) == """
        1: FROM "a"
        2-7: RUN shell "# c\\n\\na \\\\\\nb\\n"
        8: USER "x"
        """
    )
  }

  @Test(
    "continuation follows the escape character",
    arguments: [
      ("RUN a\\\nb", "RUN shell \"ab\""),
      ("RUN a \\  \t\n  b", "RUN shell \"a   b\""),
      ("RUN a \\\r\n b\r\n", "RUN shell \"a  b\""),
      ("RUN a \\\\", "RUN shell \"a \\\\\\\\\""),
      ("RUN a \\\n# c\n  # d\n b", "RUN shell \"a  b\""),
      ("\\\nRUN a", "RUN shell \"a\""),
      ("RUN a \\", "RUN shell \"a\""),
    ]
  )
  func continuationTable(_ text: String, _ expected: String) throws { #expect(try dump(text) == expected) }

  @Test("a backtick escapes when the directive says so, and a backslash then means itself")
  func backtick() throws {
    let parsed = try parse("# escape=`\nFROM a\nRUN dir `\n  c:\\\nUSER x")
    #expect(parsed.directives.escape == "`")
    #expect(
      Dump.text(parsed) == """
        2: FROM "a"
        3-4: RUN shell "dir   c:\\\\"
        5: USER "x"
        """
    )
  }

  @Test("directives end at the first line that is none")
  func directivesEnd() throws {
    #expect(try parse("# hello\n# escape=`\nFROM a").directives.escape == "\\")
    #expect(try parse("\n# escape=`\nFROM a").directives.escape == "\\")
    #expect(try parse("\u{FEFF}#escape = `\r\nFROM a\r\n").directives.escape == "`")
    #expect(failure("# escape=`\n# ESCAPE=`\nFROM a")?.message == "directive \"escape\" is given twice")
    #expect(failure("# escape=/\nFROM a")?.message == "escape character \"/\" is not allowed")
    #expect(failure("# check=foo\nFROM a")?.message == "check options \"foo\" are not understood")
  }

  @Test("only the official frontend is accepted, from any mirror")
  func frontends() throws {
    for name in ["docker/dockerfile:1", "mirror.test:5000/docker/dockerfile@sha256:ab", "docker/dockerfile-upstream"] {
      #expect(try parse("# syntax=\(name)\nFROM a").directives.syntax == name)
    }
    let failure = failure("# syntax=r2d4/mockerfile\nFROM a")
    #expect(failure?.reason == "dockerfile-frontend")
    #expect(failure?.code == .unimplemented)
  }

  @Test(
    "a file that is no Dockerfile says so with its line",
    arguments: [
      ("", "Dockerfile has no instructions", 1),
      ("# only a comment\n\n", "Dockerfile has no instructions", 2),
      ("ARG A", "Dockerfile has no FROM", 1),
      ("ARG A\nRUN x\nFROM a", "RUN comes before the first FROM", 2),
      ("FROM a\n\nFORM b", "instruction \"FORM\" is unknown", 3),
      ("FROM a b", "FROM has 2 arguments it cannot read", 1),
      ("FROM a in b", "FROM has 3 arguments it cannot read", 1),
      ("FROM a AS 1b", "stage name \"1b\" is not allowed", 1),
      ("FROM a\nUSER a\u{0}b", "Dockerfile has a NUL byte", 2),
      ("FROM a\nRUN x \\\n  --y\nUSR b", "instruction \"USR\" is unknown", 4),
    ]
  )
  func brokenFiles(_ text: String, _ message: String, _ line: Int) {
    let failure = failure(text)
    #expect(failure?.message == message)
    #expect(failure?.reason == "dockerfile-syntax")
    #expect(failure?.source?.firstLine == line)
    #expect(failure?.hint != nil)
  }

  @Test(
    "an unknown instruction suggests the nearest one",
    arguments: [
      ("RUM", "did you mean RUN?"), ("form", "did you mean FROM?"), ("COPYY", "did you mean COPY?"),
      ("ENTRYPONIT", "did you mean ENTRYPOINT?"),
      ("apt-get", "if it continues the line before, end that line with \\"),
    ]
  )
  func suggestions(_ word: String, _ hint: String) { #expect(failure("FROM a\n\(word) x")?.hint == hint) }

  @Test("an unknown flag names the allowed ones")
  func flagHint() {
    #expect(
      failure("FROM a\nRUN --mont=x y")?.hint
        == "did you mean \"--mount\"? RUN takes --network, --security, --mount, --device"
    )
    #expect(failure("FROM a\nUSER --x y")?.hint == "USER takes no flags")
  }

  @Test("an error shows its lines, in a CRLF file too")
  func excerpt() {
    let failure = failure("FROM a\r\nRUN x \\\r\n  y\r\nCOPY z\r\n")
    #expect(failure?.source?.text == "Dockerfile:4\n    2 | RUN x \\\n    3 |   y\n  > 4 | COPY z")
  }

  @Test("an instruction knows its lines")
  func instructionExcerpt() throws {
    let parsed = try parse("FROM a\nRUN x \\\n  y\nUSER z\n")
    let excerpt = parsed.instructions[1].excerpt(in: parsed)
    #expect(excerpt.text == "Dockerfile:2\n    1 | FROM a\n  > 2 | RUN x \\\n  > 3 |   y\n    4 | USER z")
  }

  @Test("a JSON array with a slip runs in the shell and warns")
  func nearlyJSON() throws {
    let parsed = try parse("FROM a\nCMD [\"a\", \"b\"\nENTRYPOINT [ -f x ]")
    #expect(parsed.warnings.filter { $0.check == nil }.map(\.source.firstLine) == [2])
  }

  @Test("a trigger from an image's config parses alone")
  func trigger() throws {
    let instruction = try DockerfileParser.parseTrigger("RUN <<EOF\nmake\nEOF")
    #expect(Dump.text(instruction.kind) == #"RUN shell "make\n""#)
    #expect(instruction.original == "RUN <<EOF")
    #expect(throws: Failure.self) { try DockerfileParser.parseTrigger("FROM x") }
    #expect(throws: Failure.self) { try DockerfileParser.parseTrigger("RUN x\nRUN y") }
    #expect(throws: Failure.self) { try DockerfileParser.parseTrigger("") }
  }

  @Test("hostile sizes are read or refused, never crash")
  func hostile() throws {
    let long = String(repeating: "x", count: 1 << 20)
    #expect(try parse("FROM a\nRUN \(long)").instructions.count == 2)
    #expect(try parse("FROM a\nRUN <<EOF \(long)\nx\nEOF").instructions.count == 2)
    #expect(failure("FROM a\n\(long)")?.message.utf8.count ?? .max < 200)
    #expect(failure("FROM a\n\(long)")?.source?.text.utf8.count ?? .max < 1000)
    #expect(failure("FROM a\nRUN " + String(repeating: long, count: 4))?.reason == "dockerfile-too-large")
    let nested = String(repeating: "[", count: 100_000)
    #expect(try dump("CMD [" + nested).hasPrefix("CMD shell"))
    let warnings = String(repeating: "RUN a \\\n\n b\n", count: 1000)
    #expect(try parse("FROM a\n" + warnings).warnings.count == 100)
    let continued = String(repeating: "a \\\n", count: 100_000)
    #expect(try parse("FROM a\nRUN " + continued).instructions.count == 2)
  }
}
