import Glibc

/// This program, several times side by side, each with a stretch of the seeds: the executor's hooks are one process's.
struct Workers {
    private let options: [String]
    /// Seeds of one process, 2500 at most: it ends then, so that what little it cannot free goes.
    private let stretch: UInt64
    private let jobs: Int
    private let count: UInt64
    private var next: UInt64
    private let end: UInt64
    private var running: [pid_t: ClosedRange<UInt64>] = [:]
    private var done: UInt64 = 0
    private var failed = 0

    /// - Parameters:
    ///   - jobs: processes at once.
    ///   - options: what every process is told beside its seeds.
    init(first: UInt64, count: UInt64, jobs: Int, options: [String]) {
        (next, self.count, self.jobs, self.options) = (first, count, jobs, options)
        end = first + count
        stretch = max(1, min(2500, count / UInt64(jobs)))
    }

    /// Runs all of them, and says how far it is.
    ///
    /// - Returns: how many stretches had a finding.
    mutating func run() throws -> Int {
        while next < end || !running.isEmpty {
            while next < end, running.count < jobs { try start() }
            wait()
        }
        return failed
    }

    private mutating func start() throws {
        let seeds = min(stretch, end - next)
        let words = [CommandLine.arguments.first ?? "relay-simulation", "--first", "\(next)", "--seeds", "\(seeds)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = (words + options).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/proc/self/exe", nil, nil, &arguments, environ)
        guard code == 0 else { throw WorkerFailure(reason: String(cString: strerror(code))) }
        running[pid] = next...(next + seeds - 1)
        next += seeds
    }

    private mutating func wait() {
        var status: Int32 = 0
        let pid = waitpid(-1, &status, 0)
        guard pid > 0, let seeds = running.removeValue(forKey: pid) else { return }
        done += seeds.upperBound - seeds.lowerBound + 1
        if status != 0 { failed += 1 }
        // Exit code 1 is a finding, which it has told; anything else ended it in the midst of a seed.
        if status != 0, status != 1 << 8 {
            print("seeds \(seeds.lowerBound) to \(seeds.upperBound): the process ended with status \(status)")
        }
        print("\(done) of \(count) seeds\(failed > 0 ? ", with findings" : "")")
        fflush(nil)
    }
}

/// A process could not be started.
struct WorkerFailure: Error, CustomStringConvertible {
    var reason: String
    var description: String { "relay-simulation cannot start itself once more: \(reason)" }
}
