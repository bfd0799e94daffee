private import FileSink

extension ConfigurationLayers {
    /// The list of the highest layer that has one, or nil; the file's is read in any case, so that its mistakes show.
    ///
    /// What is wrong is noted and is not in the list.
    func sinks(noting found: FoundProblems) -> (sinks: [SinkOption], layer: ConfigurationLayer)? {
        var fromFile: [SinkOption]?
        if let entries = file?.sinks {
            var list = SinkList()
            for entry in entries {
                let sink = SinkOption(reading: SectionReader(section: entry, problems: found))
                if let sink { list.add(sink, line: entry.line, noting: found) }
            }
            fromFile = list.sinks
        }
        if !sinkFlags.isEmpty { return (Self.sinks(sinkFlags, at: "--sink", noting: found), .flag) }
        let words = environment[OtherVariable.sink]?.split(separator: " ").map(String.init) ?? []
        if !words.isEmpty { return (Self.sinks(words, at: OtherVariable.sink, noting: found), .environment) }
        return fromFile.map { ($0, .file) }
    }

    private static func sinks(_ texts: [String], at place: String, noting found: FoundProblems) -> [SinkOption] {
        var list = SinkList()
        for text in texts {
            let sink = found.value { () throws(ConfigurationProblem) in try SinkOption(parsing: text, at: place) }
            if let sink { list.add(sink, line: nil, noting: found) }
        }
        return list.sinks
    }
}

/// Sinks that do not get into each other's way.
private struct SinkList {
    private(set) var sinks: [SinkOption] = []

    /// Adds a sink; that its name, its file or stdout is another's is noted.
    ///
    /// - Parameter line: of the file, where the sink is there.
    mutating func add(_ sink: SinkOption, line: Int?, noting found: FoundProblems) {
        func note(_ sentence: String) {
            found.note(.configuration("\(sink.place): \(sentence)").on(line: line))
        }
        if sinks.contains(where: { $0.name == sink.name }) {
            note("two sinks are named '\(sink.name)'; give each its own name")
        }
        for other in sinks {
            switch (other.destination, sink.destination) {
            case (.stdout, .stdout):
                note("sinks \(other.name) and \(sink.name) both write to stdout; remove one")
            case (.file(let one), .file(let two)) where one.location == two.location:
                note("sinks \(other.name) and \(sink.name) write to one file; give each its own path")
            default: break
            }
        }
        sinks.append(sink)
    }
}
