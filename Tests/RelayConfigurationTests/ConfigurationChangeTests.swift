import RelayConfiguration
import Testing

/// What a configuration that was read again asks for.
@Suite("What a reread changes")
struct ConfigurationChangeTests {
    private func resolution(_ yaml: String, flags: [OptionKey: String] = [:]) throws -> Resolution {
        try Resolution(
            ConfigurationLayers(flags: flags, file: ConfigurationFile(yaml: yaml, path: "relay.yaml")))
    }

    private func change(_ old: String, _ new: String, rewritten: Set<String> = []) throws -> ConfigurationChange {
        ConfigurationChange(
            from: try resolution(old).said, to: try resolution(new).said, rewritten: rewritten)
    }

    private static let sinks = "sinks:\n  - {name: a, to: 'file:/a'}\n  - {name: b, to: 'http://h/'}\n"

    @Test(arguments: [
        sinks, "# another line\n\n\(sinks)", "mode: poll\n\(sinks)",
        "sinks:\n  - {name: b, to: 'http://h/', timeout: ~}\n  - {name: a, to: 'file:/a'}\n",
    ])
    func nothing(_ new: String) throws {
        let change = try change(Self.sinks, new)
        #expect(!change.hasOtherSinks && change.logLevel == nil && change.needsRestart.isEmpty)
    }

    @Test func sinksByTheirNames() throws {
        let new = "sinks:\n  - {name: c, to: stdout}\n  - {name: b, to: 'http://h/', include: [x]}\n"
        let change = try change(Self.sinks, new)
        #expect(change.hasOtherSinks)
        #expect(change.added == ["c"] && change.removed == ["a"] && change.changed == ["b"])
        #expect(change.sinksInWords == "added c; removed a; changed b")
        #expect(change.needsRestart.isEmpty && change.logLevel == nil)
    }

    @Test(arguments: [
        "to: 'http://h/2'", "to: 'http://h/', secret_files: [/s]", "to: 'http://h/', header_files: {x: /s}",
        "to: 'http://h/', headers: {x: y}", "to: 'http://h/', timeout: 7s", "to: 'http://h/', order: key",
        "to: 'http://h/', on_reject: park", "to: 'http://h/', retry: {max: 1m}", "to: 'file:/b'", "to: stdout",
    ])
    func anyKeyOfASink(_ entry: String) throws {
        let change = try change("sinks: [{name: b, to: 'http://h/'}]", "sinks: [{name: b, \(entry)}]")
        #expect(change.changed == ["b"] && change.added.isEmpty && change.removed.isEmpty)
    }

    @Test func aFileOfAnotherContent() throws {
        #expect(try change(Self.sinks, Self.sinks, rewritten: ["b"]).changed == ["b"])
        // One that is gone is removed, and no more.
        let gone = try change(Self.sinks, "sinks: [{name: a, to: 'file:/a'}]", rewritten: ["b"])
        #expect(gone.changed.isEmpty && gone.removed == ["b"])
    }

    @Test func theLogLevelAlone() throws {
        let change = try change(Self.sinks, "log_level: debug\n\(Self.sinks)")
        #expect(change.logLevel == .debug && !change.hasOtherSinks && change.needsRestart.isEmpty)
    }

    /// Every other option, also one that somebody adds.
    @Test(arguments: OptionKey.allCases) func whatNeedsARestart(_ key: OptionKey) throws {
        let other = [
            OptionKey.mode: "wal", .database: "dbname=x password=other", .order: "none", .source: "urn:x",
            .untilDrained: "true", .logFormat: "json", .listen: "127.0.0.1:1", .batchSize: "7", .window: "7",
            .memory: "7MiB", .maxSlotWAL: "7MiB", .logLevel: "debug", .keepPublished: "7d", .otlp: "http://x:4318",
        ]
        let value = other[key] ?? "700ms"
        // Of the database no more than the password.
        let change = try change(
            key == .database ? "database: dbname=x password=one" : "", "\(key.rawValue): \(value)")
        #expect(change.needsRestart == (key == .logLevel ? [] : [key]))
        #expect(!change.hasOtherSinks)
    }

    @Test func whatGoesOnIsTheOldWithTheNewSinks() throws {
        let old = try resolution("batch_size: 5\nwindow: 6\n\(Self.sinks)")
        let new = try resolution("batch_size: 50\nlog_level: error\nsinks: [{to: stdout}]")
        let found = FoundProblems()
        let next = old.reread(as: new, noting: found)
        try found.check()
        #expect(next.options.sinks.map(\.name) == ["stdout"] && next.options.logLevel == .error)
        #expect(next.options.batchSize == 5 && next.options.window == 6)
        #expect(ConfigurationChange(from: next.said, to: new.said).needsRestart == [.batchSize, .window])
        #expect(!ConfigurationChange(from: next.said, to: new.said).hasOtherSinks)
    }

    /// The file is right, but not for a process that keeps its order and its claim timeout.
    @Test(arguments: [
        ("order: none\nsinks: [{to: stdout}]", "sinks: [{to: stdout}, {to: 'file:/x'}]", false),
        (
            "order: none\nclaim_timeout: 5s\nsinks: [{to: 'http://h/'}]",
            "order: none\nclaim_timeout: 10s\nsinks: [{to: 'http://h/', timeout: 7s}]", false
        ),
        ("order: none\nsinks: [{to: 'http://h/'}]", "order: none\nclaim_timeout: 1s\nsinks: [{to: 'http://h/'}]", true),
    ])
    func theNewSinksMustSuitWhatStays(_ old: String, _ new: String, _ suits: Bool) throws {
        let (old, new) = (try resolution(old), try resolution(new))
        let found = FoundProblems()
        let next = old.reread(as: new, noting: found)
        if suits {
            try found.check()
            #expect(next.options.sinks.map(\.destination) == old.options.sinks.map(\.destination))
        } else {
            #expect(throws: ConfigurationProblems.self) { try found.check() }
        }
    }

    @Test func whatAFlagSaysStays() throws {
        let old = try resolution("log_level: info", flags: [.logLevel: "error"])
        let new = try resolution("log_level: debug", flags: [.logLevel: "error"])
        #expect(ConfigurationChange(from: old.said, to: new.said).logLevel == nil)
    }
}
