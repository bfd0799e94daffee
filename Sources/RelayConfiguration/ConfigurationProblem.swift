/// Why the configuration cannot be used, as one sentence for the operator.
package struct ConfigurationProblem: Error, Hashable, Sendable {
    /// Where the mistake is; the executable has an exit code for each.
    package enum Kind: Sendable {
        /// In the command line.
        case usage
        /// Anywhere else.
        case configuration
    }

    package var kind: Kind
    /// One sentence: what is wrong, where, and how to fix it. Never holds a password.
    package var message: String
    /// The line of the file, where it is there.
    var line: Int?

    /// The command line is wrong: a value that does not parse or is out of range.
    package static func usage(_ message: String) -> Self {
        Self(kind: .usage, message: message)
    }

    /// The configuration is wrong: the environment, the file, a URI, a conninfo or a SPEC.
    package static func configuration(_ message: String) -> Self {
        Self(kind: .configuration, message: message)
    }

    /// The same on this line, unless it has one.
    func on(line: Int?) -> Self {
        var problem = self
        problem.line = problem.line ?? line
        return problem
    }
}

/// Everything that is wrong with a configuration, told at once.
package struct ConfigurationProblems: Error, Hashable, Sendable {
    /// At least one: those of the command line first, those of the file in the order of its lines.
    package let all: [ConfigurationProblem]

    /// Of the command line where any of them is: who typed it is there to correct it, and what else is wrong is told as well.
    package var kind: ConfigurationProblem.Kind { all.contains { $0.kind == .usage } ? .usage : .configuration }

    package init(_ problem: ConfigurationProblem) { all = [problem] }

    fileprivate init(_ found: [ConfigurationProblem]) {
        all = found.enumerated().sorted { Self.rank($0) < Self.rank($1) }.map(\.element)
    }

    private static func rank(_ found: (offset: Int, element: ConfigurationProblem)) -> (Int, Int, Int) {
        (found.element.kind == .usage ? 0 : 1, found.element.line ?? .max, found.offset)
    }
}

/// Takes what is found wrong while the rest is read on, so that all of it is told at once.
package final class FoundProblems {
    private(set) var all: [ConfigurationProblem] = []

    package init() {}

    package func note(_ problem: ConfigurationProblem) { all.append(problem) }

    func note(_ problems: [ConfigurationProblem]) { all += problems }

    /// What is read; nil where it is wrong, which is noted.
    ///
    /// - Parameter line: of the file, where what is read is there.
    package func value<Value>(
        line: Int? = nil, _ read: () throws(ConfigurationProblem) -> Value
    ) -> Value? {
        do throws(ConfigurationProblem) {
            return try read()
        } catch {
            note(error.on(line: line))
            return nil
        }
    }

    /// Whether nothing was wrong with what is read: only then what it comes to together can be judged.
    func noneIn(_ read: () -> Void) -> Bool {
        let before = all.count
        read()
        return all.count == before
    }

    /// Throws what was found, if anything was.
    package func check() throws(ConfigurationProblems) {
        if !all.isEmpty { throw ConfigurationProblems(all) }
    }
}
