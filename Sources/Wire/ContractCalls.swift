import Service

/// The contract's services in their own messages: what both doors call once they know the caller.
package struct ContractCalls: Sendable {
  package let builds: BuildCalls

  package init(builds: BuildCalls) {
    self.builds = builds
  }
}
