import Diagnostics
import Testing

@testable import Dockerfile

@Suite("Build checks")
struct BuildCheckTests {
  private func findings(_ text: String) throws -> [String] {
    try DockerfileParser.parse(text, file: "Dockerfile").warnings.map {
      "\($0.check?.rawValue ?? "-"):\($0.source.firstLine)"
    }
  }

  @Test(
    "find what should be looked at, with its line",
    arguments: [
      ("FROM a AS Base\n", ["StageNameCasing:1"]),
      ("FROM a as base\n", ["FromAsCasing:1"]),
      ("from a AS base\n", ["FromAsCasing:1"]),
      ("FROM a\nRUN x \\\n\n  y\n", ["NoEmptyContinuation:3"]),
      ("FROM a\nrun x\nRUN y\n", ["ConsistentInstructionCasing:2"]),
      ("from a\nrun x\nRUN y\n", ["ConsistentInstructionCasing:3"]),
      ("FROM a\nRun x\n", ["ConsistentInstructionCasing:2"]),
      ("FROM a AS x\nFROM b AS x\n", ["DuplicateStageName:2"]),
      ("FROM a AS context\n", ["ReservedStageName:1"]),
      ("FROM a AS scratch\n", ["ReservedStageName:1"]),
      ("FROM a\nCMD x\n", ["JSONArgsRecommended:2"]),
      ("FROM a\nENTRYPOINT x\n", ["JSONArgsRecommended:2"]),
      ("FROM a\nMAINTAINER me\n", ["MaintainerDeprecated:2"]),
      ("FROM a:$TAG\n", ["UndefinedArgInFrom:1"]),
      ("FROM a\nWORKDIR x\n", ["WorkdirRelativePath:2"]),
      ("FROM a\nCMD [\"x\"]\nCMD [\"y\"]\n", ["MultipleInstructionsDisallowed:2"]),
      ("FROM a\nHEALTHCHECK NONE\nHEALTHCHECK NONE\n", ["MultipleInstructionsDisallowed:2"]),
      ("FROM a\nENV K v w\n", ["LegacyKeyValueFormat:2"]),
      ("FROM a\nLABEL K v\n", ["LegacyKeyValueFormat:2"]),
      ("FROM --platform=$TARGETPLATFORM a\n", ["RedundantTargetPlatform:1"]),
      ("FROM --platform=${TARGETPLATFORM} a\n", ["RedundantTargetPlatform:1"]),
      ("FROM a\nARG AWS_SECRET_ACCESS_KEY\n", ["SecretsUsedInArgOrEnv:2"]),
      ("FROM a\nENV MY_TOKEN=x A=b\n", ["SecretsUsedInArgOrEnv:2"]),
      ("FROM --platform=linux/amd64 a AS base\n", ["FromPlatformFlagConstDisallowed:1"]),
      ("FROM a\nEXPOSE 80/TCP\n", ["ExposeProtoCasing:2"]),
      ("FROM a\nEXPOSE 127.0.0.1:80:80\n", ["ExposeInvalidFormat:2"]),
      ("FROM a\nEXPOSE 80:80\n", ["ExposeInvalidFormat:2"]),
      ("# something else\nFROM a AS base\n", ["InvalidDefinitionDescription:2"]),
      ("FROM a\n# whatever\nARG VERSION=1\n", ["InvalidDefinitionDescription:3"]),
    ])
  func find(text: String, expected: [String]) throws { #expect(try findings(text) == expected) }

  @Test(
    "say nothing of what is right",
    arguments: [
      "FROM a AS base\nFROM base AS other\n",
      "from a as base\nrun x\n",
      "ARG TAG=1\nFROM a:$TAG\n",
      "FROM a:${TAG:-1}\n",
      "FROM --platform=$BUILDPLATFORM a\n",
      "FROM --platform=linux/amd64 a AS build_amd64\n",
      "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nCMD x\n",
      "FROM a\nCMD [\"x\"]\nFROM b\nCMD [\"y\"]\n",
      "FROM a\nWORKDIR /x\nWORKDIR y\n",
      "FROM a AS base\nWORKDIR /x\nFROM base\nWORKDIR y\n",
      "FROM a\nWORKDIR $HERE\n",
      "FROM a\nENV K=v\nENV PUBLIC_KEY=v MONKEY=1\nARG KEYBOARD\n",
      "FROM a\nEXPOSE 80 81/udp $PORT\n",
      "# base is where all begins\nFROM a AS base\n# VERSION of the program\nARG VERSION=1\n",
      "# a remark\n\nFROM a AS base\n",
      "# syntax=docker/dockerfile:1\nFROM a AS base\n",
      "# two lines\n# of remark\nFROM a AS base\n",
    ])
  func quiet(text: String) throws { #expect(try findings(text) == []) }

  @Test("are chosen by the check directive")
  func directive() throws {
    let parsed = try DockerfileParser.parse(
      "# check=skip=StageNameCasing,fromascasing;error=true;experimental=all\nFROM a as B\n", file: "Dockerfile")
    let check = try #require(parsed.directives.check)
    #expect(check.error)
    #expect(!check.runs(.stageNameCasing))
    #expect(!check.runs(.fromAsCasing))
    #expect(check.runs(.undefinedVar))
    #expect(check.runs(.invalidDefinitionDescription))
    #expect(!ParsedDockerfile.Directives.Check().runs(.invalidDefinitionDescription))
    #expect(ParsedDockerfile.Directives.Check("skip=all")?.runs(.undefinedVar) == false)
    #expect(ParsedDockerfile.Directives.Check("skip") == nil)
    #expect(ParsedDockerfile.Directives.Check("error=maybe") == nil)
  }
}
