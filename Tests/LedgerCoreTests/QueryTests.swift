import LedgerCore
import Testing

@Suite struct QueryTests {
    @Test func parametersAreDecoded() throws {
        var query = try Query("prefix=Assets%3ACash+box&limit=10&as_of=2026-11-28T12%3A00%3A00%2B01%3A00")
        #expect(query.text("prefix") == "Assets:Cash box")
        #expect(try query.number("limit", 1...10) == 10)
        #expect(try query.time("as_of") == "2026-11-28T12:00:00+01:00")
        try query.end()
    }

    @Test(arguments: ["a=%00", "a=%zz", "a=%f", "a=%ff", "a=1&a=2"])
    func whatIsNoQueryIsRefused(_ text: String) {
        #expect(throws: Problem.self) { try Query(text) }
    }

    @Test func whatNobodyReadsIsUnknown() throws {
        let query = try Query("a=1")
        #expect(throws: Problem.self) { try query.end() }
    }

    @Test(arguments: ["[]", "1", "{", #"{"a":1,"a":2}"#])
    func anObjectIsOne(_ text: String) throws {
        var query = try Query("metadata=\(text.replacing("&", with: "%26"))")
        #expect(throws: Problem.self) { try query.object("metadata") }
    }

    @Test(arguments: [
        "2026-11-28T12:00:00Z", "2026-11-28T12:00:00.123456789-14:00", "9998-12-31T23:59:59+00:00",
        "1000-01-01T00:00:00+14:00",
    ])
    func theseAreTimes(_ text: String) {
        #expect(Timestamp.isWellFormed(text))
    }

    @Test(arguments: [
        "", "now", "infinity", "2026-11-28", "2026-11-28 12:00:00Z", "2026-11-28T12:00:00", "0000-01-01T00:00:00Z",
        "0999-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        "2026-11-28T24:00:00Z", "2026-11-28T12:00:60Z", "2026-11-28T12:00:00.Z", "2026-11-28T12:00:00+15:00",
        "2026-00-28T12:00:00Z", "2026-11-28T12:00:00Z; DROP TABLE accounts",
    ])
    func theseAreNone(_ text: String) {
        #expect(!Timestamp.isWellFormed(text))
    }
}
