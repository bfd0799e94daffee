import LedgerCore
import Testing

/// What is refused before the books are asked.
@Suite struct LedgerRequestTests {
    private static let account = "11111111-2222-4333-8444-555555555555"

    private func post(_ body: String) throws -> LedgerRequest { try LedgerRequest(.post, body: Array(body.utf8)) }

    private func leg(_ amount: String, more: String = "") -> String {
        #"{"account_id":"\#(Self.account)","asset":"USD","amount":\#(amount)\#(more)}"#
    }

    private func code(_ body: String) -> Problem.Code? {
        do {
            _ = try post(body)
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    @Test func aTransferIsTakenAsItIs() throws {
        let body = #"{"legs":[\#(leg("-100")),\#(leg("100"))],"metadata":{"a":1.0},"description":null}"#
        let request = try post(body)
        #expect(request.asked == #"{"legs":[\#(leg("-100")),\#(leg("100"))],"metadata":{"a":1.0}}"#)
    }

    @Test(arguments: [
        "1e2", "100.0", "9223372036854775808", "-9223372036854775808", "0", "-0", "\"1\"", "null", "1E40",
    ])
    func amountsArePlainDigits(_ amount: String) {
        #expect(code(#"{"legs":[\#(leg(amount)),\#(leg("1"))]}"#) == .invalidRequest)
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775807"])
    func amountsReachToBothEnds(_ amount: String) {
        #expect(code(#"{"legs":[\#(leg(amount)),\#(leg("1"))]}"#) == nil)
    }

    @Test(arguments: [
        ("", Problem.Code.invalidRequest), ("[]", .invalidRequest), ("{", .malformedJSON),
        (#"{"legs":[]}"#, .invalidRequest),
        (#"{"legs":{}}"#, .invalidRequest), (#"{"legs":[1,2]}"#, .invalidRequest),
        (#"{"legs":null}"#, .invalidRequest), (#"{"leg":1}"#, .invalidRequest),
    ])
    func whatIsNoTransferIsRefused(_ body: String, _ expected: Problem.Code) {
        #expect(code(body) == expected)
    }

    @Test(arguments: [
        #""external_id":"""#, #""external_id":1"#, #""metadata":[]"#, #""effective_at":"yesterday""#,
        #""effective_at":"2026-13-01T00:00:00Z""#, #""other":1"#, #""description":true"#,
    ])
    func eachMemberIsLookedAt(_ member: String) {
        #expect(code(#"{"legs":[\#(leg("-1")),\#(leg("1"))],\#(member)}"#) == .invalidRequest)
    }

    @Test func aThousandLegsAreTakenAndNoMore() {
        let legs = { (count: Int) in
            "{\"legs\":[" + [String](repeating: leg("1"), count: count).joined(separator: ",") + "]}"
        }
        #expect(code(legs(1000)) == nil)
        #expect(code(legs(1001)) == .invalidRequest)
        #expect(code(legs(1)) == .invalidRequest)
    }

    @Test(arguments: ["", "x", "11111111-2222-4333-8444-55555555555g", "11111111222243338444555555555555"])
    func aTransferIsNamedByItsUUID(_ id: String) {
        #expect(throws: Problem.self) { try LedgerRequest(.reverse, subject: id, body: Array(#"{"reason":"x"}"#.utf8)) }
    }

    @Test func anotherBodyIsAnotherRequest() throws {
        let body = #"{"legs":[\#(leg("-1")),\#(leg("1"))]}"#
        #expect(try post(body).identity == post(body).identity)
        #expect(try post(body).identity != post(body + " ").identity)
        #expect(try post(body).identity != LedgerRequest(.hold, body: Array(body.utf8)).identity)
    }

    @Test(arguments: ["A", ":A", ":\u{308}A", "A:", "A::B", "A:\u{7}"])
    func aPathHasParts(_ path: String) {
        let body = JSONValue.object([.init(name: "path", value: .string(path)), .init(name: "asset", value: "USD")])
        let isRight = path == "A"
        let request = try? LedgerRequest(.open, body: Array(body.description.utf8))
        #expect((request != nil) == isRight)
    }

    @Test(arguments: [
        ("k", true), ("", false), (String(repeating: "k", count: 255), true), ("a b", false), ("é", false),
    ])
    func aKeyIsVisibleASCII(_ key: String, _ isOne: Bool) {
        #expect((IdempotencyKey(key) != nil) == isOne)
        #expect(IdempotencyKey(String(repeating: "k", count: 256)) == nil)
    }
}
