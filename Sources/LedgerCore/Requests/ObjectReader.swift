/// Reads the members of a request's body one by one; what nobody has read at the end is unknown.
struct ObjectReader {
    private let members: [JSONValue.Member]
    private var read: Set<String> = []

    static let mostLegs = 1000

    /// - Throws: a problem where the body is no JSON object.
    init(body: [UInt8]) throws(Problem) {
        let value: JSONValue
        do {
            value = body.isEmpty ? .object([]) : try JSONReader.read(body)
        } catch {
            throw Problem(.malformedJSON, "The body is not the JSON that is taken here: \(error).")
        }
        guard case .object(let members) = value else {
            throw Problem(.invalidRequest, "The body is \(value.kind), not an object.")
        }
        self.init(members: members)
    }

    private init(members: [JSONValue.Member]) {
        self.members = members
    }

    /// The object without what is `null`, which is as good as not there.
    var given: JSONValue { .object(members.filter { $0.value != .null }) }

    /// A member's value, where there is one.
    private mutating func value(_ name: String, isRequired: Bool) throws(Problem) -> JSONValue? {
        read.insert(name)
        guard let value = members.first(where: { $0.name == name })?.value, value != .null else {
            if isRequired { throw Problem(.invalidRequest, "There is no `\(name)`.") }
            return nil
        }
        return value
    }

    /// - Parameters:
    ///   - atMost: bytes.
    ///   - fault: what is wrong with the text, if anything.
    @discardableResult
    mutating func text(
        _ name: String, isRequired: Bool = false, atMost: Int = 10_000, fault: (String) -> String? = { _ in nil }
    ) throws(Problem) -> String? {
        guard let value = try value(name, isRequired: isRequired) else { return nil }
        guard case .string(let text) = value else {
            throw Problem(.invalidRequest, "`\(name)` is \(value.kind), not a string.")
        }
        guard text.utf8.count <= atMost else {
            throw Problem(.invalidRequest, "`\(name)` has more than \(atMost) bytes.")
        }
        if let fault = fault(text) { throw Problem(.invalidRequest, "`\(name)` \(fault).") }
        return text
    }

    mutating func bool(_ name: String) throws(Problem) {
        guard let value = try value(name, isRequired: false) else { return }
        guard case .bool = value else { throw Problem(.invalidRequest, "`\(name)` is \(value.kind), not a boolean.") }
    }

    mutating func time(_ name: String) throws(Problem) {
        try text(name) { Timestamp.isWellFormed($0) ? nil : "is no time such as 2026-11-28T12:00:00Z" }
    }

    mutating func metadata() throws(Problem) {
        guard let value = try value("metadata", isRequired: false) else { return }
        guard case .object = value else {
            throw Problem(.invalidRequest, "`metadata` is \(value.kind), not an object.")
        }
    }

    mutating func legs(isRequired: Bool) throws(Problem) {
        guard let value = try value("legs", isRequired: isRequired) else { return }
        guard case .array(let legs) = value else {
            throw Problem(.invalidRequest, "`legs` is \(value.kind), not an array.")
        }
        guard (2...Self.mostLegs).contains(legs.count) else {
            throw Problem(.invalidRequest, "There are \(legs.count) legs, and 2 to \(Self.mostLegs) may be.")
        }
        for (place, leg) in legs.enumerated() {
            do {
                try Self.check(leg)
            } catch {
                throw Problem(error.code, "Leg \(place + 1): \(error.detail)")
            }
        }
    }

    private static func check(_ leg: JSONValue) throws(Problem) {
        guard case .object(let members) = leg else {
            throw Problem(.invalidRequest, "It is \(leg.kind), not an object.")
        }
        var reader = ObjectReader(members: members)
        if let account = try reader.text("account_id", isRequired: true) {
            do {
                _ = try LedgerRequest.uuid(account, "`account_id`")
            } catch {
                throw Problem(.invalidRequest, error.detail)
            }
        }
        try reader.text("asset", isRequired: true, atMost: 100) { $0.isEmpty ? "is empty" : nil }
        try reader.amount()
        try reader.end()
    }

    /// Minor units, in plain digits; the lowest bigint has no opposite, and could not be reversed.
    private mutating func amount() throws(Problem) {
        guard let value = try value("amount", isRequired: true) else { return }
        guard case .number(let digits) = value else {
            throw Problem(.invalidRequest, "`amount` is \(value.kind), not a number.")
        }
        guard digits.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }) else {
            throw Problem(.invalidRequest, "`amount` is no whole number of minor units in plain digits.")
        }
        guard let amount = Int64(digits), amount != .min else {
            throw Problem(.invalidRequest, "`amount` is beyond ±\(Int64.max).")
        }
        guard amount != 0 else { throw Problem(.invalidRequest, "`amount` is 0.") }
    }

    /// - Throws: a problem where there are members that nobody has asked for.
    func end() throws(Problem) {
        guard let unknown = members.first(where: { !read.contains($0.name) }) else { return }
        throw Problem(.invalidRequest, "There is no member \(JSONValue.string(unknown.name)) here.")
    }
}
