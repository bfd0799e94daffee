import Foundation
import Glibc
import Synchronization

/// How a process ended.
package enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xff) : .signalled(signal)
    }

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}

/// A process started by posix_spawn: in a group of its own, with default signal handling, an environment that is given
/// in full, and no descriptor beside its standard three. The janitor ends it should this process die first.
package final class ChildProcess: Sendable {
    package let pid: pid_t
    private let ended = Mutex<ProcessEnd?>(nil)

    /// What a program under test is given of this process's environment: nothing of the caller's libpq, log or relay
    /// settings.
    package static var passedEnvironment: [String: String] {
        let passed = [
            "PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "ASAN_OPTIONS", "TSAN_OPTIONS",
            "LLVM_PROFILE_FILE", "TEST_PATIENCE",
        ]
        return ProcessInfo.processInfo.environment.filter { passed.contains($0.key) }
    }

    /// - Parameters:
    ///   - command: the executable, searched for in PATH where it holds no slash, and its arguments.
    ///   - output: the descriptor that becomes standard output; /dev/null where nil.
    ///   - errors: the descriptor that becomes standard error; /dev/null where nil.
    package init(
        _ command: [String], environment: [String: String], input: Int32? = nil, output: Int32? = nil,
        errors: Int32? = nil, tracked: Bool = true
    ) throws {
        pid = try Self.spawn(command, environment, [input, output, errors])
        if tracked { Janitor.shared.watch(pid: pid) }
        Thread.detachNewThread { [self] in reap() }
    }

    /// How it ended, or nil while it runs.
    package var exitStatus: ProcessEnd? { ended.withLock { $0 } }

    /// Waits for its end.
    package func exit(within limit: Duration = .seconds(30)) async throws -> ProcessEnd {
        try await eventually("process \(pid) ends", within: limit) { exitStatus != nil }
        return try exitStatus ?? { throw KitFailure("process \(pid) has no exit status") }()
    }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) {
        // Under the lock, so that the pid is not given to another process between the question and the signal.
        ended.withLock { if $0 == nil { _ = kill(pid, number) } }
    }

    private func reap() {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
        Janitor.shared.forget(pid: pid)
        ended.withLock { status in
            var raw: Int32 = 0
            while waitpid(pid, &raw, 0) == -1 && errno == EINTR {}
            status = ProcessEnd(waitStatus: raw)
        }
    }

    private static func spawn(
        _ command: [String], _ environment: [String: String], _ standard: [Int32?]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, source) in zip(Int32(0)..., standard) {
            if let source {
                posix_spawn_file_actions_adddup2(&actions, source, target)
            } else {
                posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0)
            }
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for copy in arguments + variables { free(copy) } }
        var pid: pid_t = 0
        let failure = Pipe.starting.withLock { _ in
            posix_spawnp(&pid, command[0], &actions, &attributes, &arguments, &variables)
        }
        guard failure == 0 else {
            throw KitFailure("cannot start \(command[0]): \(String(cString: strerror(failure)))")
        }
        return pid
    }
}
