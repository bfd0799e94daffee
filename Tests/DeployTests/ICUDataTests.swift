import Testing

@testable import ICUData

/// What `make static` makes of ICU's data.
@Suite struct ICUDataTests {
    /// A package of two items, written down by the format's description.
    private static let bytes: [UInt8] =
        [16, 0, 0xda, 0x27] + [UInt8](repeating: 7, count: 12)  // the header
        + [2, 0, 0, 0] + [20, 0, 0, 0, 32, 0, 0, 0] + [24, 0, 0, 0, 48, 0, 0, 0]  // where names and items begin
        + Array("p/a\0p/b\0".utf8) + [0, 0, 0, 0]
        + Array("first, padded...".utf8) + Array("second".utf8) + [UInt8](repeating: 0, count: 10)

    @Test func readsAndWritesTheFormat() throws {
        var package = try DataPackage(Self.bytes)
        #expect(package.items.map(\.name) == ["p/a", "p/b"])
        #expect(package.items.map { Array($0.bytes) }.first == Array("first, padded...".utf8))
        #expect(package.bytes == Self.bytes)
        package.items.removeFirst()
        let smaller = try DataPackage(package.bytes)
        #expect(smaller.items.map(\.name) == ["p/b"] && smaller.items.first?.bytes.starts(with: "second".utf8) == true)
        #expect(smaller.header == package.header)
    }

    /// Whatever is cut off or wrong: it is refused, or read as what is left, and never a trap.
    @Test func refusesWhatIsNoPackage() {
        #expect(throws: DataPackage.Malformed.self) { try DataPackage(Array("no package at all".utf8)) }
        for count in 0..<48 {
            #expect(throws: DataPackage.Malformed.self) { try DataPackage(Array(Self.bytes.prefix(count))) }
        }
        for place in 16..<36 {
            var wrong = Self.bytes
            wrong[place] = 0xff
            _ = try? DataPackage(wrong)
        }
    }

    @Test(arguments: [
        ("icudt76l/root.res", true), ("icudt76l/en.res", true), ("icudt76l/coll/en_US_POSIX.res", true),
        ("icudt76l/zoneinfo64.res", true), ("icudt76l/nfkc.nrm", true), ("icudt76l/uts46.nrm", true),
        ("icudt76l/supplementalData.res", true), ("icudt76l/coll/root.res", true), ("icudt76l/brkitr/word.brk", true),
        ("icudt76l/curr/pool.res", true), ("icudt76l/res_index.res", true), ("icudt76l/de.res", false),
        ("icudt76l/zone/zh_Hant_HK.res", false), ("icudt76l/es_419.res", false), ("icudt76l/lang/yue.res", false),
        ("icudt76l/ibm-943_P15A-2003.cnv", false), ("icudt76l/brkitr/thaidict.dict", false),
        ("icudt76l/translit/root.res", false), ("icudt76l/unames.icu", false),
    ])
    func keepsWhatIsNeeded(_ item: String, _ isNeeded: Bool) {
        #expect(NeededItems.contains(item) == isNeeded)
    }
}
