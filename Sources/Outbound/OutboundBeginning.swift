/// What kind of place the first of several requests went to; only answers tell it.
///
/// A server that sends its clients on, by redirects or by addresses in what it delivers, opens to them the network's
/// public places and those of its own kind. Names are looked up anew for each request, and may have changed their mind
/// since; this has not.
package struct OutboundBeginning: Sendable, Hashable {
  /// Nil where nobody here knows, such as behind a proxy: then public places alone.
  let kind: AddressClass?

  init(kind: AddressClass?) { self.kind = kind }
}
