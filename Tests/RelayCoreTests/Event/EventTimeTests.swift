import RelayCore
import RelayTestKit
import Testing

@Suite("created_at, as PostgreSQL prints it")
struct EventTimeTests {
    @Test(arguments: [
        ("2026-11-20 22:16:30.213327+00", 1_795_212_990_213_327, "2026-11-20T22:16:30.213327Z"),
        ("2026-11-20 22:16:30+00", 1_795_212_990_000_000, "2026-11-20T22:16:30.000000Z"),
        ("2026-11-20 22:16:30.5+00", 1_795_212_990_500_000, "2026-11-20T22:16:30.500000Z"),
        ("2026-11-20 22:16:30.000001+00", 1_795_212_990_000_001, "2026-11-20T22:16:30.000001Z"),
        ("1970-01-01 00:00:00+00", 0, "1970-01-01T00:00:00.000000Z"),
        ("1969-12-31 23:59:59.999999+00", -1, "1969-12-31T23:59:59.999999Z"),
        ("2024-02-29 00:00:00+00", 1_709_164_800_000_000, "2024-02-29T00:00:00.000000Z"),
        ("2000-02-29 12:00:00+00", 951_825_600_000_000, "2000-02-29T12:00:00.000000Z"),
        ("1900-03-01 00:00:00+00", -2_203_891_200_000_000, "1900-03-01T00:00:00.000000Z"),
        ("0001-01-01 00:00:00+00", -62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31 23:59:59.999999+00", 253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        // Sessions that are not in UTC.
        ("2026-11-21 03:46:30.213327+05:30", 1_795_212_990_213_327, "2026-11-20T22:16:30.213327Z"),
        ("2026-11-20 12:16:30.213327-10", 1_795_212_990_213_327, "2026-11-20T22:16:30.213327Z"),
        ("1880-01-01 00:53:28+00:53:28", -2_840_140_800_000_000, "1880-01-01T00:00:00.000000Z"),
        ("0001-12-31 23:30:00-01 BC", -62_135_594_999_999_999 - 1, "0001-01-01T00:30:00.000000Z"),
    ])
    func written(text: String, microseconds: Int64, time: String) throws {
        let (batch, line) = try encode(text)
        #expect(batch.createdAt == [microseconds])
        #expect(line.contains(",\"time\":\"\(time)\",\"datacontenttype\""))
    }

    @Test(arguments: [
        ("10000-01-01 00:00:00+00", 253_402_300_800_000_000),
        ("0001-12-31 23:59:59.999999+00 BC", -62_135_596_800_000_001),
        ("0044-03-15 00:00:00+00 BC", -63_517_824_000_000_000),
        ("4714-11-24 00:00:00+00 BC", -210_866_803_200_000_000),
        ("9999-12-31 23:30:00-01", 253_402_302_600_000_000),
        ("0001-01-01 00:30:00+01", -62_135_598_600_000_000),
        ("294246-12-31 23:59:59.999999+00", 9_223_371_244_799_999_999),
        ("294276-12-31 23:59:59.999999+00", Int64.max),
        ("infinity", Int64.max), ("-infinity", Int64.min),
    ])
    func leftOut(text: String, microseconds: Int64) throws {
        let (batch, line) = try encode(text)
        #expect(batch.createdAt == [microseconds])
        #expect(!line.contains("\"time\""))
    }

    @Test(arguments: [
        "", "i", "infinit", "infinityy", "2026", "2026-11-20", "2026-11-20 22:16:30", "2026-11-20 22:16:30.+00",
        "2026-11-20 22:16:30.1234567+00", "2026-11-20 22:16:30.213327Z", "2026-11-20T22:16:30+00",
        "20-11-2026 22:16:30+00", "2026-13-20 22:16:30+00", "2026-11-32 22:16:30+00", "2026-11-20 24:16:30+00",
        "2026-11-20 22:60:30+00", "2026-11-20 22:16:61+00", "2026-11-20 22:16:30+0", "2026-11-20 22:16:30+00:",
        "2026-11-20 22:16:30+00:6", "2026-11-20 22:16:30+00 AD", "2026-11-20 22:16:30+00 BCE",
        "2026-11-20 22:16:30+00 ", "Fri Nov 20 22:16:30 2026 UTC", "1234567-01-01 00:00:00+00",
    ])
    func refused(text: String) {
        #expect(throws: EventEncodingError.createdAt(id: 42, text: text)) { try encode(text) }
    }

    @Test func everyDayFollowsTheOneBefore() throws {
        // A calendar of its own, counted day by day over a leap cycle and its edges.
        var microseconds: Int64 = -2_208_988_800_000_000  // 1900-01-01
        for year in 1900...2101 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, days) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for day in [1, 2, days] {
                    let date = "\(year)-\(padded(month + 1))-\(padded(day))"
                    let (batch, line) = try encode(date + " 00:00:00+00")
                    let expected = microseconds + Int64(day - 1) * 86_400_000_000
                    try #require(batch.createdAt == [expected])
                    try #require(line.contains("\"time\":\"\(date)T00:00:00.000000Z\""))
                }
                microseconds += Int64(days) * 86_400_000_000
            }
        }
    }

    private func padded(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    private func encode(_ createdAt: String) throws -> (EventBatch, String) {
        var builder = EventBatchBuilder(source: "/outbox")
        try EventFixture(createdAt: createdAt).append(to: &builder)
        let batch = builder.finish()
        return (batch, batch.line(0))
    }
}
