import Glibc

/// The time as the relay knows it: milliseconds on a clock that never goes back and counts suspension.
package protocol RelayClock: Sendable {
    var now: Int64 { get }
    /// Returns at `time` or when the task is cancelled, whichever comes first.
    func sleep(until time: Int64) async
}

/// CLOCK_BOOTTIME: a process that was stopped, or a host that slept, finds the time gone by.
package struct BootClock: RelayClock {
    package init() {}

    package var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package func sleep(until time: Int64) async {
        let wait = max(0, time - now)
        try? await Task.sleep(for: .milliseconds(wait))
    }
}
