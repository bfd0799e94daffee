import Glibc
import WallClock

/// The two clocks of what is shown: one to measure by, one to tell the time.
package struct SightClock: Sendable {
    /// Milliseconds, from wherever; never set back, and going on while the machine sleeps.
    package var monotonic: @Sendable () -> Int64
    /// Milliseconds since the Unix epoch; may be set.
    package var wall: @Sendable () -> Int64

    package init(monotonic: @escaping @Sendable () -> Int64, wall: @escaping @Sendable () -> Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }

    /// The machine's.
    package static let system = SightClock {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    } wall: {
        WallClock.milliseconds
    }
}
