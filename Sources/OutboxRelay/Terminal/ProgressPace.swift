/// How fast something goes on, by what was seen of it within the last seconds.
struct ProgressPace: Sendable {
    private struct Sample: Sendable {
        /// Since the beginning.
        var time: Duration
        var count: Int64
        /// Of the whole: 0 to 1.
        var fraction: Double?
    }

    /// How far back the rate looks.
    private static let window = Duration.seconds(15)
    /// Samples closer than this replace each other: so there are few.
    private static let spacing = Duration.milliseconds(500)

    private var samples = [Sample(time: .zero, count: 0, fraction: 0)]

    /// Notes how far it is.
    ///
    /// - Parameter time: since the beginning; not below the last one.
    mutating func note(_ count: Int64, _ fraction: Double?, at time: Duration) {
        let sample = Sample(time: time, count: count, fraction: fraction)
        if samples.count > 2, time - samples[samples.count - 2].time < Self.spacing {
            samples[samples.count - 1] = sample
        } else {
            samples.append(sample)
        }
        let start = time - Self.window
        while samples.count > 2, samples[1].time <= start { samples.removeFirst() }
    }

    /// Nil where too little was seen of it.
    var perSecond: Double? {
        guard let (first, last, seconds) = span, last.count >= first.count else { return nil }
        return Double(last.count - first.count) / seconds
    }

    /// Seconds until the end at this pace; nil where that cannot be known.
    var remaining: Double? {
        guard let (first, last, seconds) = span, let now = last.fraction, let then = first.fraction, now > then else {
            return nil
        }
        return max(0, 1 - now) * seconds / (now - then)
    }

    private var span: (first: Sample, last: Sample, seconds: Double)? {
        guard let first = samples.first, let last = samples.last else { return nil }
        let seconds = (last.time - first.time) / Duration.seconds(1)
        return seconds >= 0.2 ? (first, last, seconds) : nil
    }
}
