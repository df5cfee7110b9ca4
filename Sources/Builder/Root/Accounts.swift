import Archive
import Diagnostics
import SystemPackage

/// The users and groups of a root, from its own /etc/passwd and /etc/group; never the host's.
struct Accounts {
  struct User: Equatable {
    var uid: UInt32
    var gid: UInt32
    var supplementary: [UInt32] = []
    var home: String

    /// BuildKit: the group itself is among those the process has.
    var allGroups: [UInt32] { [gid] + supplementary.filter { $0 != gid } }
  }

  private struct PasswdLine {
    var name: Substring
    var uid: UInt32
    var gid: UInt32
    var home: Substring
  }
  private struct GroupLine {
    var name: Substring
    var gid: UInt32
    var members: [Substring]
  }

  private let users: [PasswdLine]
  private let groups: [GroupLine]

  init(passwd: String, group: String) {
    users = passwd.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count >= 6, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { return nil }
      return PasswdLine(name: fields[0], uid: uid, gid: gid, home: fields[5])
    }
    groups = group.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count >= 3, let gid = UInt32(fields[2]) else { return nil }
      return GroupLine(name: fields[0], gid: gid, members: fields.count > 3 ? fields[3].split(separator: ",") : [])
    }
  }

  /// Reads both files of `tree`; a missing one is an empty one.
  init(in tree: some SourceTree) throws(Failure) {
    self.init(passwd: try Self.text("etc/passwd", tree), group: try Self.text("etc/group", tree))
  }

  private static func text(_ path: FilePath, _ tree: some SourceTree) throws(Failure) -> String {
    guard let node = try tree.node(try tree.resolve(path, followLast: true)), let reader = try node.body.reader()
    else { return "" }
    return String(decoding: try reader.contents(limit: .mebibytes(4)), as: UTF8.self)
  }

  /// What `USER` means: `name`, `uid`, `name:group`, `uid:gid`; empty is root.
  ///
  /// Docker: a number without a passwd entry has group 0 and home `/`; a group named explicitly replaces the
  /// supplementary ones; two numbers are taken as they are, even where a user or group has a number for a name.
  func user(_ spec: String) throws(Failure) -> User {
    let (name, groupName) = Self.parts(spec)
    if let groupName, let uid = UInt32(name), let gid = UInt32(groupName) {
      let home = users.first { $0.uid == uid }?.home
      return User(uid: uid, gid: gid, home: Self.home(home, of: uid))
    }
    var user = try user(named: name.isEmpty ? "0" : name)
    if let groupName {
      user.gid = try group(groupName)
      user.supplementary = []
    }
    return user
  }

  private func user(named name: Substring) throws(Failure) -> User {
    if let line = line(of: name) {
      let member = groups.filter { $0.members.contains(line.name) }.map(\.gid)
      return User(
        uid: line.uid, gid: line.gid, supplementary: member, home: line.home.isEmpty ? "/" : String(line.home))
    }
    guard let uid = name == "root" ? 0 : UInt32(name) else {
      throw Failure(
        .invalidArgument, reason: "user-unknown", "user '\(name)' is not in the image's /etc/passwd",
        hint: "add the user in an earlier RUN, or use a number")
    }
    return User(uid: uid, gid: 0, home: Self.home(nil, of: uid))
  }

  private static func home(_ given: Substring?, of uid: UInt32) -> String {
    guard let given else { return uid == 0 ? "/root" : "/" }
    return given.isEmpty ? "/" : String(given)
  }

  /// Name and group; none is nil, and an empty one is none.
  private static func parts(_ spec: String) -> (name: Substring, group: Substring?) {
    let parts = spec.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return (parts.first ?? "", parts.count == 2 && !parts[1].isEmpty ? parts[1] : nil)
  }

  /// What `--chown` means: as `user`, but numbers come first, and a user alone brings the group of the same number.
  ///
  /// Docker: `--chown=55` is 55:55 whatever the passwd file says, where `USER 55` has the group given there, or 0
  /// (Dockerfile reference, COPY --chown).
  func owner(_ spec: String) throws(Failure) -> (uid: UInt32, gid: UInt32) {
    let (name, groupName) = Self.parts(spec)
    var owner: (uid: UInt32, gid: UInt32)
    if let uid = UInt32(name) {
      owner = (uid, uid)
    } else {
      let user = try user(named: name.isEmpty ? "0" : name)
      owner = (user.uid, user.gid)
    }
    if let groupName {
      if let gid = UInt32(groupName) { owner.gid = gid } else { owner.gid = try group(groupName) }
    }
    return owner
  }

  /// By name first: a user may have a number for a name.
  private func line(of name: Substring) -> PasswdLine? {
    if let named = users.first(where: { $0.name == name }) { return named }
    guard let uid = UInt32(name) else { return nil }
    return users.first { $0.uid == uid }
  }

  private func group(_ name: Substring) throws(Failure) -> UInt32 {
    if let line = groups.first(where: { $0.name == name }) { return line.gid }
    if let gid = UInt32(name) { return gid }
    throw Failure(
      .invalidArgument, reason: "group-unknown", "group '\(name)' is not in the image's /etc/group",
      hint: "add the group in an earlier RUN, or use a number")
  }
}
