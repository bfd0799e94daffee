/// One thing that must hold, and whether it does: a line of `doctor`.
package struct Check: Sendable, Hashable {
    package enum Severity: String, Sendable {
        /// The relay does not work, or not in the mode asked for.
        case error
        /// It works, with something less than one may think.
        case warning
    }

    package var name: String
    package var severity: Severity
    /// What is wrong, without an end mark; `nil` where all is well.
    package var problem: String?
    /// How to mend it.
    package var mend: String?

    package var ok: Bool { problem == nil }

    /// A check that found nothing wrong.
    package static func passed(_ name: String, severity: Severity = .error) -> Check {
        Check(name: name, severity: severity, problem: nil, mend: nil)
    }

    package static func failed(
        _ name: String, severity: Severity = .error, _ problem: String, mend: String
    ) -> Check {
        Check(name: name, severity: severity, problem: problem, mend: mend)
    }

    /// The check that a refusal belongs to, failed.
    package init(_ refusal: Refusal) {
        self.init(name: refusal.check, severity: .error, problem: refusal.problem, mend: refusal.mend)
    }

    package init(name: String, severity: Severity, problem: String?, mend: String?) {
        self.name = name
        self.severity = severity
        self.problem = problem
        self.mend = mend
    }
}
