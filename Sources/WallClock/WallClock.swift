import Glibc

/// The time of day, counted from 1970-01-01 00:00 UTC. It may be set, back as well: nothing waits by it.
package enum WallClock {
    package static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    package static var milliseconds: Int64 { microseconds / 1000 }

    package static var seconds: Int64 { microseconds / 1_000_000 }
}
