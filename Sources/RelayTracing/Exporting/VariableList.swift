import Foundation

/// The form of OpenTelemetry's variables that hold several values: `name=value,name=value`, values percent-encoded (W3C
/// Baggage). Values may be secrets and are never shown.
enum VariableList {
    struct Entry: Sendable, Hashable {
        var name: String
        var value: String
    }

    /// Entries at most.
    private static let limit = 64
    /// Bytes of a value at most.
    private static let valueLimit = 8 << 10

    /// - Parameters:
    ///   - variable: whose value it is, for the message.
    ///   - isName: whether something may be a name.
    static func read(
        _ text: String, of variable: String, isName: (String) -> Bool
    ) throws(TracingProblem) -> [Entry] {
        var entries: [Entry] = []
        for part in text.split(separator: ",") {
            let part = part.trimmingCharacters(in: .whitespaces)
            if part.isEmpty { continue }
            guard let equals = part.firstIndex(of: "=") else {
                throw TracingProblem(
                    "\(variable) has an entry without '='; write it like name=value,name=value, values percent-encoded")
            }
            let name = part[..<equals].trimmingCharacters(in: .whitespaces)
            let text = part[part.index(after: equals)...].trimmingCharacters(in: .whitespaces)
            guard isName(name) else {
                throw TracingProblem("\(variable) has an entry whose name is not allowed; correct it or remove it")
            }
            guard let value = text.removingPercentEncoding, value.utf8.count <= valueLimit,
                value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else {
                throw TracingProblem(
                    "the value of \(name) in \(variable) is not percent-encoded text; write a blank as %20")
            }
            entries.removeAll { $0.name == name }
            entries.append(Entry(name: name, value: value))
        }
        guard entries.count <= limit else {
            throw TracingProblem("\(variable) has more than \(limit) entries; remove some")
        }
        return entries
    }
}
