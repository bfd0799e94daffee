/// Lets only so many heavy tests run at once: on a small machine they would only make each other late.
package actor Turn {
    /// The turns of tests that keep a server and a relay busy.
    package static let heavy = Turn(places: 3)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(places: Int) { free = places }

    /// Waits for a place, runs `body`, and gives the place back.
    package nonisolated func take<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        await enter()
        do {
            let value = try await body()
            await leave()
            return value
        } catch {
            await leave()
            throw error
        }
    }

    private func enter() async {
        // Asked within: others may run before the closure does.
        await withCheckedContinuation { continuation in
            guard free > 0 else { return waiting.append(continuation) }
            free -= 1
            continuation.resume()
        }
    }

    private func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
