import CExecutorHooks
import RelayCore

/// Runs everything in one simulation on one thread: of the jobs that could run the seed chooses the next, and time passes
/// only where none could.
///
/// A job belongs to the simulated process that was at work when it was enqueued; number 0 is the world: the server, the
/// producers, the far sides of the sinks. So a process can be frozen: its jobs wait while time goes on.
///
/// `@unchecked Sendable`: the hooks bring every job to the thread that runs ``run(while:)``, and there is no other.
final class Scheduler: @unchecked Sendable {
    private struct Job {
        var job: UnsafeMutableRawPointer
        var process: Int
    }

    /// How a run came to its end.
    enum End: Hashable {
        case over
        /// Nothing can run and nothing is to happen.
        case stuck
        /// More steps than any sound simulation takes: something goes round in circles.
        case endless
    }

    /// The simulation that is being run: where the hooks bring jobs. One thread, so nobody races for it.
    nonisolated(unsafe) private static var running: Scheduler?
    nonisolated(unsafe) private static var isInstalled = false

    /// Microseconds since the simulation began.
    private(set) var now: Int64 = 0
    /// The process at work; 0: the world.
    private(set) var current = 0
    /// The simulation winds up: nobody waits any more.
    private(set) var isOver = false
    private(set) var steps = 0
    let trace: Trace
    private var runnable: [Job] = []
    private var held: [Int: [Job]] = [:]
    private var dying: Set<Int> = []
    private var agenda = Agenda()
    private var choices: SplitMix
    private let stepLimit: Int

    init(seed: UInt64, trace: Trace, stepLimit: Int) {
        choices = SplitMix(state: seed)
        self.trace = trace
        self.stepLimit = stepLimit
        Self.running = self
    }

    /// Brings every job of this program here, for good. To be called before anything concurrent has begun.
    static func install() {
        guard !isInstalled else { return }
        isInstalled = true
        executor_route_jobs { job in
            guard let job else { return }
            Scheduler.running?.enqueue(job)
        }
    }

    private func enqueue(_ job: UnsafeMutableRawPointer) {
        let job = Job(job: job, process: current)
        if held[current] != nil { held[current]?.append(job) } else { runnable.append(job) }
    }

    // MARK: - Running

    /// Runs until the condition fails, which is looked at between two steps.
    func run(while condition: () -> Bool) -> End {
        while condition() {
            steps += 1
            if steps > stepLimit { return .endless }
            guard step() else { return .stuck }
        }
        return .over
    }

    /// Runs what can run now, and lets no time pass.
    func settle() {
        while !runnable.isEmpty, steps < stepLimit {
            steps += 1
            _ = step()
        }
    }

    /// Lets everything come to its end: nobody who waits is left waiting. The scheduler is of no use afterwards.
    func windUp() -> End {
        isOver = true
        defer { Self.running = nil }
        for process in held.keys.sorted() { thaw(process) }
        var left = stepLimit
        while step() {
            left -= 1
            if left == 0 { return .endless }
        }
        return .over
    }

    private func step() -> Bool {
        if let index = choose() {
            let next = runnable.remove(at: index)
            current = next.process
            executor_run_job(next.job)
        } else if let entry = agenda.next() {
            now = max(now, entry.time)
            current = entry.process
            entry.action()
        } else {
            return false
        }
        current = 0
        return true
    }

    /// The next job: those of a dying process first, since they happen at the moment of its death.
    private func choose() -> Int? {
        guard !runnable.isEmpty else {
            dying = []
            return nil
        }
        if !dying.isEmpty {
            if let index = runnable.firstIndex(where: { dying.contains($0.process) }) { return index }
            dying = []
        }
        return runnable.count == 1 ? 0 : Int(choices.next() % UInt64(runnable.count))
    }

    // MARK: - Time

    /// Does something later, on behalf of a process.
    ///
    /// - Parameter time: microseconds since the simulation began.
    func at(_ time: Int64, for process: Int, _ action: @escaping () -> Void) {
        agenda.enter(at: max(time, now), process: process, action)
    }

    /// Begins a task that belongs to the world, whoever is at work.
    func spawn(_ body: @escaping @Sendable () async -> Void) {
        on(behalfOf: 0) { _ = Task { await body() } }
    }

    /// Whatever `action` sets off belongs to `process`.
    func on(behalfOf process: Int, _ action: () -> Void) {
        let before = current
        current = process
        action()
        current = before
    }

    /// Waits, as the world does: for so many microseconds, or not at all once the simulation winds up.
    func pause(_ time: Int64) async {
        guard !isOver else { return }
        await withUnsafeContinuation { continuation in
            at(now + time, for: 0) { continuation.resume() }
        }
    }

    // MARK: - Processes

    /// The process's jobs wait from here on.
    func freeze(_ process: Int) {
        held[process] = runnable.filter { $0.process == process }
        runnable.removeAll { $0.process == process }
    }

    func thaw(_ process: Int) {
        guard let jobs = held.removeValue(forKey: process) else { return }
        runnable += jobs
    }

    /// The process has died: what is left of its jobs comes to its end now, before anything else happens.
    func reap(_ process: Int) {
        thaw(process)
        dying.insert(process)
    }
}
