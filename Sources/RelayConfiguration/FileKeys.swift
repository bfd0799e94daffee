private import Foundation
package import FileSink

/// The keys of an entry whose `to` is a file.
extension FileSinkSettings {
    init(name: String, path: String, reading reader: SectionReader) {
        self.init(name: name, path: path)
        if let rotate = reader.reader(.rotate) { rotation = Rotation(reading: rotate) }
        reader.set(&mode, .fileMode, permissions)
    }

    /// The path as it is from the root, without `.` and `..`.
    package var location: String { URL(fileURLWithPath: path).standardized.path }
}

extension FileSinkSettings.Rotation {
    /// A size of 1 KiB to 16 TiB, an age of 1 s to 3,650 days, or both.
    fileprivate init(reading reader: SectionReader) {
        self.init()
        let areGood = reader.problems.noneIn {
            reader.refuseKeys(otherThan: ["size", "age"])
            size = reader.value("size", RelayConfiguration.size((1 << 10)...(16 << 40)))
            age = reader.value("age", duration(.seconds(1) ... .seconds(3650 * 86_400)))
        }
        if areGood, size == nil, age == nil {
            reader.note("has neither size nor age; write {size: 1GiB}, {age: 1d} or both")
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
