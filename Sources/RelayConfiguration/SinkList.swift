private import FileSink

extension ConfigurationLayers {
    /// The list of the highest layer that has one, or `nil`; the file's is read in any case, so that its mistakes show.
    func sinks() throws(ConfigurationProblem) -> [SinkOption]? {
        var fromFile: [SinkOption]?
        if let entries = file?.sinks {
            var list = SinkList()
            for entry in entries { try list.add(try SinkOption(reading: entry)) }
            fromFile = list.sinks
        }
        if !sinkFlags.isEmpty { return try Self.sinks(sinkFlags, at: "--sink") }
        let words = environment[OtherVariable.sink]?.split(separator: " ").map(String.init) ?? []
        if !words.isEmpty { return try Self.sinks(words, at: OtherVariable.sink) }
        return fromFile
    }

    private static func sinks(_ texts: [String], at place: String) throws(ConfigurationProblem) -> [SinkOption] {
        var list = SinkList()
        for text in texts { try list.add(try SinkOption(parsing: text, at: place)) }
        return list.sinks
    }
}

/// Sinks that do not get into each other's way.
private struct SinkList {
    private(set) var sinks: [SinkOption] = []

    /// Adds a sink, unless its name, its file or stdout is another's.
    mutating func add(_ sink: SinkOption) throws(ConfigurationProblem) {
        for other in sinks {
            guard other.name != sink.name else {
                throw .configuration("\(sink.place): two sinks are named '\(sink.name)'; give each its own name")
            }
            switch (other.destination, sink.destination) {
            case (.stdout, .stdout):
                throw .configuration(
                    "\(sink.place): sinks \(other.name) and \(sink.name) both write to stdout; remove one")
            case (.file(let one), .file(let two)) where one.location == two.location:
                throw .configuration(
                    "\(sink.place): sinks \(other.name) and \(sink.name) write to one file; give each its own path")
            default: break
            }
        }
        sinks.append(sink)
    }
}
