import RelayObservability

/// How the sinks were over the last minutes, a point for each reading.
package struct History: Sendable {
    /// Of one sink at one reading; what was not known then is nil.
    package struct Numbers: Sendable, Hashable {
        package var lagEvents: Int64?
        package var lagSeconds: Double?
        /// Events that this process had delivered; begins at 0 with each process.
        package var delivered: Int64

        package init(lagEvents: Int64?, lagSeconds: Double?, delivered: Int64) {
            self.lagEvents = lagEvents
            self.lagSeconds = lagSeconds
            self.delivered = delivered
        }
    }

    private struct Point: Sendable {
        /// When it was read: by a clock that is never set, in milliseconds, and RFC 3339.
        var time: Int64
        var at: String
        /// By name.
        var sinks: [(name: String, numbers: Numbers)]
    }

    private var points: [Point] = []

    /// How far back it goes, in milliseconds.
    package static let span: Int64 = 600_000
    package static let mostPoints = 120
    /// Sinks of a point: the first by name.
    package static let mostSinks = 100

    package init() {}

    /// - Parameters:
    ///   - time: by a clock that is never set, in milliseconds.
    ///   - at: the same moment, in milliseconds since the Unix epoch.
    package mutating func add(_ sinks: [String: Numbers], time: Int64, at: Int64) {
        let kept = sinks.sorted { $0.key < $1.key }.prefix(Self.mostSinks).map { (name: $0.key, numbers: $0.value) }
        points.append(Point(time: time, at: rfc3339(milliseconds: at), sinks: kept))
        let tooMany = max(0, points.count - Self.mostPoints)
        let firstKept = points.firstIndex { $0.time >= time - Self.span } ?? points.endIndex
        points.removeFirst(max(tooMany, firstKept))
    }

    /// `{"points":[{"at","sinks":{NAME:{"lag_events","lag_seconds","delivered"}}}]}`, the oldest first.
    ///
    /// - Parameter since: RFC 3339 as in `at`: only later points.
    package func json(since: String? = nil) -> JSONText {
        let later = since.map { since in points.filter { $0.at > since } } ?? points
        return .object([("points", .array(later.map(Self.shown)))])
    }

    private static func shown(_ point: Point) -> JSONText {
        let sinks = point.sinks.map { sink in
            let numbers = sink.numbers
            return (
                sink.name,
                JSONText.object([
                    ("lag_events", .int(or: numbers.lagEvents)),
                    ("lag_seconds", numbers.lagSeconds.map { .number($0) } ?? .null),
                    ("delivered", .int(numbers.delivered)),
                ])
            )
        }
        return .object([("at", .string(point.at)), ("sinks", .object(sinks))])
    }
}
