import Glibc

/// The calls by which bytes become durable, so that a test can let them fail. Each answers as the system's does, with
/// `errno` set.
package struct DiskCalls: Sendable {
    /// write(2).
    package var write: @Sendable (Int32, UnsafeRawBufferPointer) -> Int = { Glibc.write($0, $1.baseAddress, $1.count) }
    /// fdatasync(2): it writes the length too where the new bytes need it.
    package var sync: @Sendable (Int32) -> Int32 = { fdatasync($0) }
    /// ftruncate(2).
    package var truncate: @Sendable (Int32, Int) -> Int32 = { ftruncate($0, $1) }

    /// The system's.
    package init() {}
}
