/// What a client asks the ledger to do, read and checked as far as that can be done without the books.
package struct LedgerRequest: Hashable, Sendable {
    /// As `ledger_answer()` calls them.
    package enum Operation: String, Hashable, Sendable, CaseIterable {
        case open
        case post
        case hold
        case reverse
        case settle
        case release
    }

    package let operation: Operation
    /// The transfer that is reversed, settled or released: a UUID in lower case.
    package let subject: String?
    /// What is asked, a JSON object without members that are null.
    package let asked: String
    /// What tells this request from others under its key: the operation, the subject, and the body byte by byte.
    package let identity: [UInt8]

    /// - Parameter body: as it was sent; none is an empty object.
    /// - Throws: a problem with the first thing that is wrong.
    package init(_ operation: Operation, subject: String? = nil, body: [UInt8]) throws(Problem) {
        self.operation = operation
        self.subject = try subject.map { text throws(Problem) in try Self.uuid(text, "the transfer's id") }
        var reader = try ObjectReader(body: body)
        switch operation {
        case .open: try Self.checkAccount(&reader)
        case .post, .hold: try Self.checkTransfer(&reader)
        case .reverse: try reader.text("reason", isRequired: true)
        case .settle:
            try reader.legs(isRequired: false)
            try reader.text("description")
            try reader.time("effective_at")
        case .release: try reader.text("reason")
        }
        try reader.end()
        asked = reader.given.description
        identity = Array("\(operation.rawValue) \(self.subject ?? "")\n".utf8) + body
    }

    private static func checkAccount(_ reader: inout ObjectReader) throws(Problem) {
        try reader.text("path", isRequired: true, atMost: 1000) { path in
            // By scalars, as PostgreSQL sees it: to Swift, a colon with an accent is another character.
            let parts = path.unicodeScalars.split(separator: ":", omittingEmptySubsequences: false)
            return parts.allSatisfy { part in
                !part.isEmpty && part.allSatisfy { $0.properties.generalCategory != .control }
            } ? nil : "is no path such as Assets:Cash"
        }
        try reader.text("asset", isRequired: true, atMost: 100) { $0.isEmpty ? "is empty" : nil }
        try reader.text("book", atMost: 1000) { $0.isEmpty ? "is empty" : nil }
        try reader.text("name", atMost: 10_000)
        try reader.text("normal_side") { ["debit", "credit"].contains($0) ? nil : "is neither debit nor credit" }
        try reader.bool("may_go_negative")
        try reader.metadata()
    }

    private static func checkTransfer(_ reader: inout ObjectReader) throws(Problem) {
        try reader.legs(isRequired: true)
        try reader.text("external_id", atMost: 1000) { $0.isEmpty ? "is empty" : nil }
        try reader.text("correlation_id", atMost: 1000)
        try reader.text("description", atMost: 10_000)
        try reader.metadata()
        try reader.time("effective_at")
    }

    /// A UUID in lower case.
    ///
    /// - Parameter name: what it is, for the sentence.
    package static func uuid(_ text: String, _ name: String) throws(Problem) -> String {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard groups.map(\.count) == [8, 4, 4, 4, 12], groups.joined().allSatisfy(isHexDigit) else {
            throw Problem(.invalidParameter, "\(name) is no UUID.")
        }
        return text.lowercased()
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
