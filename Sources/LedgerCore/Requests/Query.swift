/// The parameters of a URL's query, read one by one; what nobody has read at the end is unknown.
package struct Query {
    private let parameters: [String: String]
    private var read: Set<String> = []

    /// - Parameter text: behind the question mark, percent-encoded, a plus for a space.
    /// - Throws: a problem where it is not UTF-8, has a NUL, or names a parameter twice.
    package init(_ text: String?) throws(Problem) {
        var parameters: [String: String] = [:]
        for pair in (text ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(halves[0]),
                let value = Self.decoded(halves.count > 1 ? halves[1] : "".utf8[...])
            else { throw Problem(.invalidParameter, "The query is not percent-encoded UTF-8 without NUL.") }
            guard parameters.updateValue(value, forKey: name) == nil else {
                throw Problem(.invalidParameter, "The parameter \(JSONValue.string(name)) comes twice.")
            }
        }
        self.parameters = parameters
    }

    package mutating func text(_ name: String) -> String? {
        read.insert(name)
        return parameters[name]
    }

    package mutating func uuid(_ name: String) throws(Problem) -> String? {
        guard let text = text(name) else { return nil }
        return try LedgerRequest.uuid(text, "`\(name)`")
    }

    package mutating func time(_ name: String) throws(Problem) -> String? {
        guard let text = text(name) else { return nil }
        guard Timestamp.isWellFormed(text) else {
            throw Problem(.invalidParameter, "`\(name)` is no time such as 2026-11-28T12:00:00Z.")
        }
        return text
    }

    package mutating func number(_ name: String, _ range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = text(name) else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw Problem(.invalidParameter, "`\(name)` is no number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A JSON object, as text.
    package mutating func object(_ name: String) throws(Problem) -> String? {
        guard let text = text(name) else { return nil }
        let value: JSONValue
        do {
            value = try JSONReader.read(Array(text.utf8))
        } catch {
            throw Problem(.invalidParameter, "`\(name)` is no JSON object: \(error).")
        }
        guard case .object = value else {
            throw Problem(.invalidParameter, "`\(name)` is \(value.kind), not a JSON object.")
        }
        return value.description
    }

    /// - Throws: a problem where there are parameters that nobody has asked for.
    package func end() throws(Problem) {
        guard let unknown = parameters.keys.filter({ !read.contains($0) }).min() else { return }
        throw Problem(.invalidParameter, "There is no parameter \(JSONValue.string(unknown)) here.")
    }

    /// - Returns: `nil` where the escapes are none, or what they stand for is not UTF-8 or has a NUL.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
