/// What a request may take.
struct RequestLimits: Sendable {
    /// From its head to its answer; what is under way then is waited for a moment longer. From its head to its last byte, too.
    let time: Duration
    /// An attempt that has not answered for so long may be taken over: an interval as PostgreSQL reads it.
    let abandonedAfter: String
    /// For putting things in order when time is up.
    let overtime = Duration.seconds(2)

    /// Bytes of a body.
    static let largestBody = 1 << 20
    /// Bytes of a request's head.
    static let largestHead = 16 << 10
    /// How long a connection may be there between requests, and take for a request's head.
    static let idleTime = Duration.seconds(60)
    static let mostConnections = 1000
}
