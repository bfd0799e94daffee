import DedicatedThreads
import Synchronization
import Testing

@testable import WebhookSink

@Suite("Looking names up", .timeLimit(.minutes(1)))
struct NameLookUpTests {
    /// However often somebody gives up waiting: one that hangs is not begun a second time.
    @Test func thereIsOneAtATime() async throws {
        let thread = try #require(DedicatedThread())
        let hold = try #require(WakeUp())
        let asked = Mutex(0)
        let names = NameLookUp(on: thread, literal: nil) {
            let isFirst = asked.withLock { count in
                count += 1
                return count == 1
            }
            if isFirst { hold.wait() }
            return ReceiverAddress.find("127.0.0.1", 80, 0) ?? []
        }
        for _ in 0..<20 {
            await #expect(throws: PlainFailure.connectTimeout) {
                _ = try await names.addresses(until: .now + .milliseconds(1))
            }
        }
        #expect(asked.withLock(\.self) <= 1)
        hold.signal()
        let addresses = try await names.addresses(until: .now + .seconds(50))
        #expect(addresses.count == 1)
        // This one waited for the first, or came after it.
        #expect(asked.withLock(\.self) <= 2)
    }

    @Test func aNameWithoutAddresses() async throws {
        let thread = try #require(DedicatedThread())
        let names = NameLookUp(on: thread, literal: nil) { [] }
        await #expect(throws: PlainFailure.unresolved) {
            _ = try await names.addresses(until: .now + .seconds(50))
        }
    }
}
