/// Which events of a delivery travel in the next request, and which one it was that a receiver refused.
///
/// Events are named by their place in the delivery. Requests follow one another; a request of several that was refused
/// is halved, its first half being sent first, until the one event is known.
struct RequestPlan: Sendable {
    /// What a refusal of the last request means.
    enum Refusal: Sendable, Hashable {
        /// It stood alone: it is the event that was refused.
        case known
        /// One of several: parts of the request are to be sent.
        case narrowed
    }

    private let count: Int
    private let batch: Int
    private let byteLimit: Int
    /// The first event that has no answer.
    private(set) var position = 0
    /// What is left of a refused request: parts of it, the next one last.
    private var parts: [Range<Int>] = []

    /// - Parameters:
    ///   - count: Events in the delivery.
    ///   - batch: Events in a request at most.
    ///   - byteLimit: Bytes of a request that holds several events, at most.
    init(count: Int, batch: Int, byteLimit: Int = .max) {
        self.count = count
        self.batch = batch
        self.byteLimit = byteLimit
    }

    /// The next request; nil once every event has its answer.
    ///
    /// - Parameter width: How many bytes an event takes.
    func next(width: (Int) -> Int) -> Range<Int>? {
        if let part = parts.last { return part }
        guard position < count else { return nil }
        var end = position + 1
        if batch > 1 {
            var bytes = width(position)
            while end < count, end - position < batch {
                bytes += width(end)
                if bytes > byteLimit { break }
                end += 1
            }
        }
        return position..<end
    }

    /// The request was delivered.
    mutating func accepted(_ request: Range<Int>) {
        position = request.upperBound
        if !parts.isEmpty { parts.removeLast() }
    }

    /// The request was refused.
    mutating func refused(_ request: Range<Int>) -> Refusal {
        guard request.count > 1 else { return .known }
        if !parts.isEmpty { parts.removeLast() }
        let middle = request.lowerBound + request.count / 2
        parts.append(middle..<request.upperBound)
        parts.append(request.lowerBound..<middle)
        return .narrowed
    }
}
