import RelayTestKit

/// What can be done to a relay and to what it depends on, as an option names it.
enum FaultKind: String, CaseIterable, Sendable {
    case kill, freeze, stop
    case serverFast = "server-fast"
    case serverImmediate = "server-immediate"
    case serverCrash = "server-crash"
    case sessions
    case databaseNetwork = "database-network"
    case webhookNetwork = "webhook-network"
    case webhook
    case disk
    case clock, suspension

    /// Those that a plan with a fixed number of kills is made of.
    static let server: [FaultKind] = [.serverFast, .serverImmediate, .serverCrash]

    /// How often it is drawn, beside the others.
    var weight: Int {
        switch self {
        case .kill: 10
        case .freeze, .sessions, .databaseNetwork, .webhookNetwork, .webhook: 5
        case .stop, .clock, .suspension: 3
        case .serverFast, .serverImmediate, .serverCrash, .disk: 2
        }
    }
}

/// Which relay it is done to.
enum Target: Hashable, Sendable, CustomStringConvertible {
    /// Whichever leads at that moment.
    case leader
    /// The one with this number, counted from 1.
    case host(Int)

    var description: String {
        switch self {
        case .leader: "the leader"
        case .host(let number): "relay \(number)"
        }
    }
}

/// What a network does.
enum NetworkFault: Hashable, Sendable, CustomStringConvertible {
    /// Nothing passes, neither bytes nor the end of a connection.
    case cut, cutTowardsServer, cutFromServer
    /// Every portion waits so many milliseconds.
    case slow(Int)
    /// All connections end at once; takes no time.
    case reset
    /// Requests are delivered twice; only of webhooks.
    case copy

    var description: String {
        switch self {
        case .cut: "cut"
        case .cutTowardsServer: "cut towards the server"
        case .cutFromServer: "cut from the server"
        case .slow(let milliseconds): "slow by \(milliseconds) ms"
        case .reset: "reset"
        case .copy: "delivering twice"
        }
    }
}

/// What a webhook's receiver does.
enum ReceiverFault: Hashable, Sendable, CustomStringConvertible {
    /// Answers 503 and keeps nothing.
    case unavailable
    /// Keeps the events and hangs up instead of answering.
    case hangsUpAfterwards
    /// Hangs up and keeps nothing.
    case hangsUpBefore
    /// Keeps the events and answers so many milliseconds later.
    case slow(Int)

    var description: String {
        switch self {
        case .unavailable: "answers 503"
        case .hangsUpAfterwards: "keeps the events and hangs up"
        case .hangsUpBefore: "hangs up"
        case .slow(let milliseconds): "answers after \(milliseconds) ms"
        }
    }
}

/// One fault; times are in milliseconds.
enum Fault: Hashable, Sendable, CustomStringConvertible {
    /// SIGKILL, and another process after a while.
    case kill(Target, down: Int)
    /// SIGSTOP, and SIGCONT after a while.
    case freeze(Target, Int)
    /// SIGTERM, and another process after a while.
    case stop(Target, down: Int)
    case restartServer(PrivateCluster.StopMode)
    /// SIGKILL of one of the server's processes, which makes the server end and reset all of them.
    case crashServer
    /// pg_terminate_backend on the relays' sessions of a role; on all where it is empty.
    case endSessions(role: String)
    case databaseNetwork(Target, NetworkFault, Int)
    case webhookNetwork(Target, NetworkFault, Int)
    case receiver(ReceiverFault, Int)
    case fullDisk(Int)
    /// The relay's wall clock is set by so many seconds, forwards or backwards.
    case clock(Target, seconds: Int)
    /// SIGSTOP, and SIGCONT after a while (milliseconds), by which the relay's clocks say that so many seconds passed.
    case suspend(Target, Int, seconds: Int)

    var description: String {
        switch self {
        case .kill(let target, let down): "SIGKILL to \(target), another one after \(down) ms"
        case .freeze(let target, let time): "SIGSTOP to \(target) for \(time) ms"
        case .stop(let target, let down): "SIGTERM to \(target), another one after \(down) ms"
        case .restartServer(.fast): "fast restart of the server"
        case .restartServer(.immediate): "immediate restart of the server"
        case .crashServer: "SIGKILL to a process of the server"
        case .endSessions(let role): "pg_terminate_backend on \(role.isEmpty ? "all" : role) sessions"
        case .databaseNetwork(let target, .reset, _): "network of \(target) to the database: reset"
        case .databaseNetwork(let target, let fault, let time):
            "network of \(target) to the database \(fault), for \(time) ms"
        case .webhookNetwork(let target, .reset, _): "network of \(target) to the webhooks: reset"
        case .webhookNetwork(let target, let fault, let time):
            "network of \(target) to the webhooks \(fault), for \(time) ms"
        case .receiver(let fault, let time): "the receiver \(fault), for \(time) ms"
        case .fullDisk(let time): "the disk is full, for \(time) ms"
        case .clock(let target, let seconds): "wall clock of \(target) set by \(seconds) s"
        case .suspend(let target, let time, let seconds):
            "host of \(target) suspended for \(time) ms, by its clocks for \(seconds) s"
        }
    }
}
