import RelayObservability

/// The last errors of a relay: one that comes again is counted, not repeated.
package struct RecentErrors: Sendable {
    package struct Entry: Sendable, Hashable {
        /// When it came last, in milliseconds since the Unix epoch.
        package var time: Int64
        /// Whose it is; nil where it is the relay's own.
        package var sink: String?
        /// The event that it is about, if it is about one.
        package var event: Int64?
        package var text: String
        /// How often it came.
        package var count: Int

        package init(time: Int64, sink: String?, event: Int64? = nil, text: String, count: Int) {
            self.time = time
            self.sink = sink
            self.event = event
            self.text = text
            self.count = count
        }
    }

    /// In the order in which they came last.
    package private(set) var entries: [Entry] = []

    /// How many are kept.
    package static let limit = 20
    /// Characters of one that are kept: servers answer at any length.
    package static let longest = 1000

    package init() {}

    package mutating func note(_ text: String, sink: String?, event: Int64? = nil, at time: Int64) {
        let start = text.prefix(Self.longest)
        let shown = start.endIndex < text.endIndex ? "\(start)…" : text
        var entry = Entry(time: time, sink: sink, event: event, text: oneLine(shown), count: 1)
        if let known = entries.firstIndex(where: { $0.sink == entry.sink && $0.text == entry.text }) {
            entry.count += entries.remove(at: known).count
        }
        entries.append(entry)
        if entries.count > Self.limit { entries.removeFirst() }
    }

    /// The latest of a sink, if it came at or after `time`.
    func latest(of sink: String, since time: Int64) -> String? {
        entries.last { $0.sink == sink && $0.time >= time }?.text
    }

    var json: JSONText {
        .array(
            entries.map { entry in
                .object([
                    ("time", .string(rfc3339(milliseconds: entry.time))), ("sink", .string(or: entry.sink)),
                    ("event", .int(or: entry.event)), ("text", .string(entry.text)),
                    ("count", .int(Int64(entry.count))),
                ])
            })
    }
}
