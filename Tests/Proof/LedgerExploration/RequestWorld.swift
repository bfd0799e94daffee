import LedgerCore

/// One key, its row in the database, and clients that send requests under it to servers that may die at any step: what
/// `RequestMachine` is explored in.
///
/// Each statement is one step, as the row's lock makes it, but for the one that does what is asked: it locks the row first,
/// and commits later, with nobody there to hear of it where the server has died meanwhile. How long anything takes is left
/// open: an attempt may look abandoned at any time, and a deadline may pass at any time.
package struct RequestWorld: Hashable {
    /// What a client wants: its requests differ in nothing else.
    package typealias Body = UInt8
    package typealias Attempt = UInt8

    /// The key's row.
    package struct Row: Hashable {
        var body: Body
        var attempt: Attempt
        /// Once it is answered: what the answer is of.
        var answer: Reply?
    }

    /// An answer as it stands in the row.
    package struct Reply: Hashable {
        let body: Body
        let isRefusal: Bool
    }

    package struct Client: Hashable {
        let body: Body
        /// The request that a server works on; none while the client waits to send one, or is done.
        var machine: RequestMachine<Attempt>?
        /// What the machine is to hear once it asks: the outcome of what has happened in the database.
        var heard: RequestMachine<Attempt>.Outcome?
        /// How many times it may still send the request.
        var tries: UInt8
        /// Whether it was answered for good.
        var isDone = false
    }

    /// A transaction that has locked the row, and will commit or not, whoever is there to hear of it.
    package struct Posting: Hashable {
        let attempt: Attempt
        let body: Body
        /// The client whose server hears of it; none where it has died or lost the session.
        var client: UInt8?
    }

    var row: Row?
    var clients: [Client]
    var posting: Posting?
    /// Each request that is sent is another attempt.
    var lastAttempt: Attempt = 0
    /// How many times what is asked was done, for each body.
    var done: [UInt8]
    /// How many more servers may die, sessions be lost, outcomes be missed.
    var crashes: UInt8
    /// How many more times the ledger may refuse.
    var refusals: UInt8
    /// What was broken, if anything.
    package var fault: String?
}

/// What is changed about the database's side, so that the exploration finds it.
package enum RequestMutant: String, CaseIterable, Sendable {
    /// What is asked is done without a look at whose the key is.
    case performsUnfenced
    /// A key is taken over whoever has it by now.
    case takesOverBlindly
    /// The answer is entered in a transaction of its own.
    case completesLater
    /// A refusal is entered over whatever stands there.
    case recordsBlindly
    /// Putting things in order deletes the row whoever has it by now.
    case freesBlindly
    /// A request under a key is not compared with the one before.
    case ignoresBodies
}
