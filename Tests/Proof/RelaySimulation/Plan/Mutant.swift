import RelayCore

/// A fault of the relay's rules or of what surrounds them, put in on purpose: simulations must find it.
package enum Mutant: String, CaseIterable, Sendable {
    // Rules of the core (``RelayRules``).
    case floorFromThisScan
    case horizonKept
    case absentByLaterHorizon
    case standingIsHeard
    case overflowIsHeard
    case missingAskedOnce
    case passedForgotten
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
    case recheckSkipped
    /// Every announced transaction counts as visible.
    case announcedIsVisible
    /// What transactions are visible, and the snapshot's edges, are asked for after the rows.
    case snapshotAskedLater
    /// The tail is read as its rows were inserted.
    case draftsDelivered
    /// A delivered row that is missing always tells of a database that went back.
    case goneIsGoneBack
    /// A delivered row that is missing was always deleted.
    case goneIsDeleted
    /// Whether a missing row's transaction is committed is not asked after a restart.
    case statusUnasked
    /// No cursor passes a delivered row that is missing.
    case settlingStopsAtGone
    /// A claim of a relay without order locks nothing.
    case claimsUnlocked
    /// An administrator moves a cursor back, and writes no ranges.
    case movedWithoutRanges

    /// Where it shows soonest.
    var scene: Scene {
        switch self {
        case .horizonKept: .drawsTakenBack
        case .absentByLaterHorizon: .slowReads
        case .rangesUnwritten, .passedUnseen: .lateRows
        case .standingIsHeard, .overflowIsHeard, .missingAskedOnce, .passedForgotten,
            .snapshotAskedLater:
            .bellAlone
        case .goneIsDeleted, .statusUnasked: .historyCut
        case .goneIsGoneBack, .settlingStopsAtGone: .deletions
        case .movedWithoutRanges: .administration
        case .claimsUnlocked: .competition
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
        case .standingIsHeard: rules.standingIsUnheard = false
        case .overflowIsHeard: rules.overflowIsUnheard = false
        case .missingAskedOnce: rules.missingIsAskedAgain = false
        case .passedForgotten: rules.passedAsksSweep = false
        default: break
        }
        return rules
    }
}
