/// What this process does.
package enum RelayRole: Sendable, Hashable {
    case starting
    /// For its database, or for what must be over before it may lead.
    case waiting(reason: String)
    /// Another relay leads.
    case standby
    case leading
    /// It shares the load with others, without order.
    case competing
    case stopping

    /// The word for programs.
    package var word: String {
        switch self {
        case .starting: "starting"
        case .waiting: "waiting"
        case .standby: "standby"
        case .leading: "leading"
        case .competing: "competing"
        case .stopping: "stopping"
        }
    }

    /// What it waits for.
    package var reason: String? {
        if case .waiting(let reason) = self { reason } else { nil }
    }
}
