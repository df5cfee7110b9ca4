import Diagnostics
import Dockerfile
import OCI

/// What a build will do, as a plain value, before any file is touched. Every word is expanded; `text` prints it.
package struct BuildPlan: Sendable {
  /// The stages that are needed, in an order in which each comes after those it uses. The last one is the image.
  package var stages: [PlannedStage]
  /// What builds but should be looked at.
  package var warnings: [PlanWarning]
  package var platform: Platform
  /// The build secrets that ARGs of needed stages are given, by name.
  package var secretArguments: [String] = []

  package struct PlanWarning: Sendable, Hashable {
    /// The build check that found it; nil for what belongs to none and cannot be left out.
    package var check: BuildCheck?
    package var text: String
    package var source: SourceExcerpt?

    /// The check's name first, as a `# check=skip=` line has it.
    package var line: String { check.map { "\($0.rawValue): \(text)" } ?? text }
  }

  /// The image that the last stage stands on, straight or through other stages; nil when it began from nothing.
  var base: BaseImage? {
    var stage = stages.last
    while let next = stage {
      switch next.origin {
      case .scratch: return nil
      case .image(let image): return image
      case .stage(let index): stage = stages.first { $0.index == index }
      }
    }
    return nil
  }

  /// The steps of all stages for the event list and the log.
  package var announcement: [BuildEvent.PlannedStep] {
    stages.flatMap { stage in
      stage.steps.map {
        BuildEvent.PlannedStep(step: $0.number, stage: stage.title, instruction: $0.instruction, line: $0.line)
      }
    }
  }
}

/// One stage: what it begins from, what is done, and the configuration it ends with.
package struct PlannedStage: Sendable {
  package enum Origin: Sendable, Hashable {
    case scratch
    case image(BaseImage)
    /// An earlier stage, by its number in the Dockerfile.
    case stage(Int)
  }

  /// Number in the Dockerfile, from 0.
  package var index: Int
  package var name: String?
  package var origin: Origin
  /// What its images are pulled and its commands are run for: `FROM --platform`, else the build's.
  package var platform: Platform
  package var steps: [PlannedStep]
  /// The configuration after the last step; layers and history are filled in by the run.
  package var config: ImageConfig

  package var title: String { name ?? "stage-\(index)" }
}

/// One instruction, ready to run.
package struct PlannedStep: Sendable {
  package enum Action: Sendable, Hashable {
    case run(RunAction)
    case copy(CopyAction)
    /// Makes the directory, and a layer, where it does not exist yet.
    case makeDirectory(String, user: String)
    /// Changes the configuration only.
    case configure
  }

  /// From 1, over all stages of the plan.
  package var number: Int
  /// As written, in one line.
  package var instruction: String
  package var line: Int
  package var source: SourceExcerpt
  package var action: Action
  /// What the image's history says of it.
  package var history: String
}

/// A command and everything that decides what it does; all of it is in the cache key.
package struct RunAction: Sendable, Hashable {
  package var arguments: [String]
  /// `K=V`, complete but for HOME, which depends on the root's passwd file.
  package var environment: [String]
  /// `K=V` of proxy settings nobody declared: the command sees them, the cache key does not.
  package var proxies: [String]
  /// The word of USER; empty is root.
  package var user: String
  package var workingDirectory: String
  /// A heredoc with a `#!` line: written to a file that is mounted where `arguments[0]` names it.
  package var script: String?
  package var network: RunNetwork
  /// Outer targets first.
  package var mounts: [RunMount] = []
  /// `--security=insecure`.
  package var isInsecure = false
  /// Whether an ARG in force holds a secret: then the cache knows the step by a keyed digest.
  package var seesSecrets = false

  package enum RunNetwork: String, Sendable, Hashable { case host, none }
}

/// Files from somewhere to somewhere.
package struct CopyAction: Sendable, Hashable {
  package enum Origin: Sendable, Hashable {
    case context
    /// A named context, by its name's key.
    case named(String)
    case stage(Int)
    case image(BaseImage)
  }
  package enum Source: Sendable, Hashable {
    /// A path or pattern relative to the origin's root.
    case path(String)
    /// A heredoc: the file's name and its content.
    case inline(name: String, content: String)
    /// ADD of a URL: the file itself, unpacked only when asked for.
    case url(String, checksum: Digest?, unpacks: Bool)
    /// ADD of a git repository: the files of one commit.
    case git(RemoteTreeOrder)
  }

  package var origin: Origin
  package var sources: [Source]
  /// Absolute, cleaned; `endsWithSlash` keeps what the user meant by `dir/`.
  package var destination: String
  package var endsWithSlash: Bool
  /// `user[:group]` as written; nil keeps the origin's owner (COPY --from) or root (context).
  package var owner: String?
  /// What `--chmod` does to everything copied; nil keeps modes.
  package var mode: ModeChange?
  /// ADD: local archives are unpacked.
  package var unpacksArchives: Bool
  package var excludes: [String]
  /// `--parents`: what is copied keeps the directories above it, from the source's root or its `/./`.
  package var keepsParents = false
  /// `--link`: the layer knows nothing of what lies below it, so no link there is followed.
  package var isLinked = false
}

extension CopyAction {
  /// What files written in the Dockerfile itself hold.
  var inlineContents: [String] {
    sources.compactMap { if case .inline(_, let content) = $0 { content } else { nil } }
  }
}
