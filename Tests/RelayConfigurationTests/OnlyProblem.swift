import RelayConfiguration
import Testing

/// What is wrong, where exactly one thing is.
func onlyProblem(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> some Any
) throws -> ConfigurationProblem {
    let problems = try #require(
        throws: ConfigurationProblems.self, sourceLocation: sourceLocation, performing: { _ = try body() })
    #expect(problems.all.count == 1, "\(problems.all)", sourceLocation: sourceLocation)
    return try #require(problems.all.first, sourceLocation: sourceLocation)
}
