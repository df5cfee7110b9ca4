extension ContractRoute {
  /// SecretService.
  static let secret: [ContractRoute] = []
}
