import RelayTestKit
import Testing

/// Lets a test wait for its turn among those that keep a server and a relay busy.
struct HeavyTrait: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await Turn.heavy.take { try await function() }
    }
}

extension Trait where Self == HeavyTrait {
    static var heavy: HeavyTrait { HeavyTrait() }
}
