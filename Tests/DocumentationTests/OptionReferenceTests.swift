import Testing

@testable import RelayConfiguration

/// `docs/reference/options.md` and `docs/reference/file.md` against the program.
@Suite struct OptionReferenceTests {
    /// A row of the options: its three places, its default, its range.
    struct Row: CustomTestStringConvertible {
        let flag, variable, key, range: String
        /// Nil where the default is no value that could be written.
        let byDefault: String?

        init(_ cells: [String]) {
            func code(_ index: Int) -> String { cells.indices.contains(index) ? cells[index].codes.first ?? "" : "" }
            (flag, variable, key) = (code(0), code(1), code(2))
            byDefault = cells.count > 3 ? cells[3].wholeMatch(of: /`([^`]+)`/).map { String($0.1) } : nil
            range = cells.count > 4 ? cells[4] : ""
        }

        var testDescription: String { flag }

        /// The two ends of a range that has a lower and an upper one.
        var ends: (lower: String, upper: String)? {
            range.wholeMatch(of: /`([^`]+)` to `([^`]+)`/).map { (String($0.1), String($0.2)) }
        }
    }

    private static let options = rows("docs/reference/options.md", "# Options").map(Row.init)

    private static func rows(_ page: String, _ heading: String) -> [[String]] {
        let rows = (try? Markdown(Repository.text(page)).rows(under: heading)) ?? []
        return rows.filter { $0.first?.codes.isEmpty == false }
    }

    private func resolved(_ key: OptionKey, _ text: String) throws -> RelayOptions {
        try RelayOptions(resolving: ConfigurationLayers(flags: [key: text]))
    }

    @Test func everyOptionIsThere() async throws {
        let program = try await CommandTree.ofTheProgram().ofRun
        let flags = Self.options.map(\.flag)
        #expect(flags.count == Set(flags).count)
        #expect(Set(flags) == program.subtracting(["--version", "--help"]))
        let places = Self.options.filter { !["--sink", "--config"].contains($0.flag) }
        #expect(Set(places.map(\.key)) == Set(OptionKey.allCases.map(\.rawValue)))
        for place in places {
            let key = try #require(OptionKey(rawValue: place.key))
            #expect(place.flag == key.flag && place.variable == key.variable)
        }
        let others = Self.options.filter { $0.flag == "--sink" || $0.flag == "--config" }
        #expect(Set(others.map(\.variable)) == [OtherVariable.sink, OtherVariable.config])
        #expect(Set(others.map(\.key)) == ["sinks", ""])
    }

    @Test(arguments: options.filter { $0.byDefault != nil && $0.key != "sinks" })
    func theDefaultIsThatOfTheProgram(_ row: Row) throws {
        let key = try #require(OptionKey(rawValue: row.key))
        #expect(try resolved(key, try #require(row.byDefault)) == RelayOptions())
    }

    /// The ends of a range are taken, and what is just beyond is refused.
    @Test(arguments: options.filter { $0.ends != nil }) func theRangeIsThatOfTheProgram(_ row: Row) throws {
        let key = try #require(OptionKey(rawValue: row.key))
        let ends = try #require(row.ends)
        for end in [ends.lower, ends.upper] { _ = try resolved(key, end) }
        #expect(throws: ConfigurationProblems.self) {
            try resolved(key, try #require(Self.next(to: ends.upper, by: 1)))
        }
        if let below = Self.next(to: ends.lower, by: -1) {
            #expect(throws: ConfigurationProblems.self) { try resolved(key, below) }
        }
    }

    @Test(arguments: options.filter { $0.range.codes.count > 1 && $0.ends == nil }) func theChoicesAreTaken(_ row: Row)
        throws
    {
        let key = try #require(OptionKey(rawValue: row.key))
        for choice in row.range.codes { _ = try resolved(key, choice) }
        #expect(throws: ConfigurationProblems.self) { try resolved(key, "another") }
    }

    /// The same amount with its number changed; nil below zero.
    private static func next(to amount: String, by change: Int) -> String? {
        guard let parts = amount.wholeMatch(of: /([0-9]+)([A-Za-z]*)/), let number = Int(parts.1), number + change >= 0
        else {
            return nil
        }
        return "\(number + change)\(parts.2)"
    }

    private static let sinkKeys = rows("docs/reference/file.md", "## Keys of a sink")

    @Test func everyKeyOfASinkIsThere() throws {
        let keys = Self.sinkKeys.compactMap { $0[0].codes.first?.prefix { $0 != ":" } }.map(String.init)
        #expect(keys.count == Set(keys).count)
        #expect(Set(keys) == Set(SinkKey.allCases.map(\.rawValue)))
        for (name, row) in zip(keys, Self.sinkKeys) {
            // `order` and `concurrency` have values beyond their defaults for webhooks alone.
            guard let key = SinkKey(rawValue: name), key != .order, key != .concurrency else { continue }
            let fits = row[1] == "all" ? SinkKind.allCases : SinkKind.allCases.filter { row[1].contains($0.rawValue) }
            #expect(Set(fits) == Set(key.kinds), "\(name)")
        }
    }

    @Test func theRangesOfSinkKeysAreThoseOfTheProgram() throws {
        var checked = 0
        for row in Self.sinkKeys {
            guard let key = row[0].codes.first, let ends = row[3].wholeMatch(of: /`([^`"]+)` to `([^`"]+)`/) else {
                continue
            }
            checked += 1
            let beside = key == "concurrency" ? ", order: key" : ""
            func read(_ value: String) throws {
                let yaml = "sinks: [{to: 'https://h/', \(key): \(value)\(beside)}]"
                let file = ConfigurationFile(yaml: yaml, path: "relay.yaml")
                _ = try RelayOptions(resolving: ConfigurationLayers(file: file))
            }
            for end in [ends.1, ends.2] { try read(String(end)) }
            let beyond = try #require(Self.next(to: String(ends.2), by: 1))
            #expect(throws: ConfigurationProblems.self, "\(key)") { try read(beyond) }
            if let below = Self.next(to: String(ends.1), by: -1) {
                #expect(throws: ConfigurationProblems.self, "\(key)") { try read(below) }
            }
        }
        #expect(checked >= 5)
    }

    /// The examples are files that the program takes.
    @Test(arguments: [
        "docs/reference/file.md", "docs/guides/sinks.md", "docs/guides/webhooks.md", "docs/guides/files.md",
        "README.md",
    ])
    func theExamplesAreAccepted(_ page: String) throws {
        let examples = Markdown(try Repository.text(page)).fences.filter { $0.language == "yaml" }
        #expect(!examples.isEmpty)
        for example in examples {
            let file = ConfigurationFile(yaml: example.text, path: "\(page):\(example.line)")
            _ = try RelayOptions(resolving: ConfigurationLayers(file: file))
        }
    }
}
