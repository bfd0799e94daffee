import RelayConfiguration
import Testing

@Suite("Durations and sizes")
struct QuantityTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("5s", .seconds(5)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
        ("7d", .seconds(604_800)), ("0ms", .zero),
    ])
    func durations(_ text: String, _ expected: Duration) {
        #expect(Duration(configured: text) == expected)
        #expect(Duration(configured: expected.configured) == expected)
    }

    @Test(arguments: [
        "", "5", "s", "-5s", "1.5s", "5 s", "5S", "5s ", "٣s", "9223372036854775807d", "99999999999999999999s",
    ])
    func noDuration(_ text: String) {
        #expect(Duration(configured: text) == nil)
    }

    @Test(arguments: [
        ("64MiB", 64 << 20), ("1GiB", 1 << 30), ("2TiB", 2 << 40), ("3KiB", 3072), ("7B", 7), ("1048576", 1 << 20),
    ])
    func sizes(_ text: String, _ expected: Int) {
        #expect(ByteCount.parse(text) == expected)
        #expect(ByteCount.parse(ByteCount.text(expected)) == expected)
    }

    @Test(arguments: ["", "MiB", "64MB", "64 MiB", "-1MiB", "1.5GiB", "9223372036854775807TiB"])
    func noSize(_ text: String) {
        #expect(ByteCount.parse(text) == nil)
    }
}
