import CLibpq
import DedicatedThreads
import Glibc

/// Drives libpq from a target to a session, on a helper thread, which hands the session over.
///
/// `PQconnectPoll` applies no `connect_timeout`; libpq's blocking calls do, to each address in turn, and so does this.
struct Connecting {
    let target: ConnectionTarget
    let attempt: OpenAttempt

    /// Connects; ends early once nobody waits for it.
    func run() throws(PostgresError) -> LibpqConnection {
        var target = target
        // A role's or the environment's client_encoding would change what the bytes mean.
        target["client_encoding"] = "UTF8"
        while true {
            guard let link = LibpqConnection.start(target.options) else {
                throw PostgresError(.connection, "libpq has no memory for a connection", connectionIsLost: true)
            }
            // Now with what environment and service file say.
            for keyword in ConnectionTarget.nameKeywords {
                try ConnectionTarget.refuseTarget(link.option(keyword), in: keyword)
            }
            var silence: PostgresError?
            if try connect(link, silence: &silence) { return link }
            guard let silence else { throw failure(of: link) }
            // libpq gives up at a server that took the connection and then said nothing, where its own blocking calls
            // go on with the next host; so must we.
            guard let rest = HostList(of: link)?.afterCurrent() else { throw silence }
            for (keyword, value) in rest { target[keyword] = value }
        }
    }

    /// - Parameter silence: set if the last address tried did not answer in time.
    /// - Returns: whether there is a session.
    private func connect(_ link: LibpqConnection, silence: inout PostgresError?) throws(PostgresError) -> Bool {
        guard !link.hasFailed else { return false }
        let limit = Self.limit(link.option("connect_timeout"))
        var address = link.address
        var deadline = limit.map { ContinuousClock.now + $0 }
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            if next == PGRES_POLLING_FAILED { return false }
            guard !attempt.isOver else { throw Self.notWanted }
            if link.address != address {
                address = link.address
                deadline = limit.map { ContinuousClock.now + $0 }
                silence = nil
            }
            let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
            if attempt.wakeUp.wait(socket: link.socket, events: events, until: deadline) == 0 {
                guard let due = deadline, ContinuousClock.now >= due, let limit else { continue }
                // Makes this address fail, so that libpq goes on to the next one.
                _ = shutdown(link.socket, Int32(SHUT_RDWR))
                silence = Self.silence(of: address, for: limit)
                deadline = nil
            }
            next = link.pollConnecting()
        }
        guard link.becomeNonBlocking() else {
            throw PostgresError(.connection, "libpq has no memory for a connection", connectionIsLost: true)
        }
        return true
    }

    /// libpq's rule: whole seconds, at least 2; 0 and below is no limit.
    private static func limit(_ connectTimeout: String?) -> Duration? {
        guard let seconds = connectTimeout.flatMap({ Int32(trimmed($0)) }), seconds > 0 else { return nil }
        return .seconds(max(seconds, 2))
    }

    private func failure(of link: LibpqConnection) -> PostgresError {
        let text = link.errorMessage
        guard !ConnectErrorText.namesBadOption(text) else { return Self.badOption(text) }
        return ConnectErrorText(text).error(hiding: target.secrets + [link.password])
    }

    /// Names the option, not the value: that may be a piece of a mangled password.
    private static func badOption(_ text: String) -> PostgresError {
        if text.contains("service") {
            return PostgresError(
                .badTarget, "the service named for the database connection cannot be read from its file")
        }
        let known = [
            "sslmode", "gssencmode", "channel_binding", "target_session_attrs", "connect_timeout", "port", "hostaddr",
            "ssl_min_protocol_version", "ssl_max_protocol_version", "tcp_user_timeout", "keepalives", "sslsni",
            "require_auth", "load_balance_hosts", "sslnegotiation",
        ]
        // Outside quotes only: every second piece lies within them.
        let pieces = text.split(separator: "\"", omittingEmptySubsequences: false)
        let words = pieces.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element).joined(separator: " ")
        let quotedNames = Set(pieces.map(String.init))
        guard let keyword = known.first(where: { words.contains($0) || quotedNames.contains($0) }) else {
            return PostgresError(.badTarget, "the database connection has an option or value unknown to libpq")
        }
        return PostgresError(.badTarget, "the database connection has a value of \(keyword) unknown to libpq")
    }

    private static func silence(of address: [String], for limit: Duration) -> PostgresError {
        let port = address[2].isEmpty ? "" : ", port \(address[2])"
        return PostgresError(
            .timeout, "connection to server at \"\(address[0])\"\(port) failed: no answer within \(limit)",
            connectionIsLost: true)
    }

    /// Never seen: whoever called `open` has been answered.
    private static let notWanted = PostgresError(.cancelled, "connecting was cancelled", connectionIsLost: true)
}

/// The hosts of a target, as libpq reads its lists.
struct HostList {
    private let lists: [(keyword: String, values: [String])]
    private let current: Int

    /// `nil` where the place of the current host cannot be told.
    init?(of link: LibpqConnection) {
        let lists = ["host", "hostaddr", "port"].map { keyword in
            let value = link.option(keyword) ?? ""
            return (
                keyword: keyword, values: value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            )
        }
        let (names, addresses, ports) = (lists[0].values, lists[1].values, lists[2].values)
        let address = link.address
        let count = max(names.count, addresses.count)
        let place = (0..<count).first { index in
            let nameMatches = names.count == count && names[index] == address[0]
            let addressMatches = addresses.count == count && addresses[index] == address[1]
            let port = ports.count == count ? ports[index] : ports.first ?? ""
            return (nameMatches || addressMatches) && (port.isEmpty || port == address[2])
        }
        guard let place else { return nil }
        current = place
        self.lists = lists
    }

    /// The three options for the hosts after the current one; `nil` if it is the last.
    func afterCurrent() -> [(keyword: String, value: String?)]? {
        let count = lists.map(\.values.count).max() ?? 0
        guard current + 1 < count else { return nil }
        return lists.map { list in
            // A single port is for all hosts.
            let rest = list.values.count == count ? Array(list.values[(current + 1)...]) : list.values
            let value = rest.joined(separator: ",")
            return (list.keyword, value.isEmpty ? nil : value)
        }
    }
}
