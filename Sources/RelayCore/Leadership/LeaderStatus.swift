/// What `status` shows of the leader and its sinks.
package struct LeaderStatus: Hashable, Sendable {
    package struct SinkState: Hashable, Sendable {
        package var name: String
        package var isConfigured: Bool
        /// One of `live`, `catching-up`, `retrying`, `blocked`, `stopped`.
        package var state: String
        package var lastError: String?

        package init(name: String, isConfigured: Bool, state: String, lastError: String?) {
            self.name = name
            self.isConfigured = isConfigured
            self.state = state
            self.lastError = lastError
        }
    }

    package var mode: String
    package var isStreaming: Bool
    /// JSON.
    package var orderHold: String?
    package var sinks: [SinkState]

    package init(mode: String, isStreaming: Bool, orderHold: String?, sinks: [SinkState]) {
        self.mode = mode
        self.isStreaming = isStreaming
        self.orderHold = orderHold
        self.sinks = sinks
    }
}
