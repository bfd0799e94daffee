/// A transaction that holds the order back.
package struct HolderDescription: Hashable, Sendable {
    package var pid: Int32?
    /// Of a prepared transaction.
    package var gid: String?
    package var applicationName: String
    /// Since the transaction began, or was prepared.
    package var seconds: Double
    /// When that was, as the server prints it.
    package var since: String

    package init(pid: Int32?, gid: String?, applicationName: String, seconds: Double, since: String) {
        self.pid = pid
        self.gid = gid
        self.applicationName = applicationName
        self.seconds = seconds
        self.since = since
    }
}
