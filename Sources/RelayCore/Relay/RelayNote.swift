/// Something an operator should hear of.
package enum RelayNote: Hashable, Sendable {
    case orderHold(OrderHold)
    case orderReleased
    case late(OwedEntry)
    case outage(sink: String, reason: String, attempt: Int)
    case rejected(sink: String, id: Int64, reason: String, isParked: Bool)
    /// Nothing is delivered to the sink before somebody has fixed what the reason names.
    case blocked(sink: String, reason: String)
    case recovered(sink: String)
    case leftTail(sink: String)
    case caughtUp(sink: String)
    /// Everything that is committed rings from here on.
    case streaming
    /// A row cannot be read, moved or parked.
    case rowFault(RowFault)
    /// Rows that were delivered were deleted by somebody before they were settled.
    case rowsGone([Int64])
}

extension RelayNote {
    init(_ event: LaneEvent, of sink: String) {
        self =
            switch event {
            case .outage(let reason, let attempt): .outage(sink: sink, reason: reason, attempt: attempt)
            case .recovered: .recovered(sink: sink)
            case .rejected(let id, let reason, let isParked):
                .rejected(sink: sink, id: id, reason: reason, isParked: isParked)
            case .blocked(let reason): .blocked(sink: sink, reason: reason)
            case .leftTail: .leftTail(sink: sink)
            }
    }
}
