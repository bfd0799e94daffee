import DedicatedThreads
import Glibc
import Synchronization
import Testing

/// An actor that lives on a thread.
private actor Resident {
    private nonisolated let thread: DedicatedThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    private(set) var calls = 0

    init(_ thread: DedicatedThread) {
        self.thread = thread
    }

    /// The thread that it runs on.
    func place() -> pthread_t {
        calls += 1
        return pthread_self()
    }

    func place(of other: Resident) async -> pthread_t { await other.place() }

    /// How many calls that were queued as it began had run when it was over, though it waited for nothing.
    func othersWhileItGoesOn() async -> Int {
        let others = Others()
        for _ in 0..<10 { thread.run { others.haveRun.add(1, ordering: .relaxed) } }
        await withCheckedContinuation { $0.resume() }
        await withTaskCancellationHandler {
        } onCancel: {
        }
        return others.haveRun.load(ordering: .relaxed)
    }
}

private final class Others: Sendable {
    let haveRun = Atomic(0)
}

/// Anybody, on no thread in particular.
private actor Anybody {
    func place() -> pthread_t { pthread_self() }
}

private final class End: Sendable {
    let hasCome = Atomic(false)
}

/// What shares a thread stays on it, and nobody who waits holds it.
@Suite struct LoopTests {
    private let thread: DedicatedThread

    init() throws {
        thread = try #require(DedicatedThread())
    }

    @Test func actorsThatShareAThreadMeetOnIt() async {
        let (one, other) = (Resident(thread), Resident(thread))
        let home = await one.place()
        #expect(pthread_equal(home, pthread_self()) == 0)
        for _ in 0..<100 { #expect(pthread_equal(await one.place(of: other), home) != 0) }
        #expect(await other.calls == 100)
    }

    @Test func tasksThatPreferItKeepEverybodyThere() async {
        let home = await Resident(thread).place()
        let places = await Task(executorPreference: thread.tasks) {
            let own = Self.here()
            let anybodys = await Anybody().place()
            let childs = await withTaskGroup(of: pthread_t.self) { group in
                group.addTask { Self.here() }
                return await group.next()
            }
            return [own, anybodys, childs ?? pthread_t()]
        }.value
        #expect(places.allSatisfy { pthread_equal($0, home) != 0 })
    }

    /// Each way through the queue would let others in between, and costs.
    @Test func aTaskThatPrefersItGoesThroughTheQueueOnlyToWait() async {
        let resident = Resident(thread)
        let others = await Task(executorPreference: thread.tasks) { await resident.othersWhileItGoesOn() }.value
        #expect(others == 0)
    }

    private static func here() -> pthread_t { pthread_self() }

    @Test func aSleeperHoldsNobodyUp() async {
        let (sleeper, resident) = (Sleeper(thread), Resident(thread))
        let sleeping = Task(executorPreference: thread.tasks) { await sleeper.wait() }
        // It would not return while the thread slept.
        for _ in 0..<100 { _ = await resident.place() }
        sleeper.signal()
        #expect(await sleeping.value == 0)
    }

    @Test func aSignalBeforeTheWaitEndsIt() async {
        let sleeper = Sleeper(thread)
        sleeper.signal()
        sleeper.signal()
        #expect(await sleeper.wait() == 0)
        // Both were one: the next wait lasts until its time.
        let deadline = ContinuousClock.now + .milliseconds(20)
        _ = await sleeper.wait(until: deadline)
        #expect(ContinuousClock.now >= deadline)
    }

    @Test func aDescriptorThatIsReadyEndsTheWaitsForIt() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let (reader, writer, later) = (ends[0], ends[1], Sleeper(thread))
        let reading = Task { await Sleeper(self.thread).wait(socket: reader, events: POLLIN) }
        let sleeping = Task { await later.wait(until: .now + .seconds(600)) }
        #expect(await Sleeper(thread).wait(socket: writer, events: POLLOUT) == POLLOUT)
        #expect(write(writer, "x", 1) == 1)
        #expect(await reading.value == POLLIN)
        later.signal()
        #expect(await sleeping.value == 0)
    }

    @Test func socketsAreLookedAtHoweverMuchThereIsToDo() async throws {
        let resident = Resident(thread)
        let end = End()
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Work that never leaves the queue empty.
            for _ in 0..<2 {
                group.addTask { while !end.hasCome.load(ordering: .relaxed) { _ = await resident.place() } }
            }
            for wait in [1, 5, 20] {
                let deadline = ContinuousClock.now + .milliseconds(wait)
                _ = await Sleeper(thread).wait(until: deadline)
                #expect(ContinuousClock.now >= deadline)
            }
            end.hasCome.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
    }

    @Test func sleepEndsWithItsTask() async {
        let sleeping = Task { [thread] in await thread.sleep(until: .now + .seconds(600)) }
        sleeping.cancel()
        await sleeping.value
    }

    @Test func manySleepAndEachIsWokenOnce() async {
        let sleepers = (0..<200).map { _ in Sleeper(thread) }
        let woken = await withTaskGroup(of: Int32.self) { group in
            for (number, sleeper) in sleepers.enumerated() {
                group.addTask {
                    await sleeper.wait(until: number.isMultiple(of: 2) ? .now + .milliseconds(number) : nil)
                }
            }
            for (number, sleeper) in sleepers.enumerated() where !number.isMultiple(of: 2) { sleeper.signal() }
            return await group.reduce(0) { count, events in events == 0 ? count + 1 : count }
        }
        #expect(woken == 200)
    }
}
