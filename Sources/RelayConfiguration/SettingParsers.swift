/// What makes a value of a setting, or says why it is none.
typealias Parser<Value> = (Setting) throws(ConfigurationProblem) -> Value

/// One of the texts of an enumeration.
func choice<Value: RawRepresentable & CaseIterable>(
    _ setting: Setting
) throws(ConfigurationProblem) -> Value where Value.RawValue == String {
    if let value = Value(rawValue: setting.text) { return value }
    let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
    throw setting.problem("'\(shown(setting.text))' is not one of the choices; write one of \(choices)")
}

/// `true`, `yes`, `on`, `1` and their opposites.
func truth(_ setting: Setting) throws(ConfigurationProblem) -> Bool {
    switch setting.text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: throw setting.problem("'\(shown(setting.text))' is not a boolean; write true or false")
    }
}

/// CloudEvents 1.0, `source`: a URI reference that is not empty. A wrong URI is a matter of configuration wherever it
/// is.
func uriReference(_ setting: Setting) throws(ConfigurationProblem) -> String {
    guard !setting.text.isEmpty, isPrintableASCII(setting.text) else {
        throw .configuration(
            "\(setting.place): '\(shown(setting.text))' is not a URI reference; write one such as /outbox or urn:x:ledger"
        )
    }
    return setting.text
}

/// A duration within a range; see ``Swift/Duration/init(configured:)``.
func duration(_ range: ClosedRange<Duration>) -> Parser<Duration> {
    { (setting) throws(ConfigurationProblem) in
        guard let value = Duration(configured: setting.text) else {
            throw setting.problem(
                "'\(shown(setting.text))' is not a duration; write a number and a unit, such as 500ms, 5s, 2m or 7d")
        }
        guard range.contains(value) else {
            throw setting.problem(
                "\(shown(setting.text)) is out of range; write a duration from \(range.lowerBound.configured) "
                    + "to \(range.upperBound.configured)")
        }
        return value
    }
}

/// Bytes within a range; see ``ByteCount/parse(_:)``.
func size(_ range: ClosedRange<Int>) -> Parser<Int> {
    { (setting) throws(ConfigurationProblem) in
        guard let value = ByteCount.parse(setting.text) else {
            throw setting.problem(
                "'\(shown(setting.text))' is not a size; write a number and a unit, such as 512KiB, 64MiB or 1GiB")
        }
        guard range.contains(value) else {
            throw setting.problem(
                "\(shown(setting.text)) is out of range; write a size from \(ByteCount.text(range.lowerBound)) "
                    + "to \(ByteCount.text(range.upperBound))")
        }
        return value
    }
}

/// A whole number within a range.
func count(_ range: ClosedRange<Int>) -> Parser<Int> {
    { (setting) throws(ConfigurationProblem) in
        guard setting.text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(setting.text) else {
            throw setting.problem("'\(shown(setting.text))' is not a whole number; write one, such as 1000")
        }
        guard range.contains(value) else {
            throw setting.problem(
                "\(value) is out of range; write a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
