import RelayCore

/// JSON that keeps the order of its members.
package indirect enum JSONText: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Written with at most three digits after the point.
    case number(Double)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])

    /// A string, or null.
    package static func string(or value: String?) -> JSONText {
        value.map { .string($0) } ?? .null
    }

    /// A whole number, or null.
    package static func int(or value: Int64?) -> JSONText {
        value.map { .int($0) } ?? .null
    }

    /// RFC 8259, without blanks.
    package var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): "\(value)"
        case .number(let value): value.isFinite ? Self.rounded(value) : "null"
        case .string(let value): jsonString(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(jsonString($0.0)):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    private static func rounded(_ value: Double) -> String {
        let rounded = (value * 1000).rounded() / 1000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    }
}
