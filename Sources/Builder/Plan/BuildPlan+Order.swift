import Diagnostics
import Dockerfile
import SystemPackage

extension BuildPlan {
  /// What building the order would do. Reads the context and asks for base images; runs and writes nothing but
  /// `scratch`, which takes the uncompressed copy of an archive that needs one.
  package static func make(
    for order: BuildOrder, bases: any BaseImageSource, scratch: FilePath
  ) async throws(Failure) -> BuildPlan {
    let context = try BuildContext(
      order.source, subPath: order.contextSubPath, scratch: scratch, dockerfile: order.dockerfile)
    let dockerfile = try DockerfileParser.parse(try order.dockerfileText(in: context), file: order.dockerfile)
    var planner = Planner(dockerfile: dockerfile, order: order, bases: bases)
    return try await planner.plan(ignored: context.isIgnored)
  }

  /// Adds what whoever asked for the plan has to say about it.
  package mutating func warn(_ text: String) { warnings.append(PlanWarning(check: nil, text: text, source: nil)) }
}

extension BuildPlan.PlanWarning {
  /// The check's name as a `# check=skip=` line has it.
  package var checkName: String? { check?.rawValue }
}
