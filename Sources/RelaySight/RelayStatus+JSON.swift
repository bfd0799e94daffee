import PostgresOutbox
import RelayObservability

extension RelayStatus {
    /// The members and their order are a promise.
    package var json: JSONText { .object(members) }

    var members: [(String, JSONText)] {
        [
            ("leader", leader?.json ?? .null), ("mode", .string(or: mode)), ("streaming", .bool(streaming)),
            ("unpublished", .int(or: unpublished)), ("order_hold", orderHold?.json ?? .null),
            ("sinks", .array(sinks.map(\.json))), ("waits", .array(waits.map(\.json))),
            ("stopped", .string(or: stoppedReason)),
        ]
    }
}

extension RelayStatus.Leader {
    fileprivate var json: JSONText {
        .object([
            ("pid", .int(pid)), ("application_name", .string(applicationName)), ("host", .string(or: host)),
            ("since", .string(or: since)),
        ])
    }
}

extension RelayStatus.OrderHold {
    fileprivate var json: JSONText {
        .object(
            [
                gid.map { ("gid", .string($0)) } ?? ("pid", pid.map { .int($0) } ?? .null),
                ("application_name", .string(or: applicationName)), ("seconds", .int(seconds)),
                ("above_id", .int(aboveID)),
            ]
                + (row.map { row in
                    [
                        ("row_id", .int(row.id)), ("unreadable", .bool(row.isUnreadable)),
                        ("reason", .string(row.reason)),
                    ]
                } ?? []))
    }
}

extension SessionWait {
    fileprivate var json: JSONText {
        .object([
            ("session", .string(role)), ("pid", .int(Int64(pid))), ("seconds", .number(seconds)),
            ("for", .string(cause)), ("held_by", .array(heldBy.map(\.json))),
        ])
    }
}

extension SessionWait.Holder {
    fileprivate var json: JSONText {
        .object([
            gid.map { ("gid", .string($0)) } ?? ("pid", .int(or: pid.map(Int64.init))),
            ("application_name", .string(or: applicationName)),
        ])
    }
}

extension RelayStatus.Sink {
    fileprivate var json: JSONText {
        .object([
            ("name", .string(name)), ("configured", .bool(configured)),
            ("delivered_through", .int(or: deliveredThrough)), ("lag_events", .int(or: lagEvents)),
            ("lag_seconds", lagSeconds.map { .number($0) } ?? .null), ("parked", .int(or: parked)),
            ("state", .string(state)), ("last_error", .string(or: lastError)),
        ])
    }
}
