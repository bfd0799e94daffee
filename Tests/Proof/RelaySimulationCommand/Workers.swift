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
    private var running: [pid_t: (seeds: ClosedRange<UInt64>, digest: Int32)] = [:]
    private(set) var digest = SeedsDigest()
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

    /// Where a process finds the pipe for its digest.
    private static let digestDescriptor: Int32 = 3

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
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw WorkerFailure(reason: String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], Self.digestDescriptor)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let words =
            [CommandLine.arguments.first ?? "relay-simulation", "--first", "\(next)", "--seeds", "\(seeds)"]
            + ["--tells-digest-to", "\(Self.digestDescriptor)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = (words + options).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/proc/self/exe", &actions, nil, &arguments, environ)
        guard code == 0 else {
            close(ends[0])
            throw WorkerFailure(reason: String(cString: strerror(code)))
        }
        running[pid] = (next...(next + seeds - 1), ends[0])
        next += seeds
    }

    private mutating func wait() {
        var status: Int32 = 0
        let pid = waitpid(-1, &status, 0)
        guard pid > 0, let (seeds, tells) = running.removeValue(forKey: pid) else { return }
        if let part = SeedsDigest.read(from: tells) { digest.add(part) }
        close(tells)
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
