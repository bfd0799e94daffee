import RelayCore

/// A fault of the relay's rules or of what surrounds them, put in on purpose: simulations must find it.
package enum Mutant: String, CaseIterable, Sendable {
    // Rules of the core (``RelayRules``).
    case floorFromThisScan
    case horizonKept
    case absentByLaterHorizon
    // The server, and what the relay asks of it.
    /// The holders are listed before the last value is read.
    case holdersFirst
    /// A prepared transaction is not among the holders.
    case preparedOverlooked
    /// A transaction's locks go before its rows are visible.
    case unlockedBeforeVisible
    /// A settlement does not write the ranges.
    case rangesUnwritten
    /// A settlement does not look for what its lane passed as absent.
    case passedUnseen
    /// The look at a closed gap finds nothing.
    case lookSkipped
    /// Every streamed transaction counts as visible.
    case gateOpen

    /// Where it shows soonest.
    var scene: Scene {
        switch self {
        case .horizonKept: .drawsTakenBack
        case .absentByLaterHorizon: .slowReads
        case .rangesUnwritten, .passedUnseen: .lateRows
        default: .everything
        }
    }

    /// The rules that the core then follows.
    var rules: RelayRules {
        var rules = RelayRules.sound
        switch self {
        case .floorFromThisScan: rules.floorIsPreviousScan = false
        case .horizonKept: rules.horizonEndsWithSession = false
        case .absentByLaterHorizon: rules.absenceNeedsEarlierHorizon = false
        default: break
        }
        return rules
    }
}
