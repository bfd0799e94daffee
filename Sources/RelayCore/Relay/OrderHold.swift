/// What holds the order back.
package struct OrderHold: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// An open transaction that has drawn an id, or may have.
        case transaction(SequenceHolder)
        /// A row that somebody has locked.
        case lockedRow(Int64)
        /// A row above the sequence's last value.
        case aboveSequence(Int64)
        /// A row that the database cannot give out.
        case unreadableRow(RowFault)
        /// No scan has answered yet.
        case unknown

        /// What is wrong with a row that is not delivered, and what ends that.
        package var remedy: String? {
            switch self {
            case .aboveSequence:
                "it is above the sequence's last value; set the sequence to the highest id in the outbox, or delete the "
                    + "row if its id is a mistake"
            case .transaction, .lockedRow, .unreadableRow, .unknown: nil
            }
        }
    }

    /// Only ids above are held back.
    package var aboveID: Int64
    package var cause: Cause
    /// Milliseconds since it began, by the relay's clock.
    package var since: Int64
}

/// What holds the order back, from its beginning on; told of once it has lasted for a while.
struct StandingHold: Hashable, Sendable {
    enum Naming: Hashable, Sendable {
        /// Nobody was told. Exit: `named`.
        case unnamed
        /// It was told of, with the transaction that was behind it.
        case named(SequenceHolder?)
    }

    var cause: OrderHold.Cause
    private(set) var since: Int64
    private(set) var naming = Naming.unnamed

    init(_ cause: OrderHold.Cause, since: Int64) {
        self.cause = cause
        self.since = since
    }

    var isNamed: Bool { naming != .unnamed }

    /// When it is told of, if it still stands; nil where it was.
    func nextNaming(after notice: Int64) -> Int64? { isNamed ? nil : since + notice }

    /// Names it once it has lasted for `notice` milliseconds; and once the one that was named is gone, the next one.
    ///
    /// - Parameter lowest: the live holder that bounds the horizon.
    /// - Returns: whether it is to be told of.
    mutating func name(after lowest: SequenceHolder?, notice: Int64, at now: Int64) -> Bool {
        var holder: SequenceHolder?
        if case .named(let named) = naming { holder = named }
        let isAnother = holder.map { lowest != nil && $0 != lowest } ?? false
        guard !isNamed || isAnother, now - since >= notice else { return false }
        if cause == .unknown || isAnother {
            guard let lowest else { return false }
            cause = .transaction(lowest)
            holder = lowest
        }
        naming = .named(holder)
        return true
    }

    /// The same for an exploration, which sees whether it is named, and no clock.
    mutating func foldClock() { since = 0 }
}
