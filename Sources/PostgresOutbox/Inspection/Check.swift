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
    /// How to fix it, or how to have it looked at.
    package var remedy: String?
    /// Why it could not be looked at, which is no failure; `nil` where it was.
    package var notChecked: String?

    package var ok: Bool { problem == nil }

    /// A check that found nothing wrong.
    package static func passed(_ name: String, severity: Severity = .error) -> Check {
        Check(name: name, severity: severity, problem: nil, remedy: nil)
    }

    package static func failed(
        _ name: String, severity: Severity = .error, _ problem: String, remedy: String
    ) -> Check {
        Check(name: name, severity: severity, problem: problem, remedy: remedy)
    }

    /// A check of what this role, or this machine, cannot see: more than `run` needs is not asked for.
    package static func notChecked(_ name: String, _ reason: String, remedy: String) -> Check {
        Check(name: name, severity: .warning, problem: nil, remedy: remedy, notChecked: reason)
    }

    /// The check that a refusal belongs to, failed.
    package init(_ refusal: Refusal) {
        self.init(name: refusal.check, severity: .error, problem: refusal.problem, remedy: refusal.remedy)
    }

    package init(name: String, severity: Severity, problem: String?, remedy: String?, notChecked: String? = nil) {
        self.name = name
        self.severity = severity
        self.problem = problem
        self.remedy = remedy
        self.notChecked = notChecked
    }
}
