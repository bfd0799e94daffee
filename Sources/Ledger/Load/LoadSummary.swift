/// What a load has done, at one moment.
struct LoadSummary: Sendable {
    let posted: Int
    let rolledBack: Int
    /// Of those posted, how many stayed open for a while before.
    let late: Int
    let errors: Int
    /// Requests that were made again under the same key.
    let retries: Int
    /// Due and never begun; 0 until the load is over.
    let dropped: Int
    /// Zero until the load is over.
    let length: Duration
    /// Why the last one of the errors happened.
    let lastFailure: String?
    /// Of those that committed at once; `nil` where none did.
    let latency: LatencyQuantiles?

    /// The result, as one line: the rate in transfers posted a second, latencies in milliseconds, or null without any.
    var json: String {
        let members = [
            "\"posted\":\(posted)", "\"rolled_back\":\(rolledBack)", "\"late\":\(late)", "\"errors\":\(errors)",
            "\"dropped\":\(dropped)", "\"retries\":\(retries)", "\"rate\":\(rate(over: length).rounded(toDigits: 3))",
            "\"latency_ms\":\(latency?.json ?? "null")",
        ]
        return "{\(members.joined(separator: ","))}"
    }

    /// Transfers posted a second.
    func rate(over length: Duration) -> Double { length > .zero ? Double(posted) / (length / .seconds(1)) : 0 }

    /// What is shown while it goes on, so far: shorter than a terminal is wide.
    func progress(after elapsed: Duration) -> String {
        var parts = [
            "\(elapsed.components.seconds) s", "\(posted) posted", "\(rate(over: elapsed).rounded(toDigits: 1))/s",
        ]
        if let latency {
            parts.append("p50 \(latency.p50.rounded(toDigits: 1)) ms, p99 \(latency.p99.rounded(toDigits: 1)) ms")
        }
        parts.append("\(errors) errors")
        return parts.joined(separator: "  ")
    }
}

extension Double {
    /// With so many digits behind the point.
    fileprivate func rounded(toDigits digits: Int) -> Double {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        return (self * scale).rounded() / scale
    }
}
