import Testing
import TraceContext

/// W3C Trace Context, section 3.2, and section 4.3 for versions that are not known.
@Suite("traceparent")
struct TraceParentTests {
    private static let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let spanID = "00f067aa0ba902b7"

    private static func header(
        _ version: String = "00", trace: String = traceID, span: String = spanID, flags: String = "01",
        more: String = ""
    ) -> String { "\(version)-\(trace)-\(span)-\(flags)\(more)" }

    @Test func itsPartsAreRead() throws {
        let parent = try #require(TraceParent(Self.header()))
        #expect("\(parent.traceID)" == Self.traceID && "\(parent.spanID)" == Self.spanID)
        #expect(parent.flags == .sampled)
        #expect(parent.text == Self.header())
    }

    private static let flags: [(String, TraceFlags)] = [
        ("00", []), ("01", .sampled), ("02", .random), ("03", .known), ("ff", .known), ("fc", []),
    ]

    @Test(arguments: flags)
    func flagsThatAreNotKnownAreZero(text: String, flags: TraceFlags) throws {
        let parent = try #require(TraceParent(Self.header(flags: text)))
        #expect(parent.flags == flags)
        #expect(TraceParent(parent.text) == parent)
    }

    private static let later: [String] = [
        header("01"), header("cc", more: "-what-the-future-will-be-like"), header("fe", more: "-"),
        header("01", more: "-" + String(repeating: "x", count: 200)),
    ]

    @Test(arguments: later)
    func aLaterVersionIsReadAsFarAsItIsKnown(_ text: String) throws {
        let parent = try #require(TraceParent(text))
        #expect(parent.text == Self.header())
    }

    @Test func ofALaterVersionOnlyTheSampledFlagCounts() throws {
        #expect(TraceParent(Self.header("01", flags: "03"))?.flags == .sampled)
        #expect(TraceParent(Self.header("01", flags: "fe"))?.flags == TraceFlags())
    }

    private static let invalid: [String] = [
        "", "00", header("ff"), header("FE"), header("0"), header("000"), header("0x"), header("é0"),
        header(trace: String(repeating: "0", count: 32)), header(span: String(repeating: "0", count: 16)),
        header(trace: traceID.uppercased()), header(span: spanID.uppercased()), header(flags: "0A"),
        header(flags: "A0"), header(trace: String(traceID.dropLast())), header(trace: "\(traceID)0"),
        header(trace: ".\(traceID.dropFirst())"), header(span: String(spanID.dropLast())),
        header(span: "\(spanID)0"), header(span: ".\(spanID.dropFirst())"), header(flags: "0"), header(flags: "1"),
        header(flags: "0."), header(flags: "001"), header(flags: ""), header(more: "-"),
        header(more: "-what-the-future-will-be-like"), header(more: "0"), header(more: " "), " \(header())",
        "\t\(header())", header().replacing("-", with: "_"), "\(header()),\(header())", header("01", more: "0"),
        header("cc", more: ".what"), header("01", more: "-a\u{7F}"), header("01", more: "-a b"),
        header("01", more: "-\r\nx: y"), header("01", more: "-" + String(repeating: "x", count: 400)),
    ]

    @Test(arguments: invalid)
    func whatIsNotValidIsNone(_ text: String) { #expect(TraceParent(text) == nil) }

    @Test func idsAreNeverZero() {
        #expect(TraceID(high: 0, low: 0) == nil && SpanID(0) == nil)
        var random = Counting(values: [0, 0, 0, 7, 0, 9])
        #expect(TraceID.random(using: &random) == TraceID(high: 0, low: 7))
        #expect(SpanID.random(using: &random) == SpanID(9))
        #expect("\(TraceID.random(using: &random))".utf8.count == 32)
    }
}

/// Gives what it was told to give, and counts on from there.
private struct Counting: RandomNumberGenerator {
    var values: [UInt64]
    private var last: UInt64 = 100

    init(values: [UInt64]) { self.values = values }

    mutating func next() -> UInt64 {
        if !values.isEmpty { return values.removeFirst() }
        last += 1
        return last
    }
}
