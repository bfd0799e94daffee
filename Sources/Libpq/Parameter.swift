/// A value for `$1`, `$2`, … of a statement, sent as text; the server infers the type from the statement.
///
/// Where it cannot (`SELECT unnest($1)`), the statement casts: `$1::bigint[]`.
package struct Parameter: Sendable, Hashable {
    /// The text that is sent; `nil` is NULL.
    let value: String?

    /// A string. A NUL in it fails the call: PostgreSQL stores none.
    package static func text(_ value: String) -> Parameter { Parameter(value: value) }

    /// An integer, in decimal.
    package static func int(_ value: Int64) -> Parameter { Parameter(value: String(value)) }

    /// A boolean.
    package static func bool(_ value: Bool) -> Parameter { Parameter(value: value ? "t" : "f") }

    /// NULL.
    package static let null = Parameter(value: nil)

    /// A `bigint[]`: `{1,2,3}`.
    package static func int8Array(_ values: [Int64]) -> Parameter { array(values, capacity: 12) { String($0) } }

    /// A `bigint[]` some of whose elements are NULL.
    package static func int8Array(_ values: [Int64?]) -> Parameter {
        array(values, capacity: 12) { $0.map { String($0) } ?? "NULL" }
    }

    /// A `boolean[]`.
    package static func boolArray(_ values: [Bool]) -> Parameter { array(values, capacity: 2) { $0 ? "t" : "f" } }

    private static func array<Value>(_ values: [Value], capacity: Int, _ element: (Value) -> String) -> Parameter {
        var text = "{"
        text.reserveCapacity(values.count * capacity + 2)
        for (index, value) in values.enumerated() {
            if index > 0 { text += "," }
            text += element(value)
        }
        return Parameter(value: text + "}")
    }

    /// A `text[]`, each element in quotes (PostgreSQL documentation, 8.15.6).
    package static func textArray(_ values: [String]) -> Parameter {
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        let quoted = values.map { "\"" + escaped($0, [quote: backslash, backslash: backslash]) + "\"" }
        return Parameter(value: "{" + quoted.joined(separator: ",") + "}")
    }
}

extension Parameter: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
}
