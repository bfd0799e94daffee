/// What a request may take.
struct RequestLimits: Sendable {
    /// From its arrival to its answer, and from its first byte to its last.
    let time: Duration
    /// An attempt that has not answered for so long may be taken over: an interval as PostgreSQL reads it.
    let abandonedAfter: String
    /// For putting things in order when time is up.
    let overtime = Duration.seconds(1)

    /// Bytes of a body.
    static let largestBody = 1 << 20
    /// Bytes of a request's head.
    static let largestHead = 16 << 10
    /// How long a connection may be there between requests, and take for a request's head.
    static let idleTime = Duration.seconds(60)
    static let mostConnections = 1000
}
