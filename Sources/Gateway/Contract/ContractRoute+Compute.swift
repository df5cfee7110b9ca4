extension ContractRoute {
  /// ComputeService.
  static let compute: [ContractRoute] = []
}
