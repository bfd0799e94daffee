/// Text of SQL in which no value stands: what the source says, names in quotes, and whole numbers.
///
/// A `String` cannot be interpolated into it, so that what a user or a row said never becomes part of a statement: it goes
/// beside it, as a ``Parameter``.
package struct SQLText: Sendable, Hashable {
    package let text: String

    /// Text that the source does not spell out: of a migration's file, or of a test. Whoever calls this answers for it.
    package init(trusting text: String) {
        self.text = text
    }

    /// An identifier, in quotes.
    package init(name: String) {
        text = quotedIdentifier(name)
    }

    /// A string constant, for the few statements that take no parameters.
    package init(constant: String) {
        text = quotedLiteral(constant)
    }

    package static func + (left: SQLText, right: SQLText) -> SQLText { SQLText(trusting: left.text + right.text) }
}

/// What has a name, or an expression, in SQL.
package protocol SQLExpressible {
    var sql: SQLText { get }
}

extension SQLText: SQLExpressible {
    package var sql: SQLText { self }
}

extension SQLText: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) {
        text = value
    }

    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ part: some SQLExpressible) { text += part.sql.text }

        /// A number that is the program's own, such as a limit: the planner sees it.
        package mutating func appendInterpolation(_ number: Int) { text += number < 0 ? "(\(number))" : "\(number)" }
    }
}

extension [SQLText] {
    package func joined(separator: SQLText) -> SQLText {
        SQLText(trusting: map(\.text).joined(separator: separator.text))
    }
}
