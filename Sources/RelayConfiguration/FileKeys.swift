private import Foundation
package import FileSink

/// The keys of an entry whose `to` is a file.
extension FileSinkSettings {
    init(name: String, path: String, reading section: FileSection) throws(ConfigurationProblem) {
        self.init(name: name, path: path)
        if let rotate = try section.section(SinkKey.rotate.rawValue) { rotation = try Rotation(reading: rotate) }
        if let setting = try section.setting(.fileMode) { mode = try permissions(setting) }
    }

    /// The path as it is from the root, without `.` and `..`.
    package var location: String { URL(fileURLWithPath: path).standardized.path }
}

extension FileSinkSettings.Rotation {
    /// A size of 1 KiB to 16 TiB, an age of 1 s to 3,650 days, or both.
    fileprivate init(reading section: FileSection) throws(ConfigurationProblem) {
        try section.refuseKeys(otherThan: ["size", "age"])
        self.init(
            size: try section.setting("size").map(RelayConfiguration.size((1 << 10)...(16 << 40))),
            age: try section.setting("age").map(duration(.seconds(1) ... .seconds(3650 * 86_400))))
        guard size != nil || age != nil else {
            throw section.problem("has neither size nor age; write {size: 1GiB}, {age: 1d} or both")
        }
    }
}

/// Three octal digits, or four with a leading zero, as chmod(1) has them.
private func permissions(_ setting: Setting) throws(ConfigurationProblem) -> UInt32 {
    let digits = setting.text.utf8
    guard digits.count == 3 || digits.count == 4 && digits.first == UInt8(ascii: "0"),
        digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }),
        let mode = UInt32(setting.text, radix: 8)
    else {
        throw setting.problem("'\(shown(setting.text))' is not a file mode; write octal digits, such as \"0640\"")
    }
    guard mode & 0o600 == 0o600 else {
        throw setting.problem("\(setting.text) denies access to the relay itself; write one that begins with 06 or 07")
    }
    return mode
}
