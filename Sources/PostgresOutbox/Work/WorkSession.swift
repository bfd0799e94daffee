import Libpq
import RelayCore

/// The session that claims, settles and sweeps, one thing after the other.
///
/// Every write is bound to the leader's epoch: once a successor has raised it, nothing here takes effect.
package actor WorkSession: LeaderWork {
    let connection: Connection
    let schema: OutboxSchema
    let epoch: Int64
    /// What the database was when this relay's lead began: a row that is gone was deleted only if it still is.
    let history: DatabaseHistory
    nonisolated let pid: Int32
    let source: String
    /// The sinks for which later events of a parked key are parked too.
    let parkingByKey: [String]
    var portion = PortionSize()
    /// Rows that the open claim holds locked.
    var claimed: Set<Int64> = []
    var claimIsOpen = false
    /// Rows move in one script with the COMMIT. A rule on the outbox may rule that out.
    var movesWithCommit = true

    /// With its connection: a call between the two is a call, and not a job in the queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe connection.unownedExecutor }

    package init(
        _ session: Session, epoch: Int64, history: DatabaseHistory, source: String, parkingByKey: [String] = []
    ) {
        connection = session.connection
        schema = session.schema
        pid = session.backendPID
        self.epoch = epoch
        self.history = history
        self.source = source
        self.parkingByKey = parkingByKey
    }

    package func close() async { await connection.close() }

    /// Cuts the session off, whatever it is doing.
    package nonisolated func abandon() { connection.abandon() }
}
